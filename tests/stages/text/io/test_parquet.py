# SPDX-License-Identifier: Apache-2.0
"""Parquet files read: row groups, projections, types of all files, broken files; and written."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.stages.text.io.jsonl_files import json_table
from thresher.errors import DataError, PlanError, StorageError
from thresher.stages.base import TEXT
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.reading import ReadPlan, ReadReport, Sample, SourceError
from thresher.stages.text.io import ParquetReader, ParquetReaderStage, ParquetWriter
from thresher.stages.writing import WritePlan
from thresher.tasks import ROW, DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import JSON, JSON_TEXT, ColumnType, is_json, json_field

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


def made(folder: Path, **columns: Any) -> FileGroupTask:
    """A group of one file of these columns."""
    target = folder / "made.parquet"
    pq.write_table(pa.table(columns), target)
    return FileGroupTask("set", [str(target)])


def test_fields_are_a_projection(path: Path) -> None:
    task = FileGroupTask("set", [str(path)])
    assert read(ParquetReaderStage(fields=["n"]), task) == TABLE.select(["n"])
    assert read(ParquetReaderStage().bind(ReadPlan(("n",))), task) == TABLE.select(["n"])
    # Fields that are asked for are there, whether or not a file has them.
    table = read(ParquetReaderStage(fields=["gone", "n"]), task)
    assert table.schema == pa.schema([("gone", pa.null()), ("n", pa.int64())])
    assert table.column("gone").null_count == 1000


def test_every_batch_has_the_columns_that_all_files_have(path: Path) -> None:
    wider = {"n": ColumnType(pa.float64()), "new": ColumnType(pa.string()), "mixed": JSON}
    for plan in (ReadPlan(expected=wider), ReadPlan(("n", "new", "mixed"), expected=wider)):
        table = read(ParquetReaderStage().bind(plan), FileGroupTask("set", [str(path)]))
        named = table.select(["n", "new", "mixed"])
        assert named.schema == pa.schema(
            [("n", pa.float64()), ("new", pa.string()), json_field("mixed")]
        )
        assert is_json(named.schema.field("mixed"))
        assert named.column("n").to_pylist() == list(map(float, range(1000)))
        assert named.column("new").null_count == named.column("mixed").null_count == 1000
        rest = [name for name in table.column_names if name not in wider]
        assert rest == (["text"] if plan.columns is None else [])


def test_a_file_without_a_column_of_the_others_has_nulls_there(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"a": pa.array([2], pa.int32()), "c": [0.5]}), tmp_path / "b.parquet")
    task = FileGroupTask("set", [str(tmp_path / name) for name in ("a.parquet", "b.parquet")])
    stage = ParquetReaderStage()
    found = stage.sample(task, 10)

    columns = {"a": ColumnType(pa.int64(), is_exact=False), "b": ColumnType(pa.string()),
               "c": ColumnType(pa.float64())}  # fmt: skip
    assert found == Sample(columns, ("a", "b", "c"), is_whole=True)
    assert read(stage.bind(ReadPlan(expected=columns)), task).to_pylist() == [
        {"a": 1, "b": "x", "c": None}, {"a": 2, "b": None, "c": 0.5}
    ]  # fmt: skip


def test_footers_tell_types_and_statistics_what_they_leave_open(tmp_path: Path) -> None:
    task = made(
        tmp_path,
        small=[1, None], large=[2**53, 2**53 + 1], none=pa.nulls(2, pa.int64()),
        unsigned=pa.array([1, 2], pa.uint64()), text=["a", "b"], nested=[{"k": 1}, {"k": 2**60}],
        lists=[[1], [2, 3]], narrow=pa.array([1, 2], pa.int32()), short=pa.array([0.5, 1.5]),
    )  # fmt: skip
    stage, piece = ParquetReaderStage(), task.slices[0]
    declared = stage.file_types(piece)
    observed = stage.file_types(piece, set(declared))

    assert {name for name, kind in declared.items() if not kind.is_exact} == {
        "small", "large", "none", "unsigned", "nested", "lists"
    }  # fmt: skip
    assert not any(kind.is_void for kind in declared.values())
    assert {name for name, kind in observed.items() if not kind.is_exact} == {"large", "nested"}
    assert [name for name, kind in observed.items() if kind.is_void] == ["none"]
    assert {n: k.type for n, k in observed.items()} == {n: k.type for n, k in declared.items()}


def test_text_is_read_as_a_type_that_stages_work_on(tmp_path: Path) -> None:
    values = ["a", None, "b"]
    kinds = {
        "short": pa.string(), "long": pa.large_string(), "view": pa.string_view(),
        "coded": pa.dictionary(pa.int32(), pa.string()), "none": pa.null(),
    }  # fmt: skip
    task = made(
        tmp_path,
        **{n: pa.array(values if n != "none" else [None] * 3, k) for n, k in kinds.items()},
    )
    table = read(ParquetReaderStage().bind(ReadPlan(None, dict.fromkeys(kinds, TEXT))), task)

    assert {field.name: str(field.type) for field in table.schema} == {
        "short": "string", "long": "large_string", "view": "large_string", "coded": "string",
        "none": "large_string",
    }  # fmt: skip
    for name in kinds:
        assert table.column(name).to_pylist() == (values if name != "none" else [None] * 3)


def test_a_value_that_does_not_fit_the_type_asked_for_costs_its_row(tmp_path: Path) -> None:
    task = made(tmp_path, n=["1", "x", None, "-3"], t=["a", "b", "c", "d"])
    report = ReadReport()
    stage = ParquetReaderStage(types={"n": "int64"})
    (batch,) = stage.read(task, report)

    assert report.found == 4
    assert batch.data.to_pylist() == [
        {ROW: 0, "n": 1, "t": "a"}, {ROW: 2, "n": None, "t": "c"}, {ROW: 3, "n": -3, "t": "d"}
    ]  # fmt: skip
    (bad,) = report.bad
    assert (bad.path, bad.row, bad.line, bad.offset) == (task.data[0], 1, 0, -1)
    assert bad.reason == "column 'n' is int64 in this output; 'x' does not fit"
    assert json.loads(bad.record) == {"n": "x", "t": "b"}


def test_a_list_that_does_not_fit_costs_its_own_row_only(tmp_path: Path) -> None:
    task = made(tmp_path, n=[[1], [2**40], [], None, [3, None]])
    report = ReadReport()
    stage = ParquetReaderStage(types={"n": "list<int32>"})
    (batch,) = stage.read(task, report)

    assert batch.data.column("n").to_pylist() == [[1], [], None, [3, None]]
    assert [bad.row for bad in report.bad] == [1]


def test_json_that_does_not_fit_the_type_asked_for_costs_its_row(tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    pq.write_table(json_table(n=["1", '"x"', None, "2.5", '{"a":1}']), target)
    report = ReadReport()
    stage = ParquetReaderStage(types={"n": "int64"})
    (batch,) = stage.read(FileGroupTask("set", [str(target)]), report)

    assert batch.data.column("n").to_pylist() == [1, None]
    assert [bad.row for bad in report.bad] == [1, 3, 4]


def test_columns_of_json_are_json_again(tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    pq.write_table(json_table(m=["1", '"x"']), target)
    table = read(ParquetReaderStage(), FileGroupTask("set", [str(target)]))

    assert is_json(table.schema.field("m"))
    assert table.column("m").to_pylist() == ["1", '"x"']
    assert ParquetReaderStage().file_types(FileSlice(str(target))) == {"m": JSON}


def test_a_large_row_group_is_read_in_slices(path: Path) -> None:
    task = FileGroupTask("set", [str(path)])
    batches = list(ParquetReaderStage().streaming(1000).read(task, ReadReport()))

    assert max(batch.num_items for batch in batches) < 100
    assert pa.concat_tables([b.data for b in batches]).drop_columns([ROW]) == TABLE


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(90) + b"PAR1"],
    ids=["empty", "magic", "text", "zeros"],
)  # fmt: skip
def test_broken_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    for use in (ParquetReaderStage().process, lambda t: ParquetReaderStage().sample(t, 5)):
        with pytest.raises(SourceError, match="not a readable Parquet file") as caught:
            use(FileGroupTask("set", [str(path)]))
        assert (caught.value.path, caught.value.where) == (str(path), str(path))


def test_a_damaged_page_is_the_file_s_fault(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[200:400] = bytes([0xFF]) * 200
    path.write_bytes(data)
    with pytest.raises(SourceError, match="not a readable Parquet file") as caught:
        ParquetReaderStage().process(FileGroupTask("set", [str(path)]))
    assert caught.value.path == str(path)


def test_a_column_that_occurs_twice(tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, target)
    with pytest.raises(SourceError, match="the column 'a' occurs twice") as caught:
        ParquetReaderStage().process(FileGroupTask("set", [str(target)]))
    assert (caught.value.rows, caught.value.is_estimate) == (1, False)


def test_a_file_that_changes_is_refused(path: Path) -> None:
    ((_, task),) = ParquetReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    pq.write_table(TABLE.slice(0, 10), path)
    with pytest.raises(SourceError, match="changed while it was read"):
        ParquetReaderStage().process(task)


def test_a_missing_file_is_no_fault_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        ParquetReaderStage().process(FileGroupTask("set", [str(tmp_path / "a.parquet")]))


# -- writing --------------------------------------------------------------------------------------


def test_writing(tmp_path: Path) -> None:
    table = TABLE.append_column(ROW, pa.array(range(1000))).append_column(
        json_field("meta"), pa.array(["1", '"x"'] * 500, pa.large_string())
    )
    writer = ParquetWriter(str(tmp_path / "out"), write_kwargs={"row_group_size": 300})
    (path,) = writer.process(DocumentBatch("set", table)).data
    assert writer.count_rows(path) == 1000
    written = pq.read_table(path)
    assert written.column_names == ["meta", "n", "text"]
    assert is_json(written.schema.field("meta"))
    assert [pq.read_metadata(path).row_group(i).num_rows for i in range(4)] == [300, 300, 300, 100]
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"
    fewer = ParquetWriter(str(tmp_path / "two"), fields=["n"], write_kwargs={"compression": "none"})
    assert pq.read_table(fewer.process(DocumentBatch("set", table)).data[0]).column_names == ["n"]


def write(writer: ParquetWriter, *tables: pa.Table) -> tuple[pa.Table, Any]:
    """What a file of these tables holds, and what the stream tells of its types."""
    path = Path(writer.path) / "file.parquet"
    path.parent.mkdir(exist_ok=True)
    stream = writer.stream(str(path))
    for table in tables:
        stream.write(DocumentBatch("set", table))
    stream.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert writer.count_rows(str(path)) == sum(table.num_rows for table in tables)
    return pq.read_table(path), stream.types  # type: ignore[attr-defined]


def test_columns_stand_in_the_order_of_the_plan(tmp_path: Path) -> None:
    table = pa.table({name: [1] for name in ("score", "b", "id", "a", "text")})
    plan = WritePlan(first=("id", "text", "gone"), last=("score", "id"))

    found, _ = write(ParquetWriter(str(tmp_path)).bind(plan), table)
    assert found.column_names == ["id", "text", "a", "b", "score"]
    writer = ParquetWriter(str(tmp_path), fields=["b", "score"]).bind(plan)
    assert write(writer, table)[0].column_names == ["b", "score"]


def test_what_a_sample_expects_decides_nothing(tmp_path: Path) -> None:
    expected = {"n": ColumnType(pa.int64()), "v": JSON, "seen": ColumnType(pa.bool_())}
    writer = ParquetWriter(str(tmp_path)).bind(WritePlan(expected))
    table = pa.table({"n": [0.5, 2.0], "v": [1, 2], "more": ["a", "b"]})
    found, (held, columns) = write(writer, table)

    assert found.column("n").to_pylist() == [0.5, 2.0]
    assert found.column("v").to_pylist() == ["1", "2"]  # JSON, as it is likely to be in the end
    assert found.column_names == ["more", "n", "v"]
    assert held == {"n": ColumnType(pa.float64()), "v": ColumnType(pa.int64()),
                    "more": ColumnType(pa.string())}  # fmt: skip
    assert columns == {**held, "v": JSON}
    assert writer.columns(held) == columns


def test_the_columns_that_are_final(tmp_path: Path) -> None:
    final = {"v": JSON, "n": ColumnType(pa.float64()), "gone": ColumnType(pa.int64())}
    writer = ParquetWriter(str(tmp_path)).bind(WritePlan(final=final))
    found, (held, columns) = write(writer, pa.table({"v": [1, None], "n": [1, 2], "more": [1, 2]}))

    assert found.to_pylist() == [
        {"v": "1", "n": 1.0, "gone": None}, {"v": None, "n": 2.0, "gone": None}
    ]  # fmt: skip
    assert found.column_names == list(columns) == list(final)
    assert columns == final
    assert "more" not in held


@pytest.mark.parametrize("given", [{"n": "int8", "gone": "text", "m": "json"}, "schema"])
def test_types_that_are_asked_for(tmp_path: Path, given: Any) -> None:
    if given == "schema":
        given = pa.schema([("n", pa.int8()), ("gone", JSON_TEXT), ("m", JSON_TEXT)])
    writer = ParquetWriter(str(tmp_path), schema=given)
    table = pa.table({"n": [1, 2], "m": ["a", "b"], "k": [1, 2]})
    found, _ = write(writer, table)

    assert found.schema.field("n").type == pa.int8()
    text = '"a"' if isinstance(given, dict) else "a"  # as JSON, or as text
    assert found.to_pylist()[0] == {"gone": None, "k": 1, "m": text, "n": 1}
    path = str(tmp_path / "other")
    stream = writer.stream(path)
    with pytest.raises(BadRows) as caught:
        stream.write(DocumentBatch("set", pa.table({"n": [1, 300, None, -129], "k": [1, 2, 3, 4]})))
    stream.write(DocumentBatch("set", pa.table({"n": [5]})))
    stream.close()
    assert caught.value.reasons == {
        1: "column 'n' is int8 in this output; 300 does not fit",
        3: "column 'n' is int8 in this output; -129 does not fit",
    }
    assert pq.read_table(path, columns=["n"]).to_pylist() == [{"n": 5}]


def test_json_that_does_not_fit_a_type_asked_for(tmp_path: Path) -> None:
    writer = ParquetWriter(str(tmp_path), schema={"n": pa.struct([("a", pa.int64())])})
    stream = writer.stream(str(tmp_path / "file"))
    values = ['{"a":1}', '"x"', None, '{"a":1,"b":2}', '{"a":0.5}', "{}"]
    with pytest.raises(BadRows) as caught:
        stream.write(DocumentBatch("set", json_table(n=values)))
    assert sorted(caught.value.reasons) == [1, 3, 4]
    stream.close()


def test_batches_whose_columns_differ_make_one_file(tmp_path: Path) -> None:
    tables = [
        pa.table({"a": [1], "z": pa.nulls(1)}),
        pa.table({"a": [2], "z": ["x"]}),
        pa.table({"a": [3]}),
        pa.table({"a": [4], "new": [datetime.date(2024, 5, 6)]}),
    ]
    found, (held, columns) = write(ParquetWriter(str(tmp_path)), *tables)
    assert found.to_pylist() == [
        {"a": 1, "new": None, "z": None},
        {"a": 2, "new": None, "z": "x"},
        {"a": 3, "new": None, "z": None},
        {"a": 4, "new": datetime.date(2024, 5, 6), "z": None},
    ]
    assert held == columns
    # What has no type in common is JSON, in the batches before it too.
    found, (held, columns) = write(ParquetWriter(str(tmp_path)), *tables, pa.table({"a": [[1]]}))
    assert found.column("a").to_pylist() == ["1", "2", "3", "4", "[1]"]
    assert is_json(found.schema.field("a"))
    assert columns["a"].is_json


def test_rows_without_columns_keep_their_number(tmp_path: Path) -> None:
    found, _ = write(ParquetWriter(str(tmp_path)), pa.table({ROW: [0, 1, 2]}))
    assert found.to_pylist() == [{"_extra": None}] * 3
    found, _ = write(ParquetWriter(str(tmp_path)))
    assert found.num_rows == 0


def test_a_missing_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'gone'"):
        write(ParquetWriter(str(tmp_path), fields=["gone"]), pa.table({"a": [1]}))


def test_mistakes() -> None:
    with pytest.raises(PlanError):
        ParquetWriter("out", write_kwargs={"engine": "fastparquet"})
    with pytest.raises(PlanError):
        ParquetReader("in", read_kwargs={"engine": "fastparquet"})
    with pytest.raises(PlanError):
        ParquetWriter("out", schema={"n": "no type"})
    with pytest.raises(PlanError):
        ParquetReader("in", types={"n": "no type"})
    for rows in (0, -1, "many"):
        with pytest.raises(PlanError):
            ParquetWriter("out", write_kwargs={"row_group_size": rows})
