# SPDX-License-Identifier: Apache-2.0
"""Files, and what readers and writers make of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from thresher.stages.reading import ReadReport
from thresher.stages.text.io import JsonlReader, JsonlReaderStage, JsonlWriter
from thresher.tasks import RAW, ROW, DocumentBatch, FileGroupTask, FileSlice

TEXT = pa.schema([pa.field("text", pa.large_string())])


def group(path: Path, start: int = 0, stop: int | None = None) -> FileGroupTask:
    return FileGroupTask("set", [str(path)], slices=(FileSlice(str(path), start, stop),))


def read(
    task: FileGroupTask,
    schema: pa.Schema | None = None,
    columns: Sequence[str] | None = None,
    carry: bool = True,
    stage: JsonlReaderStage | None = None,
) -> tuple[pa.Table, ReadReport]:
    """All rows of a group and what the reader told; the law of counting is checked."""
    stage = stage or JsonlReaderStage()
    if schema is None:
        schema = stage.infer_schema(task, 100)
    report = ReadReport()
    batches = list(stage.bind(schema, columns, carry).read(task, report))
    empty = pa.schema([(ROW, pa.int64()), *schema, (RAW, pa.large_binary())]).empty_table()
    tables = [batch.data for batch in batches] or [empty]
    table = pa.concat_tables(tables, promote_options="default")
    assert report.found == table.num_rows + len(report.bad)
    numbers = sorted(table.column(ROW).to_pylist() + [bad.row for bad in report.bad])
    assert numbers == list(range(report.found))
    return table, report


def read_batch(path: Path, columns: Sequence[str] | None = None) -> DocumentBatch:
    """One file as one batch that carries its records."""
    (_, task), *others = JsonlReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    assert not others
    stage = JsonlReaderStage()
    (batch,) = stage.bind(stage.infer_schema(task, 100), columns, True).process(task)
    return batch


def written(writer: JsonlWriter, batch: DocumentBatch, path: Path) -> bytes:
    """The bytes a batch becomes; the count is checked."""
    writer.write_data(batch, str(path))
    assert writer.count_rows(str(path)) == batch.num_items
    return path.read_bytes()
