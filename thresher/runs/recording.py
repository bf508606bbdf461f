# SPDX-License-Identifier: Apache-2.0
"""Records from outcomes: final names for files, and everything else as it was reported."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from thresher.errors import StageError
from thresher.runs.names import OutputNames
from thresher.runs.part import (
    OUT,
    QUARANTINE,
    FileRecord,
    Key,
    Outcome,
    Part,
    PartRecord,
    WrittenFile,
)


@dataclass(frozen=True)
class Recorder:
    """Makes records.

    Parameters
    ----------
    prefix : str
        What goes before the names of output files.
    environment : str
        Digest of the environment that the parts ran in.
    before : Mapping[Key, PartRecord]
        Records that are replaced: attempts are counted on.
    names : OutputNames
        Names of files, given those of all parts of the plan.
    """

    prefix: str = ""
    environment: str = ""
    before: Mapping[Key, PartRecord] = field(default_factory=dict)
    names: OutputNames = field(default_factory=OutputNames)

    def record(self, outcome: Outcome) -> PartRecord:
        """The record of an outcome."""
        part = outcome.part
        inline = ""
        if outcome.inline:
            inline = base64.b64encode(pickle.dumps(outcome.inline, protocol=5)).decode()
        record = PartRecord(
            part.segment,
            part.name,
            part.fingerprint,
            part.version,
            outcome.source_digest,
            self._files(outcome),
            tuple(outcome.counts),
            inline,
            outcome.failure,
            part.source_bytes,
            round(outcome.seconds, 3),
            outcome.memory,
            outcome.failed_rows,
            outcome.cause,
            first_names=outcome.first_names,
            names=outcome.names,
            absent=outcome.absent,
        )
        if not record.has_failed:
            return record
        return replace(
            record,
            reason=record.failure or _most_often(record.cause, outcome.reasons),
            attempts=1 + self._attempts_before(record),
            environment=self.environment,
        )

    def _attempts_before(self, record: PartRecord) -> int:
        """Attempts of earlier runs at the same piece of work, which failed for the same cause."""
        before = self.before.get(record.key)
        if before is None or not before.has_failed:
            return 0
        same = all(
            getattr(before, name) == getattr(record, name)
            for name in ("fingerprint", "version", "cause")
        )
        return before.attempts if same and before.environment == self.environment else 0

    def _files(self, outcome: Outcome) -> tuple[FileRecord, ...]:
        seen: dict[tuple[str, str], int] = {}  # files that belong together share a number
        files = []
        for file in outcome.files:
            index = seen.get((file.port, file.extension), 0)
            seen[file.port, file.extension] = index + 1
            final = self._final(outcome.part, file.port, index, file.extension)
            files.append(_record_of(file, final))
        return tuple(files)

    def _final(self, part: Part, port: str, index: int, extension: str) -> str:
        name = self.names.name(part.name, index, extension if port == OUT else "")
        if port == OUT:
            folder, slash, base = name.rpartition("/")
            return f"{folder}{slash}{self.prefix}{base}"
        first = port == QUARANTINE and not part.segment
        # No part has a name that begins with an underscore.
        stem = name if first else f"_segment-{part.segment}/{name}"
        return f"{port}/{stem}.{extension}"


def _most_often(cause: str, reasons: Mapping[str, int]) -> str:
    """The reason that was given most often where the cause lies."""
    stage = cause.rpartition(": ")[0]
    told = [reason for reason in reasons if reason.startswith(f"{stage}: ")]
    return max(told, key=lambda reason: reasons[reason], default=cause)


def rewritten(record: PartRecord, outcome: Outcome) -> PartRecord:
    """The record of a part whose output files were written again, with other columns.

    Raises
    ------
    StageError
        If the files are not the same number, or hold other numbers of rows.
    """
    old = record.on_port(OUT)
    new = [file for file in outcome.files if file.port == OUT]
    if [file.rows for file in old] != [file.rows for file in new]:
        raise StageError(
            "files that were written again hold other rows than before",
            where=f"part {record.name!r}",
            todo="nothing of it was committed; run again",
        )
    files = [
        replace(_record_of(made, was.final), holds=was.holds)
        for was, made in zip(old, new, strict=True)
    ]
    kept = [file for file in record.files if file.port != OUT]
    before = record.written_before or record.output_digest
    return replace(record, files=(*files, *kept), written_before=before)


def _record_of(file: WrittenFile, final: str) -> FileRecord:
    return FileRecord(
        file.port, file.temp, final, file.rows, file.bytes, file.digest, file.holds, file.columns
    )
