# SPDX-License-Identifier: Apache-2.0
"""Files, and what readers and writers make of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from thresher.stages.base import TEXT
from thresher.stages.reading import ReaderStage, ReadPlan, ReadReport
from thresher.stages.text.io import JsonlReader, JsonlReaderStage, JsonlWriter
from thresher.tasks import RAW, ROW, DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.joining import join
from thresher.tasks.types import json_field

TEXTS = ReadPlan(("text",), {"text": TEXT}, carry=True, always=("text",))
"""What a stage that works on ``text`` makes of a plan, with records carried along."""

ALL = ReadPlan()
"""All keys of all records, as a stage of tables makes of a plan."""


def group(path: Path, start: int = 0, stop: int | None = None) -> FileGroupTask:
    return FileGroupTask("set", [str(path)], slices=(FileSlice(str(path), start, stop),))


def lines(path: Path, *records: str) -> FileGroupTask:
    """A group of one file of these records."""
    path.write_text("".join(f"{record}\n" for record in records), "utf-8", "surrogatepass")
    return group(path)


def read(
    task: FileGroupTask, plan: ReadPlan, stage: ReaderStage | None = None
) -> tuple[pa.Table, ReadReport]:
    """All rows of a group and what the reader told; the law of counting is checked."""
    stage = stage or JsonlReaderStage()
    report = ReadReport()
    batches = list(stage.bind(plan).read(task, report))
    empty = pa.table({name: pa.nulls(0) for name in (ROW, *plan.always, RAW)})
    table = join(batches).data if batches else empty
    assert report.found == table.num_rows + len(report.bad)
    rows = [*table.column(ROW).to_pylist(), *(bad.row for bad in report.bad)]
    assert sorted(rows) == list(range(report.found))
    return table, report


def read_batch(path: Path, columns: Sequence[str] | None = None) -> DocumentBatch:
    """One file as one batch that carries its records."""
    (_, task), *others = JsonlReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    assert not others
    plan = ReadPlan(None if columns is None else tuple(columns), carry=True)
    (batch,) = JsonlReaderStage().bind(plan).process(task)
    return batch


def json_table(**columns: Sequence[str | None]) -> pa.Table:
    """A table of columns of JSON text."""
    values = [pa.array(texts, pa.large_string()) for texts in columns.values()]
    return pa.Table.from_arrays(values, schema=pa.schema(map(json_field, columns)))


def written(writer: JsonlWriter, batch: DocumentBatch, path: Path) -> bytes:
    """The bytes a batch becomes; the count is checked."""
    writer.write_data(batch, str(path))
    assert writer.count_rows(str(path)) == batch.num_items
    return path.read_bytes()
