# SPDX-License-Identifier: Apache-2.0
"""Parquet files: row groups, projections, one schema for all outputs, broken files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.errors import DataError, PlanError
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.reading import ReadReport
from thresher.stages.text.io import ParquetReader, ParquetReaderStage, ParquetWriter
from thresher.stages.text.io.jsonl_columns import json_field
from thresher.tasks import ROW, DocumentBatch, FileGroupTask

TABLE = pa.table({"text": [f"row {i}" for i in range(1000)], "n": range(1000)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "in" / "a.parquet"
    target.parent.mkdir()
    pq.write_table(TABLE, target, row_group_size=100)
    return target


def read(stage: ParquetReaderStage, task: FileGroupTask) -> pa.Table:
    report = ReadReport()
    table = pa.concat_tables([b.data for b in stage.read(task, report)])
    assert report.found == table.num_rows
    assert table.column(ROW).to_pylist() == list(range(table.num_rows))
    return table.drop_columns([ROW])


def test_whole_files(path: Path) -> None:
    task = FileGroupTask("set", [str(path), str(path)])
    assert read(ParquetReaderStage(), task) == pa.concat_tables([TABLE, TABLE])
    assert ParquetReaderStage().locate(task, [5, 1500]) == {
        5: {"file": str(path)}, 1500: {"file": str(path)}
    }  # fmt: skip


def test_ranges_of_row_groups(path: Path) -> None:
    size = path.stat().st_size
    partitioning, stage = ParquetReader(str(path.parent), blocksize=size // 4).decompose()
    assert isinstance(partitioning, FilePartitioningStage)
    assert isinstance(stage, ParquetReaderStage)
    parts = partitioning.partitions()
    assert [name for name, _ in parts] == [
        f"a.parquet@{task.slices[0].start:010d}" for _, task in parts
    ]
    assert len(parts) in (5, 10)
    assert pa.concat_tables([read(stage, task) for _, task in parts]) == TABLE
    assert abs(sum(task.slices[0].weight for _, task in parts) - size) < 20


def test_fields_and_binding(path: Path) -> None:
    task = FileGroupTask("set", [str(path)])
    assert read(ParquetReaderStage(fields=["n"]), task) == TABLE.select(["n"])
    schema = ParquetReaderStage().infer_schema(task, 10)
    assert read(ParquetReaderStage().bind(schema, ["n"], False), task) == TABLE.select(["n"])
    wider = pa.schema([("n", pa.float64()), ("new", pa.string())])
    table = read(ParquetReaderStage().bind(wider, ["n", "new"], False), task)
    assert table.schema == wider
    assert table.column("new").null_count == 1000


def test_columns_beyond_the_schema_go_to_extra(path: Path) -> None:
    task = FileGroupTask("set", [str(path)])
    stage = ParquetReaderStage().bind(pa.schema([("text", pa.string())]), None, False)
    table = read(stage, task)
    assert [json.loads(value) for value in table.column("_extra").to_pylist()[:2]] == [
        {"n": 0}, {"n": 1}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(90) + b"PAR1"]
)
def test_broken_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    for use in (ParquetReaderStage().process, lambda t: ParquetReaderStage().infer_schema(t, 5)):
        with pytest.raises(DataError, match="not a readable Parquet file") as caught:
            use(FileGroupTask("set", [str(path)]))
        assert caught.value.where == str(path)


def test_a_column_that_cannot_be_converted(path: Path) -> None:
    stage = ParquetReaderStage().bind(pa.schema([("text", pa.int64())]), ["text"], False)
    with pytest.raises(DataError, match="'text' is string, not int64"):
        stage.process(FileGroupTask("set", [str(path)]))


def test_writing(tmp_path: Path) -> None:
    table = TABLE.append_column(ROW, pa.array(range(1000))).append_column(
        json_field("meta"), pa.array(["{}"] * 1000, pa.large_string())
    )
    writer = ParquetWriter(str(tmp_path / "out"), write_kwargs={"row_group_size": 300})
    (path,) = writer.process(DocumentBatch("set", table)).data
    assert writer.count_rows(path) == 1000
    written = pq.read_table(path)
    assert written.column_names == ["text", "n", "meta"]
    assert pq.read_metadata(path).num_row_groups == 4
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"
    fewer = ParquetWriter(str(tmp_path / "out"), fields=["n"], write_kwargs={"compression": "none"})
    assert pq.read_table(fewer.process(DocumentBatch("set", table)).data[0]).column_names == ["n"]


def test_the_planned_schema(tmp_path: Path) -> None:
    schema = pa.schema(
        [json_field("meta"), pa.field("n", pa.int64()), pa.field("gone", pa.int64())]
    )
    writer = ParquetWriter(str(tmp_path)).with_schema(schema)
    batch = DocumentBatch(
        "set", pa.table({"n": [1.0, 2.0], "meta": ["1", None], "score": [0.5, 1]})
    )
    table = pq.read_table(writer.process(batch).data[0])
    assert table.to_pylist()[0] == {"n": 1, "meta": "1", "score": 0.5}
    assert table.schema.field("n").type == pa.int64()
    with pytest.raises(DataError, match=r"1\.5") as caught:
        writer.process(DocumentBatch("set", pa.table({"n": [1.0, 1.5]})))
    assert "'n'" in caught.value.what


def test_batches_whose_columns_differ_make_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    stream = ParquetWriter(str(tmp_path)).stream(path)
    tables = [
        pa.table({"a": [1], "z": pa.nulls(1)}),
        pa.table({"a": [2], "z": ["x"]}),
        pa.table({"a": [3]}),
        pa.table({"a": [4], "_extra": ["{}"]}),
    ]
    for table in tables:
        stream.write(DocumentBatch("set", table))
    with pytest.raises(DataError, match="different types"):
        stream.write(DocumentBatch("set", pa.table({"a": [[1]]})))
    stream.close()
    assert pq.read_table(path).to_pylist() == [
        {"a": 1, "z": None, "_extra": None},
        {"a": 2, "z": "x", "_extra": None},
        {"a": 3, "z": None, "_extra": None},
        {"a": 4, "z": None, "_extra": "{}"},
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_mistakes() -> None:
    with pytest.raises(PlanError):
        ParquetWriter("out", write_kwargs={"engine": "fastparquet"})
    with pytest.raises(PlanError):
        ParquetReader("in", read_kwargs={"engine": "fastparquet"})
