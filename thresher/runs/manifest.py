# SPDX-License-Identifier: Apache-2.0
"""Manifest: what a complete generation consists of; a pure function of its records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from thresher.errors import StorageError
from thresher.runs.part import OUT, QUARANTINE, PartRecord
from thresher.runs.read_back import read_back
from thresher.stats import StageCounts
from thresher.storage import Store


def build_manifest(
    pipeline: str,
    generation: int,
    records: Iterable[PartRecord],
    kept: Iterable[PartRecord] = (),
) -> dict[str, Any]:
    """The manifest of a generation.

    Parameters
    ----------
    records : Iterable[PartRecord]
        The newest record of every part, in plan order.
    kept : Iterable[PartRecord]
        Records of earlier generations whose files stay beside (mode ``append``).
    """
    ordered = list(records)
    files = [
        {"path": f.final, "rows": f.rows, "bytes": f.bytes, "xxh3_128": f.digest, "part": r.name}
        for r in [*kept, *ordered]
        for f in r.on_port(OUT)
    ]
    quarantine = [
        {"path": f.final, "rows": f.rows, "part": r.name}
        for r in ordered
        for f in r.on_port(QUARANTINE)
    ]
    return {
        "pipeline": pipeline,
        "generation": generation,
        "parts": len({record.name for record in ordered}),
        "rows": sum(int(str(file["rows"])) for file in files),
        "bytes": sum(int(str(file["bytes"])) for file in files),
        "files": files,
        "quarantine": quarantine,
        "quarantined": sum(record.quarantined for record in ordered),
        "failed_parts": {r.name: r.failure for r in ordered if r.failure},
        "failures": [_failure(record) for record in ordered if record.has_failed],
        "stages": [_without_clocks(counts) for counts in total_counts(ordered)],
    }


def read_manifest(store: Store, path: str) -> dict[str, Any]:
    """A manifest, as it was written.

    Raises
    ------
    StorageError
        If it is damaged.
    """
    todo = "remove this file and run that pipeline again: it makes it anew"
    found = read_back(store, path, "pipeline", "files", todo=todo)
    files = found["files"]
    if not isinstance(files, list) or not all(
        isinstance(file, dict) and "path" in file for file in files
    ):
        raise StorageError("the file is damaged: it lists no files", where=path, todo=todo)
    return found


def _failure(record: PartRecord) -> dict[str, Any]:
    """What failed of a part: the whole of it, or rows on which a stage failed."""
    estimated = sum(counts.estimated for counts in record.counts)
    return {
        "part": record.name,
        "rows": record.failed_rows,
        **({"estimated": estimated} if estimated else {}),
        "reason": record.reason or record.failure,
        "attempts": record.attempts,
    }


def total_counts(records: Iterable[PartRecord]) -> list[StageCounts]:
    """Counts per stage over all records, Segment after Segment."""
    per_segment: dict[int, list[StageCounts]] = {}
    for record in records:
        totals = per_segment.setdefault(record.segment, [])
        _add(totals, record.counts)
    return [counts for segment in sorted(per_segment) for counts in per_segment[segment]]


def _add(totals: list[StageCounts], counts: Sequence[StageCounts]) -> None:
    for index, stage in enumerate(counts):
        if index == len(totals):
            totals.append(StageCounts(stage.stage))
        totals[index].add(stage)


def _without_clocks(counts: StageCounts) -> dict[str, Any]:
    """Counts that are the same however often the run was interrupted."""
    names = (
        "stage", "rows_in", "rows_out", "expanded", "merged", "quarantined", "estimated", "dropped"
    )  # fmt: skip
    values = {name: getattr(counts, name) for name in names}
    return {name: value for name, value in values.items() if value or name.startswith("rows")}
