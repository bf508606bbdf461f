# SPDX-License-Identifier: Apache-2.0
"""JSONL files as they come: whole, sliced, broken, compressed."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.text.io.jsonl_files import TEXT, group, read
from thresher.errors import DataError, PlanError, StorageError
from thresher.stages.text.io import JsonlReader, JsonlReaderStage, jsonl_blocks
from thresher.stages.text.io import jsonl as jsonl_module
from thresher.tasks import RAW, FileGroupTask


def texts(path: Path, data: bytes) -> tuple[list[str | None], list[tuple[int, int, str]]]:
    """Texts read, and (line, offset, reason) of bad records."""
    path.write_bytes(data)
    table, report = read(group(path), TEXT, ["text"])
    return table.column("text").to_pylist(), [(b.line, b.offset, b.reason) for b in report.bad]


@pytest.fixture(params=["plain", "compiled"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_KERNELS", request.param)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n\n \t\r\n", []),
        (b'{"text":"a"}', ["a"]),
        (b'{"text":"a"}\r\n\r\n{"text":"b"}\r\n', ["a", "b"]),
        (b'\xef\xbb\xbf{"text":"a"}\n{"text":"b"}', ["a", "b"]),
        (b"\xef\xbb\xbf", []),
        (b'  {"text":"a"}  \n\t{"x":1}\n{"text":null}', ["a", None, None]),
        (b'{"text":""}\n{}\n', ["", None]),
    ],
)
def test_what_is_fine(tmp_path: Path, data: bytes, expected: list[str | None]) -> None:
    assert texts(tmp_path / "a.jsonl", data) == (expected, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text":"a', "ends|terminated"),
        (b"\x00\x01\x02\xff", "UTF-8"),
        (b'{"text":"\xff"}', r"byte 9 \(0xff\) is not UTF-8"),
        (b'{"text":1}', "'text' is a number, not text"),
        (b'{"text":{"a":1}}', "'text' is an object, not text"),
        (b'{"text":"\\ud800"}', "'text' has half a surrogate pair"),
        (b"[1]", "an object"),
        (b'{"text":"a"} {"text":"b"}', "the end of the line"),
        (b'{"text":"a\tb"}', "control character"),
        (b"PK\x03\x04", "an object"),
        (b"{" * 10_000, "nested"),
    ],
)
def test_what_is_broken(tmp_path: Path, line: bytes, reason: str) -> None:
    data = b'{"text":"a"}\n\n' + line + b'\n{"text":"b"}\n'
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    table, report = read(group(path), TEXT, ["text"])
    assert table.column("text").to_pylist() == ["a", "b"]
    assert b"".join(table.column(RAW).to_pylist()) == b'{"text":"a"}\n{"text":"b"}\n'
    (bad,) = report.bad
    assert (bad.row, bad.line, bad.offset, bad.record) == (1, 3, 14, line + b"\n")
    assert re.search(reason, bad.reason)


def test_types_that_do_not_fit_are_null_unless_the_column_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1,"f":2,"b":true}\n{"n":"x","f":1e999,"b":0}\n{"n":%d,"f":"y"}' % 2**70)
    schema = pa.schema([("n", pa.int64()), ("f", pa.float64()), ("b", pa.bool_())])
    stage = JsonlReaderStage().bind(schema, None, True)
    (batch,) = stage.process(group(path))
    assert batch.data.select(["n", "f", "b"]).to_pylist() == [
        {"n": 1, "f": 2.0, "b": True},
        {"n": None, "f": None, "b": None},
        {"n": None, "f": None, "b": None},
    ]
    metrics = stage._consume_custom_metrics()
    assert metrics == {"misfits.n": 2, "misfits.f": 2, "misfits.b": 1}


def test_schema_of_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"s": "a", "i": 1, "f": 1, "b": True, "z": None, "m": 1, "o": {"k": 1}, "l": [1],
         "h": 2**64},
        {"s": None, "i": 2, "f": 1.5, "b": None, "m": "x", "o": {"k": 2, "j": "x"}, "l": [],
         "e": []},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"__row": 1, broken\n')
    schema = JsonlReaderStage().infer_schema(group(path), 100)
    assert {field.name: str(field.type) for field in schema} == {
        "s": "large_string", "i": "int64", "f": "double", "b": "bool", "z": "large_string",
        "m": "large_string", "o": "struct<k: int64, j: large_string>", "l": "list<item: int64>",
        "h": "large_string", "e": "large_string",
    }  # fmt: skip
    as_json = [field.name for field in schema if field.metadata]
    assert as_json == ["z", "m", "h", "e"]
    table, _ = read(group(path), schema)
    assert table.column("m").to_pylist() == ["1", '"x"']
    assert table.column("h").to_pylist() == [str(2**64), None]
    assert table.column("o").to_pylist() == [{"k": 1, "j": None}, {"k": 2, "j": "x"}]


def test_nested_values_that_would_lose_something_are_null(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"o":{"k":1}}\n{"o":{"k":1,"new":2}}\n{"o":[1]}\n{"o":{"k":"x"}}\n')
    schema = pa.schema([("o", pa.struct([("k", pa.int64())]))])
    table, _ = read(group(path), schema)
    assert table.column("o").to_pylist() == [{"k": 1}, None, None, None]


def test_keys_unseen_in_the_sample_go_to_extra(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"new" : 1.00, "text":"b","\\u006eo":{"x": 2}}\n')
    table, _ = read(group(path), TEXT, None, carry=False)
    assert table.column("_extra").to_pylist() == [None, '{"new" : 1.00,"\\u006eo":{"x": 2}}']
    assert "_extra" not in read(group(path), TEXT, None, carry=True)[0].column_names


def test_fields_are_a_projection(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1,"b":2,"c":3}\n')
    stage = JsonlReaderStage(fields=["c", "a", "missing"])
    table, _ = read(group(path), None, None, True, stage)
    assert table.column_names == ["__row", "c", "a"]
    assert stage.raw_format == ""
    assert stage.process(group(path))[0].get_columns() == ["c", "a"]


LINES = st.lists(
    st.sampled_from(
        [b'{"text":"abc"}', b'{"text":"%s"}' % (b"x" * 90), b"", b"  ", b"broken", b"\xff",
         b'{"text":"\xc3\xa9"}', b'{"text":"r"}\r', b"{}"]
    ),
    max_size=12,
)  # fmt: skip


def rows_of(table: pa.Table) -> list[tuple[bytes, str | None]]:
    return list(zip(table.column(RAW).to_pylist(), table.column("text").to_pylist(), strict=True))


@given(LINES, st.booleans(), st.booleans(), st.lists(st.integers(1, 400), max_size=6))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_slices_own_the_lines_that_begin_in_them(
    tmp_path: Path, lines: list[bytes], ended: bool, bom: bool, cuts: list[int]
) -> None:
    path = tmp_path / "a.jsonl"
    data = (b"\xef\xbb\xbf" if bom else b"") + b"\n".join(lines) + (b"\n" if ended else b"")
    path.write_bytes(data)
    whole, told = read(group(path), TEXT, ["text"])
    bounds = [0, *sorted({cut for cut in cuts if cut < len(data)}), max(len(data), 1)]
    records: list[tuple[bytes, str | None]] = []
    bad: list[tuple[int, str]] = []
    for start, stop in pairwise(bounds):
        table, report = read(group(path, start, stop), TEXT, ["text"])
        records += rows_of(table)
        bad += [(b.offset, b.reason) for b in report.bad]
        assert [b.line for b in report.bad] == [
            data.count(b"\n", 0, b.offset) + 1 for b in report.bad
        ]
    assert records == rows_of(whole)
    assert bad == [(b.offset, b.reason) for b in told.bad]


@given(LINES, st.integers(1, 300))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes], size: int
) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    paths[0].write_bytes(b"\n".join(lines))
    paths[1].write_bytes(gzip.compress(b"\n".join(lines)))
    task = FileGroupTask("set", [str(path) for path in paths])
    whole, told = read(task, TEXT, ["text"])
    with monkeypatch.context() as patch:
        patch.setattr(jsonl_module, "BATCH", size)
        patch.setattr(jsonl_module, "ONE_BATCH", 0)
        cut, told_again = read(task, TEXT, ["text"])
        rows = range(told.found)
        places = JsonlReaderStage().locate(task, rows)
    assert cut.combine_chunks() == whole.combine_chunks()
    assert told_again.bad == told.bad
    assert JsonlReaderStage().locate(task, rows) == places
    for bad in told.bad:
        assert places[bad.row] == {"file": bad.path, "line": bad.line, "offset": bad.offset}


COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_compressed(tmp_path: Path, ending: str) -> None:
    compress = COMPRESSORS[ending]
    lines = [json.dumps({"text": f"{i}é" * (i % 50)}, ensure_ascii=False) for i in range(5000)]
    path = tmp_path / f"a.jsonl{ending}"
    half = "\n".join(lines[:2500]).encode() + b"\n"
    path.write_bytes(compress(half) + compress("\n".join(lines[2500:]).encode()))
    ((_, partitioned),) = JsonlReader(str(tmp_path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    table, report = read(partitioned, TEXT, ["text"])
    assert table.column("text").to_pylist() == [json.loads(line)["text"] for line in lines]
    assert not report.bad


@pytest.mark.parametrize(
    ("ending", "fault"),
    # Arrow's zstd writes no checksums, so that what is corrupt may be another valid stream.
    [*((ending, "truncated") for ending in COMPRESSORS), (".gz", "corrupt"), (".xz", "corrupt")],
)
def test_compressed_and_broken(tmp_path: Path, ending: str, fault: str) -> None:
    lines = [json.dumps({"text": os.urandom(40).hex()}).encode() for _ in range(9_000)]
    data = bytearray(COMPRESSORS[ending](b"\n".join(lines) + b"\n"))
    if fault == "truncated":
        del data[len(data) * 2 // 3 :]
    else:
        data[len(data) * 2 // 3 : len(data) * 2 // 3 + 400] = bytes(400)
    path, next_path = tmp_path / f"a.jsonl{ending}", tmp_path / "b.jsonl"
    path.write_bytes(data)
    next_path.write_bytes(b'{"text":"next"}\n')
    table, report = read(FileGroupTask("set", [str(path), str(next_path)]), TEXT, ["text"])
    got = table.column("text").to_pylist()
    assert got[-1] == "next"
    assert report.bad[-1].path == str(path)
    assert "compressed" in report.bad[-1].reason
    if fault == "truncated":
        assert len(report.bad) == 1
        assert got[:-1] == [json.loads(line)["text"] for line in lines[: len(got) - 1]]
        assert report.bad[0].offset == sum(len(line) + 1 for line in lines[: len(got) - 1])
        assert report.bad[0].line == len(got)
    assert len(got) > 100 or ending in (".bz2", ".xz")


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n')
    ((_, task),) = JsonlReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    with path.open("ab") as file:
        file.write(b'{"text":"b"}\n')
    with pytest.raises(DataError, match="changed while it was read") as caught:
        read(task, TEXT)
    assert caught.value.where == str(path)


def test_a_huge_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = "é\n" * 1_000_000
    path.write_bytes(json.dumps({"text": text}).encode() + b'\n{"text":"b"}')
    for stop in (None, 5):
        table, _ = read(group(path, 0, stop), None)
        assert table.column("text").to_pylist() == ([text, "b"] if stop is None else [text])
    assert read(group(path, 5, None), TEXT)[0].column("text").to_pylist() == ["b"]


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_blocks, "LARGEST_LINE", 1000)
    monkeypatch.setattr(jsonl_blocks, "STEP", 100)
    monkeypatch.setattr(jsonl_module, "BATCH", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"text":"' + b"x" * 5000)
    with pytest.raises(DataError, match="longer than 2 GiB") as caught:
        read(group(path), TEXT)
    assert caught.value.where == f"{path}, byte 13"


def test_parquet_given_to_the_jsonl_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(DataError, match="Parquet") as caught:
        read(group(path), TEXT)
    assert "ParquetReader" in caught.value.todo


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        read(group(tmp_path / "dat.jsonl"), TEXT)
    assert "did you mean" in caught.value.todo


@pytest.mark.parametrize(
    "arguments",
    [
        {"read_kwargs": {"encoding": "latin-1"}},
        {"read_kwargs": {"lines": False}},
        {"_generate_ids": True},
        {"_assign_ids": True},
        {"task_type": "image"},
        {"blocksize": "1MB", "files_per_partition": 2},
        {"blocksize": "lots"},
        {"files_per_partition": 0},
    ],
)
def test_mistakes_are_told_at_once(arguments: dict[str, object]) -> None:
    with pytest.raises(PlanError):
        JsonlReader("somewhere", **arguments)  # type: ignore[arg-type]


def test_empty_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n")
    assert sum(batch.num_items for batch in JsonlReaderStage().process(group(path))) == 0
    with pytest.raises(DataError, match="no records"):
        JsonlReaderStage(allow_empty=False).process(group(path))
