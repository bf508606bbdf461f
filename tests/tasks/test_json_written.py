# SPDX-License-Identifier: Apache-2.0
"""Python values as columns that JSONL has as they are."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections import OrderedDict
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_text import narrowed, to_json
from thresher.tasks.json_written import (
    as_json,
    as_json_column,
    column_of,
    constants_in,
    with_held_infinities,
    with_infinity,
)
from thresher.tasks.types import JSON_TEXT, guessed, json_field

DAY, MOMENT = datetime.date(2024, 5, 6), datetime.datetime(2024, 5, 6, 7, 8)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2], "int64"), (["a"], "large_string"),
        ([True, None], "bool"), ([None], "null"), ([], "null"),
        ([math.inf, 1.0], "double"), ([[math.inf], [1.0]], "list<item: double>"),
        ([b"x"], "binary"), ([datetime.date(2024, 5, 6)], "date32[day]"),
        ([decimal.Decimal("1.50")], "decimal128(3, 2)"), ([np.int32(1), np.int32(2)], "int64"),
        ([np.float32(0.5), None], "float"),
        ([{"b": DAY, "a": 2}], "struct<a: int64, b: date32[day]>"),
    ],
)  # fmt: skip
def test_python_values_have_the_narrowest_type(values: list[Any], kind: str) -> None:
    made, mixed = column_of(values, "x")

    assert (str(made.type), mixed) == (kind, False)
    assert made.to_pylist() == values


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 0.5, None], ["1", "0.5", None]), ([[1], [0.5]], ["[1]", "[0.5]"]),
        ([1, np.float64(2.0)], ["1", "2.0"]), ([(1, 2.0)], ["[1,2.0]"]),
        ([{"b": 1, "a": None}, {"c": [{}]}], ['{"b":1,"a":null}', '{"c":[{}]}']),
        ([np.int64(3), 0.5], ["3", "0.5"]), ([3, np.float32(0.1)], ["3", "0.10000000149011612"]),
        ([[np.int64(3), np.float16(1)], [0.5]], ["[3,1.0]", "[0.5]"]),
        ([{"a": np.int8(3)}, {"a": np.float64(0.5)}], ['{"a":3}', '{"a":0.5}']),
        ([{"a": np.array([3])}, {"a": "x"}, "x"], ['{"a":[3]}', '{"a":"x"}', '"x"']),
        ([{"a": np.array([[3, 4]])}, {"b": np.array([])}], ['{"a":[[3,4]]}', '{"b":[]}']),
        ([[np.array([3])], 1], ["[[3]]", "1"]), ([{"a": pd.NaT}, {"a": 1}],
         ['{"a":null}', '{"a":1}']), ([[pd.NA, 1], {1: 2}], ["[null,1]", '{"1":2}']),
        ([OrderedDict(a=1), OrderedDict(b=2)], ['{"a":1}', '{"b":2}']),
        ([pd.Series([1, 2]), "x"], ["[1,2]", '"x"']),
        ([bytearray(b"x"), 1], ['"eA=="', "1"]),
    ],
)  # fmt: skip
def test_python_values_stay_as_they_are_whatever_stands_beside_them(
    values: list[Any], texts: list[str]
) -> None:
    made, mixed = column_of(values, "x")
    assert (made.to_pylist(), mixed) == (texts, True)
    for value, text in zip(values, texts, strict=True):
        alone, mixed = column_of([value], "x")
        assert text is None or encoded(alone, mixed) == [text]


def encoded(column: pa.Array, mixed: bool) -> list[str]:
    field = json_field("x") if mixed else pa.field("x", column.type)
    return as_json_column(column, field).to_pylist()


def test_what_json_lacks_among_numbers_is_kept_for_formats_that_have_it() -> None:
    column, mixed = column_of([math.nan, 1, None, -math.inf, [math.inf]], "x")
    assert (column.type, mixed) == (JSON_TEXT, True)
    assert column.to_pylist() == ["NaN", "1", None, "-Infinity", "[Infinity]"]
    assert with_infinity(column).tolist() == [False, False, False, True, True]

    made, mixed = narrowed(column.slice(0, 4), "x")
    assert (made.type, mixed) == (pa.float64(), False)
    assert list(map(str, made.to_pylist())) == ["nan", "1.0", "None", "-inf"]


def test_text_about_infinity_is_text() -> None:
    column = pa.array(['"Infinity, -Infinity"', '{"NaN":"Infinity"}', None], JSON_TEXT)
    assert not with_infinity(column).any()
    assert not any(map(constants_in, column.to_pylist()[:2]))


def test_an_infinity_in_canonical_text_is_one_again() -> None:
    same = ['"1E+999"', '["\\"1E+999"]', "11E+999", "1E+9990", "1e+999", "0.1E+999", None]
    texts = ["1E+999", '{"1E+999":[-1E+999,"\\\\",1E+999]}', *same]
    column = with_held_infinities(pa.chunked_array([texts], JSON_TEXT))
    infinite = ["Infinity", '{"1E+999":[-Infinity,"\\\\",Infinity]}']
    assert column.to_pylist() == [*infinite, *same]
    assert with_infinity(column).tolist() == [True, True, *[False] * len(same)]


def test_an_object_with_two_keys_of_one_text_is_named() -> None:
    with pytest.raises(BadRows) as caught:
        column_of([None, [{1: "a", "1": "b"}], {1: "a", 2: "b"}], "x")
    assert caught.value.reasons == {1: "an object in 'x' has a key twice"}


def test_times_of_pandas_keep_their_nanoseconds() -> None:
    moment, span = pd.Timestamp(1001, tz="UTC"), pd.Timedelta(1001)
    assert column_of([[moment], None], "x")[0].type == pa.list_(pa.timestamp("ns", "UTC"))
    made, mixed = column_of([{"k": span}], "x")
    assert (mixed, made.to_pylist()) == (False, [{"k": span}])
    assert as_json([span, moment]) == '[1.001,"1970-01-01T00:00:00.000001001Z"]'


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(1500, "1.5"), (3000, "3"), (1, "0.001"), (-1, "-0.001"), (0, "0"), (-10**7, "-10000"),
     (2**63 - 1, "9223372036854775.807"), (-(2**63) + 1, "-9223372036854775.807")],
)  # fmt: skip
def test_a_duration_is_one_number_whatever_is_beside_it(nanoseconds: int, text: str) -> None:
    span = pd.Timedelta(nanoseconds)
    others = pd.Timedelta(1001), datetime.timedelta(microseconds=3), None, "x", [span], 0.5
    for beside in others:
        column, mixed = column_of([span, beside], "x")
        field = guessed(json_field("x") if mixed else pa.field("x", column.type))
        assert as_json_column(column, field)[0].as_py() == text
        assert to_json(column, field)[0].as_py() == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [(pd.Timestamp(1001), "1970-01-01T00:00:00.000001001"),
     (pd.Timestamp(1000), "1970-01-01T00:00:00.000001"),
     (pd.Timestamp("2024-05-06 07:08", tz="UTC"), "2024-05-06T07:08:00.000000Z"),
     (MOMENT, "2024-05-06T07:08:00.000000")],
)  # fmt: skip
def test_a_moment_is_one_text_whatever_is_beside_it(moment: datetime.datetime, text: str) -> None:
    for beside in (pd.Timestamp(1001, tz=moment.tzinfo), MOMENT, pd.NaT, "x", [moment], 0.5):
        column, mixed = column_of([moment, beside], "x")
        field = guessed(json_field("x") if mixed else pa.field("x", column.type))
        assert as_json_column(column, field)[0].as_py() == f'"{text}"'
        assert to_json(column, field)[0].as_py() == f'"{text}"'


def test_a_duration_of_a_file_is_a_number_in_its_unit() -> None:
    for unit in ("s", "ms", "us", "ns"):
        column = pa.array([5, None], pa.duration(unit))
        assert as_json_column(column, pa.field("x", column.type)).to_pylist() == ["5", None]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.5, True], ["0.5", "true"]),
        ([False, 0.0], ["false", "0.0"]),
        ([1, np.bool_(True)], ["1", "true"]),
        ([[0.5], [True]], ["[0.5]", "[true]"]),
        ([{"a": 0.5}, {"a": False}], ['{"a":0.5}', '{"a":false}']),
        (["x", b"x"], ['"x"', '"eA=="']),
        ([DAY, MOMENT], ['"2024-05-06"', '"2024-05-06T07:08:00.000000"']),
        ([DAY, 1], ['"2024-05-06"', "1"]),
        ([MOMENT, 1.5], ['"2024-05-06T07:08:00.000000"', "1.5"]),
        ([MOMENT, MOMENT.replace(tzinfo=datetime.UTC)],
         ['"2024-05-06T07:08:00.000000"', '"2024-05-06T07:08:00.000000Z"']),
        ([datetime.time(1, 2), 1], ['"01:02:00.000000"', "1"]),
    ],
)  # fmt: skip
def test_values_of_several_kinds_are_not_taken_for_one_another(
    values: list[Any], texts: list[str]
) -> None:
    for given_, expected in ((values, texts), (values[::-1], texts[::-1])):
        made, mixed = column_of(given_, "x")
        assert mixed, made
        assert made.to_pylist() == expected


@pytest.mark.parametrize(
    "value",
    [
        {"t": DAY, "n": 2.0}, {"n": None, "a": DAY}, [decimal.Decimal("2.50"), None], b"x", DAY,
        [MOMENT.replace(tzinfo=datetime.UTC)], decimal.Decimal("1.50"), decimal.Decimal("1E+3"),
        [math.nan, DAY], {"x": {"t": MOMENT, "f": [1.0, None]}}, uuid.UUID(int=5), [2**70, DAY],
    ],
)  # fmt: skip
def test_values_that_json_lacks_are_text_as_they_are_alone(value: Any) -> None:
    texts = []
    for values in ([value], [value, "x"], [[True], value]):
        column, mixed = column_of(values, "x")
        field = guessed(json_field("x") if mixed else pa.field("x", column.type))
        texts.append(as_json_column(column, field)[values.index(value)].as_py())
    assert len(set(texts)) == 1, texts


def test_deep_values_that_json_lacks_have_a_text() -> None:
    deep: Any = DAY
    for _ in range(500):
        deep = [deep]
    column, mixed = column_of([deep, "x"], "x")
    assert mixed
    assert column[0].as_py() == "[" * 500 + '"2024-05-06"' + "]" * 500
    assert as_json(deep) == column[0].as_py()


def test_python_values_of_several_kinds_are_json() -> None:
    values = [1, "x", None, [True], {"b": 2.0, "a": None}, datetime.date(2024, 5, 6), b"\x00\xff",
              decimal.Decimal("2.50"), 2**64, np.float64(0.5)]  # fmt: skip
    made, mixed = column_of(values, "x")

    assert mixed
    assert made.type == JSON_TEXT
    assert made.to_pylist() == [
        "1", '"x"', None, "[true]", '{"b":2.0,"a":null}', '"2024-05-06"', '"AP8="', "2.5",
        "18446744073709551616", "0.5",
    ]  # fmt: skip


def test_python_values_that_no_column_holds_are_named() -> None:
    with pytest.raises(BadRows) as caught:
        column_of([1, object(), "x", {"k": {1}}], "score")
    assert sorted(caught.value.reasons) == [1, 3]
