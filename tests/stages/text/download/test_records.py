# SPDX-License-Identifier: Apache-2.0
"""Records of iterators and extractors of one's own: what no column holds costs its record alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from thresher.errors import PlanError
from thresher.stages.reading import ReadReport
from thresher.stages.text.download import (
    DocumentExtractor,
    DocumentIterateExtractStage,
    DocumentIterator,
    JsonlIterator,
)
from thresher.tasks import FileGroupTask
from thresher.tasks.joining import join

NAN, INFINITY = float("nan"), float("inf")


class Given(DocumentIterator):
    """These records."""

    def __init__(self, records: list[Any]) -> None:
        self.records = records

    def iterate(self, file_path: str) -> Iterator[dict[str, Any]]:
        yield from self.records

    def output_columns(self) -> list[str]:
        return ["v"]


class Inside(DocumentExtractor):
    """What is under ``v``."""

    def extract(self, record: dict[str, Any]) -> Any:
        return record["v"]

    def input_columns(self) -> list[str]:
        return ["v"]

    def output_columns(self) -> list[str]:
        return ["v"]


def told(
    records: list[Any], extractor: DocumentExtractor | None = None, name: bool = False
) -> tuple[dict[str, list[Any]], dict[int, str]]:
    """The columns of records, and why others are set aside, by number."""
    stage = DocumentIterateExtractStage(Given(records), extractor, add_filename_column=name)
    report = ReadReport()
    batches = list(stage.read(FileGroupTask("d", ["x"]), report))
    columns = join(batches).data.to_pydict()
    del columns["__row"]
    return columns, {bad.row: bad.reason for bad in report.bad}


@pytest.mark.parametrize("name", ["__row", "__raw", "__tokens", "__line"])
def test_hidden_columns_cannot_be_asked_for(name: str) -> None:
    with pytest.raises(PlanError, match=f"'{name}' is a name of Thresher's own"):
        DocumentIterateExtractStage(JsonlIterator(["v", name]))


def test_a_column_of_file_names_that_nobody_would_see() -> None:
    with pytest.raises(PlanError, match="'__row'"):
        DocumentIterateExtractStage(JsonlIterator(), add_filename_column="__row")


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"v": 2, "__row": 5}, "'__row' is the name of a column of Thresher's own"),
        ({"v": 2, "__raw": None}, "'__raw' is the name"),
        ({"v": 2, "__line": "x"}, "'__line'"),
        ({"v": 2, "__line": 2**70}, "'__line'"),
        ({"v": 2, 1: 2}, "the key 1 is no text"),
        ({"v": 2, (1, 2): 2}, "is no text"),
        ({"v": 2, "\ud800": 2}, "half a surrogate pair"),
        (None, "no record"),
        ("v", "no record"),
        ({"v": ["\ud800"]}, "'v' is a list"),
    ],
)
def test_what_is_no_record_costs_nothing_else(odd: Any, reason: str) -> None:
    columns, bad = told([{"v": 1}, odd, {"v": 3}])
    assert columns == {"v": [1, 3]}
    assert list(bad) == [1]
    assert reason in bad[1]


def test_what_an_extractor_gives_that_is_no_document() -> None:
    columns, bad = told([{"v": {"v": 1}}, {"v": "text"}, {"v": {"v": 2, "__raw": b""}}], Inside())
    assert columns == {"v": [1]}
    assert "extract() gave a str" in bad[1]
    assert "'__raw' is the name" in bad[2]


def test_a_key_that_is_called_like_the_column_of_file_names_keeps_its_value() -> None:
    columns, _ = told([{"v": 1, "file_name": "own"}, {"v": 2}], name=True)
    assert columns == {"v": [1, 2], "file_name": ["own", "x"]}


@pytest.mark.parametrize(
    ("values", "expected", "bad"),
    [
        ([1, NAN, INFINITY, 0.5], [1.0, NAN, INFINITY, 0.5], []),
        ([2**60, NAN, INFINITY, 0.5], ["1152921504606846976", "0.5"], [1, 2]),
        ([[NAN], [0.5], ["\ud800"]], ["[0.5]"], [0, 2]),
        ([Decimal(1), Decimal("1e-50"), Decimal("1e50")], ["1", f"0.{'0' * 49}1", f"1{'0' * 50}"],
         []),
    ],
)  # fmt: skip
def test_numbers_that_have_no_type_together(
    values: list[Any], expected: list[Any], bad: list[int]
) -> None:
    columns, told_bad = told([{"v": value} for value in values])
    assert list(map(repr, columns["v"])) == list(map(repr, expected))
    assert sorted(told_bad) == bad
