# SPDX-License-Identifier: Apache-2.0
"""Parquet files whose values cannot all be shown or written: their rows are set aside, alone."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.backends.local import LocalExecutor
from thresher.errors import StageError
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io import JsonlWriter, ParquetReader, ParquetWriter
from thresher.stages.text.modules import Filter, ScoreFilter
from thresher.tasks import DocumentBatch

FAR = pa.array([0, 2**62], pa.timestamp("us"))
NO_TEXT = pa.StringArray.from_buffers(
    2, pa.py_buffer(np.array([0, 2, 5], np.int32)), pa.py_buffer(b"okab\xff")
)
IN_DICTIONARY = pa.DictionaryArray.from_arrays(pa.array([0, 1]), NO_TEXT)
GOOD = 300


def is_there(value: Any) -> bool:
    return value is not None


def run(
    tmp_path: Path, table: pa.Table | bytes, stages: Sequence[Any] = (), sink: str = "jsonl",
    **options: Any,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:  # fmt: skip
    """The rows of the output, and the entries of the quarantine."""
    folder = tmp_path / "in"
    folder.mkdir()
    data = table
    if isinstance(table, pa.Table):
        file = BytesIO()
        pq.write_table(table, file)
        data = file.getvalue()
    assert isinstance(data, bytes)
    (folder / "a.parquet").write_bytes(data)
    writer: Any = (JsonlWriter if sink == "jsonl" else ParquetWriter)(str(tmp_path / "out"))
    stages = [ParquetReader(str(folder), **options), *stages, writer]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)
    result = pipeline.run(LocalExecutor(workers=0))
    paths = [Path(path) for task in result for path in task.data]
    rows: list[dict[str, Any]] = []
    for path in paths:
        if sink == "jsonl":
            rows += map(json.loads, path.read_text().splitlines())
        else:
            table = pq.read_table(path)
            rows += table.to_pylist() if table.schema.names != ["c", "i"] else [{}] * len(table)
    found = sorted(Path(result.quarantine_dir).rglob("*.ndjson"))
    return rows, [json.loads(line) for path in found for line in path.read_text().splitlines()]


def beside_others(odd: pa.Array) -> pa.Table:
    """The odd values, the last of which is bad, behind many that are good."""
    return pa.table({"c": pa.concat_arrays([odd.slice(0, 1)] * GOOD + [odd])})


ODD = {
    "a far timestamp": FAR,
    "a far date": pa.array([0, 2**31 - 1], pa.date32()),
    "text that is not UTF-8": NO_TEXT,
    "a far timestamp in a list": pa.ListArray.from_arrays([0, 1, 2], FAR),
    "text that is not UTF-8, in a dictionary": IN_DICTIONARY,
    "text that is not UTF-8, in a dictionary in a list": pa.ListArray.from_arrays(
        [0, 1, 2], IN_DICTIONARY
    ),
    "text that is not UTF-8, in a struct": pa.StructArray.from_arrays([NO_TEXT], ["k"]),
    "text that is not UTF-8, in a map": pa.MapArray.from_arrays([0, 1, 2], ["a", "b"], NO_TEXT),
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("stages", [[], [Filter(is_there, "c")]], ids=["written", "shown"])
def test_a_row_that_cannot_be_written_is_set_aside_alone(
    tmp_path: Path, what: str, stages: list[Any]
) -> None:
    rows, aside = run(tmp_path, beside_others(ODD[what]), stages)

    assert len(rows) == GOOD + 1
    assert [entry["row"] for entry in aside] == [GOOD + 1]
    assert "column 'c' holds" in aside[0]["error"]
    assert aside[0]["record"]


def test_text_that_is_not_utf8_is_named_where_a_stage_takes_text(tmp_path: Path) -> None:
    stages = [ScoreFilter(WordCountFilter(min_words=1), text_field="c")]
    rows, aside = run(tmp_path, beside_others(NO_TEXT), stages, "parquet")

    assert len(rows) == GOOD + 1
    assert aside[0]["error"] == "column 'c' holds text that is not UTF-8"
    assert aside[0]["record"] == '{"c": "ab\\\\xff"}'


def test_far_times_stay_in_parquet(tmp_path: Path) -> None:
    _, aside = run(tmp_path, pa.table({"c": FAR}).append_column("i", [[1, 2]]), (), "parquet")
    assert not aside


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.date32()], ids=str)
def test_a_date_too_far_away_is_no_text(tmp_path: Path, kind: pa.DataType) -> None:
    odd = FAR if kind == FAR.type else ODD["a far date"]
    rows, aside = run(tmp_path, pa.table({"c": odd}), types={"c": "text"})

    assert [row["c"][:10] for row in rows] == ["1970-01-01"]
    assert "does not fit" in aside[0]["error"]


def test_two_members_of_one_name(tmp_path: Path) -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    rows, aside = run(tmp_path, pa.table({"c": twice, "i": [7]}))

    assert len(rows) + len(aside) == 1


def test_entries_that_a_null_hides_are_none(tmp_path: Path) -> None:
    maps = pa.MapArray.from_arrays(
        pa.array([0, 1, 2, 3], pa.int32()), pa.array(["a", "HID", "c"]), pa.array([1, 2, 3]),
        mask=pa.array([False, True, False]),
    )  # fmt: skip
    rows, _ = run(tmp_path, pa.table({"u": maps}))

    assert rows == [{"u": [["a", 1]]}, {"u": None}, {"u": [["c", 3]]}]


@pytest.mark.parametrize("sink", ["jsonl", "parquet"])
def test_a_file_without_a_column_that_is_not_null_inside(tmp_path: Path, sink: str) -> None:
    strict = pa.struct([pa.field("k", pa.string(), nullable=False)])
    columns = {"c": pa.array([{"k": "a"}], strict), "l": pa.array([[{"k": "b"}]], pa.list_(strict))}
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"i": [2]}), tmp_path / "in" / "b.parquet")
    pq.write_table(pa.table({**columns, "i": [1]}), tmp_path / "in" / "a.parquet")
    writer: Any = (JsonlWriter if sink == "jsonl" else ParquetWriter)(str(tmp_path / "out"))
    result = Pipeline("p", stages=[ParquetReader(str(tmp_path / "in")), writer]).run(
        LocalExecutor(workers=0)
    )

    assert result.status == "complete"
    assert result.counts[-1].rows_out == 2


# -- INT96 ------------------------------------------------------------------------------------


def int96(table: pa.Table) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, use_deprecated_int96_timestamps=True, row_group_size=2)
    return file.getvalue()


TIMES = [datetime.datetime(3000, 1, 1), None, datetime.datetime(1, 1, 1),
         datetime.datetime(2024, 1, 1, 1, 2, 3, 456_789)]  # fmt: skip
MICROSECONDS = pa.array(TIMES, pa.timestamp("us"))


@pytest.mark.parametrize("sink", ["jsonl", "parquet"])
def test_int96_reaches_as_far_as_it_does(tmp_path: Path, sink: str) -> None:
    table = pa.table({
        "i": range(4), "t": MICROSECONDS, "l": pa.ListArray.from_arrays(range(5), MICROSECONDS),
        "s": pa.StructArray.from_arrays([MICROSECONDS], ["t"]),
    })  # fmt: skip
    rows, aside = run(tmp_path, int96(table), (), sink)

    assert not aside
    if sink == "parquet":
        assert rows == table.to_pylist()
    else:
        text = [row["t"] for row in rows]
        assert text == ["3000-01-01T00:00:00.000000", None, "0001-01-01T00:00:00.000000",
                        "2024-01-01T01:02:03.456789"]  # fmt: skip
        assert [row["l"] for row in rows] == [[each] for each in text]
        assert [row["s"] for row in rows] == [{"t": each} for each in text]


def test_nanoseconds_of_int96_are_not_cut_off(tmp_path: Path) -> None:
    table = pa.table({"t": pa.array([1_000, None, 1_001, -1, 0], pa.timestamp("ns"))})
    rows, aside = run(tmp_path, int96(table))

    assert [row["t"] for row in rows] == ["1970-01-01T00:00:00.000001", None,
                                          "1970-01-01T00:00:00.000000"]  # fmt: skip
    assert [entry["row"] for entry in aside] == [2, 3]
    assert "types={'t': 'timestamp[ns]'}" in aside[0]["error"]


def test_nanoseconds_of_int96_are_there_for_the_asking(tmp_path: Path) -> None:
    table = pa.table({"t": pa.array([1_000, None, 1_001, -1], pa.timestamp("ns"))})
    rows, aside = run(tmp_path, int96(table), types={"t": "timestamp[ns]"})
    assert not aside
    assert [row["t"] for row in rows] == [
        "1970-01-01T00:00:00.000001000", None, "1970-01-01T00:00:00.000001001",
        "1969-12-31T23:59:59.999999999",
    ]  # fmt: skip


def test_int96_beyond_nanoseconds_if_these_are_asked_for(tmp_path: Path) -> None:
    table = pa.table({"t": MICROSECONDS})
    rows, aside = run(tmp_path, int96(table), types={"t": "timestamp[ns]"})
    assert [row["t"] for row in rows] == [None, "2024-01-01T01:02:03.456789000"]
    assert [entry["row"] for entry in aside] == [0, 2]


# -- damaged files ----------------------------------------------------------------------------


def test_rows_of_a_damaged_page_are_as_many_as_the_footer_tells(tmp_path: Path) -> None:
    file = BytesIO()
    table = pa.table({"s": [f"x{i}" for i in range(1000)], "i": range(1000)})
    pq.write_table(table, file, row_group_size=100, compression="zstd")
    data = bytearray(file.getvalue())
    data[len(data) // 3 : len(data) // 3 + 3] = b"\xff\x00\xff"
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "b.parquet")
    (tmp_path / "in" / "a.parquet").write_bytes(data)
    stages = [ParquetReader(str(tmp_path / "in")), JsonlWriter(str(tmp_path / "out"))]
    result = Pipeline("p", stages=stages, max_error_rate=1.0).run(LocalExecutor(workers=0))

    assert [result.counts[0].rows_in, result.counts[-1].rows_out] == [2000, 1000]
    (path,) = Path(result.quarantine_dir).rglob("*.ndjson")
    entry = json.loads(path.read_text())
    assert entry["rows"] == 1000
    assert not entry.get("estimated")


@pytest.mark.parametrize("flipped", [0x40, 0x0A])
def test_what_is_wrong_with_a_page_is_told_in_one_line(tmp_path: Path, flipped: int) -> None:
    file = BytesIO()
    pq.write_table(pa.table({"s": [f"x{i}" for i in range(30)]}), file, use_dictionary=False)
    data = bytearray(file.getvalue())
    data[4] ^= flipped
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"s": ["x"]}), tmp_path / "in" / "b.parquet")
    (tmp_path / "in" / "a.parquet").write_bytes(data)
    stages = [ParquetReader(str(tmp_path / "in")), JsonlWriter(str(tmp_path / "out"))]
    result = Pipeline("p", stages=stages, max_error_rate=1.0).run(LocalExecutor(workers=0))

    (path,) = Path(result.quarantine_dir).rglob("*.ndjson")
    told = json.loads(path.read_text())["error"]
    assert told.isprintable(), told
    assert "page header failed" in told


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("in_dictionary", [False, True])
@pytest.mark.parametrize("int96", [False, True])
def test_a_page_that_is_not_what_its_checksum_says(
    tmp_path: Path, version: str, in_dictionary: bool, int96: bool
) -> None:
    table = pa.table({"s": [f"some text {i:03}" for i in range(100)], "t": [TIMES[3]] * 100})
    file = BytesIO()
    pq.write_table(
        table, file, compression="none", write_page_checksum=True, use_dictionary=in_dictionary,
        data_page_version=version, use_deprecated_int96_timestamps=int96, write_statistics=False,
    )  # fmt: skip
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.parquet").write_bytes(file.getvalue())
    damaged = file.getvalue().replace(b"some text 050", b"Xome text 050")
    (tmp_path / "in" / "b.parquet").write_bytes(damaged)
    stages = [ParquetReader(str(tmp_path / "in")), JsonlWriter(str(tmp_path / "out"))]
    result = Pipeline("p", stages=stages, max_error_rate=1.0).run(LocalExecutor(workers=0))

    assert [result.counts[0].rows_in, result.counts[-1].rows_out] == [200, 100]
    (path,) = Path(result.quarantine_dir).rglob("*.ndjson")
    entry = json.loads(path.read_text())
    assert entry["rows"] == 100
    assert "not a readable Parquet file: could not verify page integrity" in entry["error"]


def test_checksums_are_held_against_pages_beside_a_dictionary_of_no_text(tmp_path: Path) -> None:
    file = BytesIO()
    texts = [f"some text {i:03}" for i in range(100)]
    codes = pa.array([0] * 99 + [1])
    table = pa.table({"k": pa.DictionaryArray.from_arrays(codes, NO_TEXT), "s": texts})
    pq.write_table(
        table, file, compression="none", write_page_checksum=True, use_dictionary=["k"],
        write_statistics=False, row_group_size=50,
    )  # fmt: skip
    data = file.getvalue().replace(b"some text 075", b"Xome text 075")
    with pytest.raises(StageError, match="could not verify page integrity"):
        run(tmp_path, data)


# -- without pandas ---------------------------------------------------------------------------

WITHOUT_PANDAS = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ImportError(name)

sys.meta_path.insert(0, Missing())
import pyarrow as pa
from thresher.stages.filtering import values_of
from thresher.tasks import DocumentBatch

for kind in (pa.timestamp("ns"), pa.duration("ns")):
    column = pa.array([1, None, 1700000000000000001, -1], kind)
    print(*map(repr, values_of(DocumentBatch("d", pa.table({"c": column})), "c", "s")), sep="|")
"""


