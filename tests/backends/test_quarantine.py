# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pyarrow as pa
import pytest

from thresher.backends.quarantine import Rejected, from_bad_record, from_row
from thresher.stages.reading import BadRecord
from thresher.tasks import RAW, ROW, DocumentBatch


def entry(rejected: Rejected) -> dict[str, Any]:
    line = rejected.to_json()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_entry_names_stage_error_and_place() -> None:
    bad = BadRecord("in/a.jsonl", 3, 4, 120, "no comma", b'{"a": 1 "b"}\r\n')

    assert entry(from_bad_record("a.jsonl", "reader", bad)) == {
        "part": "a.jsonl", "row": 3, "stage": "reader", "error": "no comma",
        "file": "in/a.jsonl", "line": 4, "offset": 120, "record": '{"a": 1 "b"}',
    }  # fmt: skip


def test_the_first_row_and_the_first_byte_are_places_too() -> None:
    told = entry(Rejected("p", 0, "s", "e", "f", 0, 0))

    assert (told["row"], told["offset"]) == (0, 0)
    assert "line" not in told
    assert "offset" not in entry(Rejected("p", 1, "s", "e"))


def test_a_row_that_travels_with_its_record_is_kept_as_it_was_read() -> None:
    raw = pa.array([b'{"id":1,  "x": 10000000000000000000000}\n'], pa.large_binary())
    row = DocumentBatch("set", pa.table({"id": [1], ROW: [7], RAW: raw}))
    told = entry(from_row("p", "stage", "ValueError: no", row))

    assert told["record"] == '{"id":1,  "x": 10000000000000000000000}'
    assert told["row"] == 7


def test_other_rows_are_kept_as_json_of_their_columns() -> None:
    row = DocumentBatch("set", pa.table({"id": [1], "when": pa.array([0], pa.date32()), ROW: [0]}))

    assert json.loads(entry(from_row("p", "s", "e", row))["record"]) == {
        "id": 1,
        "when": "1970-01-01",
    }


@pytest.mark.parametrize("text", ["line\nbreak\r\u2028", 'quote " and \\', "\ud800 alone", "ü€"])
def test_any_text_makes_one_line_of_json(text: str) -> None:
    assert entry(Rejected("p", 1, "s", text))["error"] == text


def test_bytes_that_are_no_text_are_shown_escaped() -> None:
    bad = BadRecord("f", 0, 1, 0, "not UTF-8", b"\xff\xfeabc\n")

    assert entry(from_bad_record("p", "s", bad))["record"] == "\\xff\\xfeabc"
