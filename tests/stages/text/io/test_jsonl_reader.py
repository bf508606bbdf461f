# SPDX-License-Identifier: Apache-2.0
"""JSONL files as they come: whole, sliced, broken, compressed."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.text.io.jsonl_files import ALL, TEXTS, group, read
from thresher.errors import DataError, PlanError, StorageError
from thresher.stages.reading import ReadReport, SourceError
from thresher.stages.text.io import JsonlReader, JsonlReaderStage, jsonl_blocks
from thresher.stages.text.io import jsonl as jsonl_module
from thresher.tasks import RAW, FileGroupTask


def texts(path: Path, data: bytes) -> tuple[list[str | None], list[tuple[int, int, str]]]:
    """Texts read, and (line, offset, reason) of bad records."""
    path.write_bytes(data)
    table, report = read(group(path), TEXTS)
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
    table, report = read(group(path), TEXTS)
    assert table.column("text").to_pylist() == ["a", "b"]
    assert b"".join(table.column(RAW).to_pylist()) == b'{"text":"a"}\n{"text":"b"}\n'
    (bad,) = report.bad
    assert (bad.row, bad.line, bad.offset, bad.record) == (1, 3, 14, line + b"\n")
    assert re.search(reason, bad.reason)


def test_fields_are_a_projection(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1,"b":2,"c":3}\n')
    stage = JsonlReaderStage(fields=["c", "a", "missing"])
    assert stage.raw_format == ""
    assert stage.wanted_names() == ["c", "a", "missing"]
    (batch,) = stage.process(group(path))
    # Fields that are asked for are there, whether or not a record has them.
    assert batch.get_columns() == ["c", "a", "missing"]
    assert batch.data.drop_columns(["__row"]).to_pylist() == [{"c": 3, "a": 1, "missing": None}]


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
    whole, told = read(group(path), TEXTS)
    bounds = [0, *sorted({cut for cut in cuts if cut < len(data)}), max(len(data), 1)]
    records: list[tuple[bytes, str | None]] = []
    bad: list[tuple[int, str]] = []
    for start, stop in pairwise(bounds):
        table, report = read(group(path, start, stop), TEXTS)
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
    whole, told = read(task, TEXTS)
    with monkeypatch.context() as patch:
        patch.setattr(jsonl_module, "BATCH", size)
        patch.setattr(jsonl_module, "ONE_BATCH", 0)
        patch.setattr(jsonl_blocks, "STEP", 1)
        cut, told_again = read(task, TEXTS)
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
    table, report = read(partitioned, TEXTS)
    assert table.column("text").to_pylist() == [json.loads(line)["text"] for line in lines]
    assert not report.bad


def readable_lines(ending: str, data: bytes) -> int:
    """Line ends in what can be decompressed of a file that ends early."""
    start: dict[str, Any] = {
        ".gz": lambda: zlib.decompressobj(31), ".bz2": bz2.BZ2Decompressor,
        ".xz": lzma.LZMADecompressor, ".zst": zstd.ZstdDecompressor,
    }  # fmt: skip
    return int(start[ending]().decompress(data).count(b"\n"))


@pytest.mark.parametrize(
    ("ending", "fault"),
    # Arrow's zstd writes no checksums, so that what is corrupt may be another valid stream.
    [*((ending, "truncated") for ending in COMPRESSORS), (".gz", "corrupt"), (".xz", "corrupt")],
)
def test_nothing_of_a_damaged_file_is_used(tmp_path: Path, ending: str, fault: str) -> None:
    lines = [json.dumps({"text": os.urandom(40).hex()}).encode() for _ in range(9_000)]
    data = bytearray(COMPRESSORS[ending](b"\n".join(lines) + b"\n"))
    if fault == "truncated":
        del data[len(data) * 2 // 3 :]
    else:
        data[len(data) * 2 // 3 : len(data) * 2 // 3 + 400] = bytes(400)
    good, path = tmp_path / "a.jsonl", tmp_path / f"b.jsonl{ending}"
    good.write_bytes(b'{"text":"good"}\n')
    path.write_bytes(data)
    task = FileGroupTask("set", [str(good), str(path)])

    batches = []
    with pytest.raises(SourceError, match="compressed") as caught:
        batches += JsonlReaderStage().bind(TEXTS).read(task, ReadReport())

    assert not batches
    assert (caught.value.path, caught.value.where) == (str(path), str(path))
    assert caught.value.is_estimate
    if fault == "truncated":
        n_lines = readable_lines(ending, bytes(data))
        assert caught.value.rows == n_lines
        assert f"after {len(data)} bytes" in caught.value.what
        n_bytes = sum(len(line) + 1 for line in lines[:n_lines])
        assert f"ends with line {n_lines}, byte {n_bytes}" in caught.value.what
    else:
        assert 0 <= caught.value.rows < len(lines)


def test_rows_of_a_damaged_file_are_estimated_by_its_size(tmp_path: Path) -> None:
    lines = [json.dumps({"text": os.urandom(300).hex()}).encode() + b"\n" for _ in range(6_000)]
    whole, behind = gzip.compress(b"".join(lines)), bytes([1]) * 3_000_000
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole + behind)
    ((_, task),) = JsonlReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]

    with pytest.raises(
        SourceError, match="bytes that are neither padding nor compressed"
    ) as caught:
        read(task, TEXTS)

    # All of its records were there before the fault was met, within a quarter of a megabyte.
    size, most = len(whole) + len(behind), len(whole) + (1 << 18)
    assert 6_000 * size // most <= caught.value.rows <= 6_000 * size // len(whole)
    assert f" of {size} bytes" in caught.value.what


@pytest.mark.parametrize("padding", [b"\n", bytes(512), b"\0\r\n \t"])
@pytest.mark.parametrize("ending", COMPRESSORS)
def test_padding_behind_the_last_member(tmp_path: Path, ending: str, padding: bytes) -> None:
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(COMPRESSORS[ending](b'{"text":"a"}\n{"text":"b"}\n') + padding)
    table, report = read(group(path), TEXTS)

    assert table.column("text").to_pylist() == ["a", "b"]
    assert not report.bad
    bytes_follow = "byte of padding follows" if len(padding) == 1 else "bytes of padding follow"
    assert report.warnings == [f"{path}: {len(padding)} {bytes_follow} the compressed data"]


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_compression_is_known_by_the_first_bytes(tmp_path: Path, ending: str) -> None:
    data = b'{"text":"a"}\n'
    for name, content in (("a.jsonl", COMPRESSORS[ending](data)), (f"a.jsonl{ending}", data)):
        path = tmp_path / name
        path.write_bytes(content)
        table, report = read(group(path), TEXTS)
        assert table.column("text").to_pylist() == ["a"]
        assert not report.bad
        assert not report.warnings


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_a_byte_order_mark_in_several_members(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.jsonl{ending}"
    pieces = (b"\xef", b"\xbb", b'\xbf{"text":"a"}\n', b'{"text":"b"}')
    path.write_bytes(b"".join(map(COMPRESSORS[ending], pieces)))
    table, report = read(group(path), TEXTS)

    assert table.column("text").to_pylist() == ["a", "b"]
    assert not report.bad


def test_an_empty_file_with_the_name_of_a_compressed_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"")
    _, report = read(group(path), TEXTS)

    assert report.found == 0
    assert report.warnings == [f"{path}: the file is empty, not even compressed"]


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n')
    ((_, task),) = JsonlReader(str(path)).decompose()[0].partitions()  # type: ignore[attr-defined]
    with path.open("ab") as file:
        file.write(b'{"text":"b"}\n')
    with pytest.raises(SourceError, match="changed while it was read") as caught:
        read(task, TEXTS)
    assert (caught.value.path, caught.value.where) == (str(path), str(path))


def test_a_huge_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = "é\n" * 1_000_000
    path.write_bytes(json.dumps({"text": text}).encode() + b'\n{"text":"b"}')
    for stop in (None, 5):
        table, _ = read(group(path, 0, stop), ALL)
        assert table.column("text").to_pylist() == ([text, "b"] if stop is None else [text])
    assert read(group(path, 5, None), TEXTS)[0].column("text").to_pylist() == ["b"]


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_blocks, "LARGEST_LINE", 1000)
    monkeypatch.setattr(jsonl_blocks, "STEP", 100)
    monkeypatch.setattr(jsonl_module, "BATCH", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"text":"' + b"x" * 5000)
    with pytest.raises(SourceError, match="the line at byte 13 is longer than 2 GiB") as caught:
        read(group(path), TEXTS)
    assert caught.value.path == str(path)


def test_parquet_given_to_the_jsonl_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(SourceError, match="Parquet") as caught:
        read(group(path), TEXTS)
    assert caught.value.path == str(path)
    assert "ParquetReader" in caught.value.todo


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        read(group(tmp_path / "dat.jsonl"), TEXTS)
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
        {"types": {"n": "no type"}},
        {"types": "int64"},
        {"duplicate_keys": "first"},
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