def test_nanoseconds_are_shown_without_pandas() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS], capture_output=True, text=True, check=False
    )

    assert ran.stdout.splitlines() == [
        "datetime.datetime(1970, 1, 1, 0, 0)|None|datetime.datetime(2023, 11, 14, 22, 13, 20)|"
        "datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)",
        "datetime.timedelta(0)|None|datetime.timedelta(days=19675, seconds=80000)|"
        "datetime.timedelta(0)",
    ], ran.stderr


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_timestamps_of_int96_beside_others(tmp_path: Path, unit: str, is_first: bool) -> None:
    (tmp_path / "in").mkdir()
    fine = pa.table({"t": pa.array([1_000, 2_345], pa.timestamp("ns"))})
    other = pa.table({"t": pa.array([7], pa.timestamp(unit))})
    names = ["a.parquet", "b.parquet"] if is_first else ["b.parquet", "a.parquet"]
    pq.write_table(fine, tmp_path / "in" / names[0], use_deprecated_int96_timestamps=True)
    pq.write_table(other, tmp_path / "in" / names[1])
    stages = [ParquetReader(str(tmp_path / "in")), ParquetWriter(str(tmp_path / "out"))]
    result = Pipeline("p", stages=stages, max_error_rate=1.0).run(LocalExecutor(workers=0))

    aside = [path.read_text() for path in Path(result.quarantine_dir).rglob("*.ndjson")]
    read = pq.read_table(tmp_path / "out")
    values = set(read.column("t").cast(pa.timestamp("ns")).cast(pa.int64()).to_pylist())
    seven = {"ms": 7_000_000, "us": 7_000, "ns": 7}[unit]
    assert values == ({1_000, 2_345, seven} if unit == "ns" else {1_000, seven})
    assert [text.count("has nanoseconds in INT96") for text in aside] == [1] * (unit != "ns")


class ByPolars(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Makes a frame and gives it back."""

    name = "by_polars"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task.evolve(data=task.to_polars())


def test_polars_is_handed_list_views_as_lists(tmp_path: Path) -> None:
    views = pa.array([[1], None, [2, None]], pa.list_view(pa.int64()))
    rows, aside = run(tmp_path, pa.table({"v": views}), [ByPolars()])

    assert (rows, aside) == ([{"v": [1]}, {"v": None}, {"v": [2, None]}], [])


def test_polars_is_not_handed_decimals_at_which_it_panics(tmp_path: Path) -> None:
    wide = pa.table({"v": pa.array([Decimal("0.5")], pa.decimal256(60, 3))})
    with pytest.raises(StageError, match="polars has no type for the column 'v'"):
        run(tmp_path, wide, [ByPolars()])
