# SPDX-License-Identifier: Apache-2.0
"""A file of random byte strings, led through all that works on text; every row accounted for."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from random import Random
from typing import Any

from tests.conformance import test_every_filter as filters
from tests.conformance import test_every_modifier as modifiers
from tests.fuzz.strings import byte_string
from tests.kernels.documents import kernels
from tests.toys import read_output, run_quietly
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.planning.columns import SAMPLED_RECORDS
from thresher.stages.text.filters import Score, ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.modifiers import Modify
from thresher.stages.text.modules import DocumentJoiner, DocumentSplitter


def stages() -> list[Any]:
    """Rows taken apart and joined again; then every modifier and every filter, each on the text.

    In this order: the rows of a split document repeat its other columns.
    """
    found: list[Any] = [
        Modify(modifier, output_fields=f"m{number}")
        for number, modifier in enumerate(modifiers.EXAMPLES)
    ]
    found += [Score(rule, score_field=f"s{number}") for number, rule in enumerate(filters.EXAMPLES)]
    few = ScoreFilter(WordCountFilter(min_words=2))
    return [DocumentSplitter("\n"), DocumentJoiner("\n"), *found, few]


def run(folder: Path, seed: int, count: int) -> dict[str, int]:
    """Lead ``count`` byte strings through a pipeline; what became of the rows.

    Raises
    ------
    AssertionError
        If rows are not accounted for.
    """
    rng = Random(seed)
    lines = [byte_string(rng, mixed=seed % 4 == 3) for _ in range(count)]
    # Columns named like Thresher's own are refused if a sample shows them, and cost their records
    # where they come later.
    seen = 2 * SAMPLED_RECORDS
    lines[:seen] = [line.replace(b"__", b"_") for line in lines[:seen]]
    data = b"\n".join(lines)
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a.jsonl").write_bytes(data)
    pipeline = Pipeline(
        "fuzz",
        stages=[
            JsonlReader(str(folder / "in")),
            *stages(),
            JsonlWriter(str(folder / "out")),
        ],
        max_error_rate=1.0,
    )
    with kernels("compiled" if seed % 2 else "plain"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run_quietly(pipeline, LocalExecutor(workers=0))
    records = sum(
        bool(line.strip(b" \t\r")) for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    )
    told = {
        "records": records,
        "written": sum(found.count(b"\n") for found in read_output(folder / "out").values()),
        "quarantined": sum(
            path.read_bytes().count(b"\n") for path in Path(result.quarantine_dir).rglob("*.ndjson")
        ),
        "dropped": sum(n for counts in result.counts for n in counts.dropped.values()),
        "expanded": sum(counts.expanded for counts in result.counts),
        "merged": sum(counts.merged for counts in result.counts),
    }
    assert all(counts.balance == 0 and not counts.opaque for counts in result.counts)
    assert result.counts[0].rows_in == records, told
    gone = told["written"] + told["dropped"] + told["quarantined"] + told["merged"]
    assert records + told["expanded"] == gone, told
    return told


def tell(send: Any, seed: int, count: int) -> None:
    """Send what :func:`run` tells, or how it failed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            send.send(run(Path(folder), seed, count))
        except Exception as error:
            send.send(f"{type(error).__name__}: {error}")
