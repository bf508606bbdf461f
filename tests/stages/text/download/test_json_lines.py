# SPDX-License-Identifier: Apache-2.0
"""JsonlIterator: the lines that JsonlReader takes, and the values that it gives."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.io.jsonl_files import group, read
from thresher.stages.reading import ReadPlan, ReadReport, SourceError
from thresher.stages.text.download import DocumentIterateExtractStage, JsonlIterator, Unreadable
from thresher.tasks import FileGroupTask

DEEP = b'{"text":%s%s}'
FINE: list[tuple[bytes, Any]] = [
    (b'{"text":"a","x":1,"x":2}', "a"),
    (b'{"text":"a","x":{"k":1,"k":2}}', "a"),
    (b'{"text":[{"k":1},{"k":1}]}', [{"k": 1}, {"k": 1}]),
    (b'{"te\\u0078t":"a"}', "a"),
    (b'{"text":"a"}\r', "a"),
    (DEEP % (b"[" * 511, b"]" * 511), None),
    (b'{"text":%s}' % (b"9" * 5000), Decimal("9" * 5000)),
    (b'{"text":1e400}', Decimal("1e400")),
    (b'{"text":-1e-400}', Decimal("-1e-400")),
    (b'{"text":9007199254740993.0}', Decimal("9007199254740993.0")),
    (b'{"text":6.02214076e23}', 6.02214076e23),
    (b'{"text":0.1}', 0.1),
    (b'{"text":0e-400}', 0.0),
    (b'{"text":18446744073709551617}', 2**64 + 1),
]
BROKEN = [
    b'{"text":"secret","te\\u0078t":"clean"}',
    b'{"x":"text","text":%s%s}' % (b"[" * 600, b"]" * 600),
    b'{"x":%s%s}' % (b"[" * 600, b"]" * 600),
    b'{"text":NaN}',
    b'{"text":1} {}',
    b'\xef\xbb\xbf{"text":1}',
    b"\x0c",
    b"no json",
    b'{"text":"a',
    b'{"text":"\xff"}',
    '{"text":"a"}'.encode("utf-16-le"),
    '{"text":"a"}'.encode("utf-32-be"),
]


def told(path: Path) -> tuple[list[Any], list[Unreadable]]:
    """The fields of the records of a file, and the lines that are none."""
    found = list(JsonlIterator().iterate(str(path)))
    good = [each["text"] for each in found if isinstance(each, dict)]
    return good, [each for each in found if isinstance(each, Unreadable)]


@pytest.mark.parametrize("line", [line for line, _ in FINE] + BROKEN, ids=ascii)
def test_it_takes_the_lines_that_the_reader_takes(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"before"}\n \t\r\n' + line + b'\n{"text":"behind"}\n')
    table, report = read(group(path), ReadPlan(("text",)))
    good, bad = told(path)

    assert len(good) == table.num_rows
    assert [each.line for each in bad] == [each.line for each in report.bad]
    assert [each.reason for each in bad] == [each.reason for each in report.bad]
    assert [each.record for each in bad] == [each.record for each in report.bad]


@pytest.mark.parametrize(("line", "value"), FINE, ids=ascii)
def test_values_are_what_is_written(tmp_path: Path, line: bytes, value: Any) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\n")
    [found], bad = told(path)

    assert not bad
    assert value is None or found == value
    stage = DocumentIterateExtractStage(JsonlIterator(), add_filename_column=False)
    report = ReadReport()
    [batch] = stage.read(FileGroupTask("d", [str(path)]), report)
    [made] = batch.data.column("text").to_pylist()
    assert not report.bad
    if isinstance(value, Decimal):
        assert json.loads(made, parse_int=Decimal, parse_float=Decimal) == value


@pytest.mark.parametrize("value", [b'{"k":1,"k":2}', b'[{"k":1,"\\u006b":2}]', b'{"":{"":1,"":1}}'])
def test_a_key_twice_inside_a_field_costs_its_record(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":%s}\n{"text":"next"}\n' % value)
    good, bad = told(path)

    assert good == ["next"]
    assert [each.reason for each in bad] == ["an object in 'text' has a key twice"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jsonl.gz", b"X" + gzip.compress(b"{}")[1:], "its name says"),
        ("a.jsonl.gz", b"\n" + gzip.compress(b"{}"), "its name says"),
        ("a.jsonl.gz", gzip.compress(gzip.compress(b"{}")), "compressed more than once"),
        ("a.jsonl", b"PK\x03\x04{}", "a zip archive"),
        ("a.jsonl", '{"text":"a"}'.encode("utf-16"), "text in UTF-16"),
    ],
)
def test_files_in_other_formats_are_refused_as_a_whole(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    stage = DocumentIterateExtractStage(JsonlIterator())
    with pytest.raises(SourceError, match=reason) as caught:
        list(stage.read(FileGroupTask("d", [str(path)]), ReadReport()))
    assert (caught.value.path, caught.value.is_estimate) == (str(path), True)


def test_numbers_that_no_type_holds_are_told_from_others(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"v":[1e400,{"b":1,"a":0.5}]}\n{"v":[1]}\n{"v":{"b":1,"a":2}}\n')
    stage = DocumentIterateExtractStage(JsonlIterator(["v"]), add_filename_column=False)
    [batch] = stage.read(FileGroupTask("d", [str(path)]), ReadReport())

    assert batch.data.column("v").to_pylist() == [
        '[1E+400,{"a":0.5,"b":1}]', "[1]", '{"b":1,"a":2}',
    ]  # fmt: skip
