# SPDX-License-Identifier: Apache-2.0
"""Columns of JSON: their narrowest types, and their canonical text."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_text import (
    canonical,
    json_values,
    narrowed,
    python_values,
    to_json,
    typed,
)
from thresher.tasks.json_written import column_of
from thresher.tasks.types import JSON_TEXT, MAX_MEMBERS, json_field

FIELD = json_field("x")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "é"]), inner)
    ),
    max_leaves=6,
)


def column(*texts: str | None) -> pa.Array:
    return pa.array(texts, JSON_TEXT)


def dumped(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def meaning(value: Any) -> Any:
    """A JSON value such that equal means the same: 1 is 1.0 but not true, no member is null."""
    if isinstance(value, dict):
        return {key: meaning(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [meaning(inner) for inner in value]
    return str(value) if isinstance(value, bool) else (value,)


# -- narrowest types -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", None, "-3"], "int64", [1, None, -3]),
        (["1", "0.5", "9007199254740992"], "double", [1.0, 0.5, 2.0**53]),
        (["1.0", "2e3"], "double", [1.0, 2000.0]),
        (['"a"', None], "large_string", ["a", None]),
        (["true", "null"], "bool", [True, None]),
        ([None, "null"], "null", [None, None]),
        (["[1, 2]", "[]"], "list<item: int64>", [[1, 2], []]),
        (["[1, 0.5]", "[null]"], "list<item: double>", [[1.0, 0.5], [None]]),
        (['{"b":1,"a":"x"}', '{"c":[]}'],
         "struct<a: string, b: int64, c: list<item: null>>",
         [{"a": "x", "b": 1, "c": None}, {"a": None, "b": None, "c": []}]),
        (['{"b":{"d":1,"c":2}}'], "struct<b: struct<c: int64, d: int64>>",
         [{"b": {"c": 2, "d": 1}}]),
        (["{}", None], "struct<>", [{}, None]),
        ([], "null", []),
    ],
)  # fmt: skip
def test_values_of_one_kind_have_a_type(
    texts: list[str | None], kind: str, values: list[Any]
) -> None:
    made, mixed = narrowed(column(*texts), "x")

    assert not mixed
    assert (str(made.type), made.to_pylist()) == (kind, values)


@pytest.mark.parametrize(
    "texts",
    [
        ["1", '"1"'], ["1", "true"], ["0.5", "false"], ["[1]", '["a"]'], ["[1]", "1"],
        ['{"a":1}', '{"a":"x"}'], ['{"a":1}', "[]"], ["9223372036854775808"],
        ["-9223372036854775809"], ["9007199254740993", "0.5"], ["[9007199254740993, 0.5]"],
        ["1e400"], ["1e400", "1"], ["[1e400]"], ['{"a":-1e999}'],
        ["[" * 40 + "]" * 40], ["[" * 500 + "1" + "]" * 500], ["9" * 5000],
        [json.dumps({f"k{i}": 1 for i in range(MAX_MEMBERS + 1)})],
    ],
    ids=lambda texts: str(texts)[:30],
)  # fmt: skip
def test_values_without_a_type_stay_json(texts: list[str]) -> None:
    made, mixed = narrowed(column(*texts), "x")

    assert mixed
    assert made.to_pylist() == texts


def test_a_number_beyond_float64_keeps_its_value() -> None:
    assert json_values(column("1e400", "0.1", "[-1e999]", None)) == [
        decimal.Decimal("1e400"), 0.1, [decimal.Decimal("-1e999")], None
    ]  # fmt: skip
    assert to_json(column("1e400", "[-1e999]", "1e-400", None), FIELD).to_pylist() == [
        "1E+400", "[-1e+999]", "1E-400", None
    ]  # fmt: skip


@given(st.lists(VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_narrowing_changes_no_value(values: list[Any]) -> None:
    texts = column(*map(dumped, values))
    made, mixed = narrowed(texts, "x")
    again = python_values(made, FIELD if mixed else pa.field("x", made.type))

    assert mixed == (typed(values) is None)
    assert list(map(meaning, again)) == list(map(meaning, values))


@pytest.mark.parametrize(
    ("texts", "bad"),
    [
        (['"\\ud800"', '"x"'], {0: "field 'x' has half a surrogate pair, which is no text"}),
        (["1", '["\\udc00"]', None, '{"\\ud800":1}'],
         dict.fromkeys((1, 3), "field 'x' has half a surrogate pair, which is no text")),
        (['{"a":1,"a":2}', '{"a":1}', '[{"b":{"c":1,"c":1}}]'],
         dict.fromkeys((0, 2), "an object in 'x' has a key twice")),
    ],
)  # fmt: skip
def test_values_that_no_column_holds(texts: list[str], bad: dict[int, str]) -> None:
    with pytest.raises(BadRows) as caught:
        narrowed(column(*texts), "x")
    assert caught.value.reasons == bad
    if "twice" not in str(bad):
        with pytest.raises(BadRows) as caught:
            column_of([None if text is None else json.loads(text) for text in texts], "x")
        assert caught.value.reasons == bad


# -- canonical text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"), (True, "true"), (1, "1"), (1.0, "1"), (-0.0, "-0.0"), (0.1, "0.1"),
        (1e16, "1e+16"), (2**53, "9007199254740992"), (float(2**53), "9007199254740992"),
        (2**64, "18446744073709551616"), (5e-324, "5e-324"), (math.nan, "null"),
        ('é"\\\n\u2028', '"é\\"\\\\\\n\u2028"'), ("\ud800", '"\\ud800"'),
        ({"b": [1.0, None], "a": {"d": None, "c": 1}}, '{"a":{"c":1,"d":null},"b":[1,null]}'),
        ([], "[]"), ({}, "{}"), ((1, "x"), '[1,"x"]'), ({1: 2}, '{"1":2}'),
        (decimal.Decimal("1.50"), "1.50"), (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("1e400"), "1E+400"), (math.inf, "1E+999"),
        (decimal.Decimal("-1E+999"), "-1e+999"), (decimal.Decimal("11E+999"), "1.1E+1000"),
        (decimal.Decimal("NaN"), "null"),
        (datetime.datetime(2024, 5, 6, 7, 8, 9), '"2024-05-06T07:08:09.000000"'),
        (datetime.timedelta(seconds=2), "2000000"), ({"\ud800": 1}, '{"\\ud800":1}'),
        (np.float16(0.5), "0.5"),
    ],
)  # fmt: skip
def test_canonical_text(value: Any, text: str) -> None:
    assert canonical(value) == text


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_canonical_text_means_the_same_and_is_its_own(value: Any) -> None:
    text = canonical(value)

    assert meaning(json.loads(text)) == meaning(value)
    assert canonical(json.loads(text)) == text
    assert json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False).encode()


@given(st.lists(VALUES, max_size=5))
@example([{"a": None, "b": 1}])
@example([[{"a": None}], [{"b": 1}]])
@example([{}])
@settings(max_examples=300, deadline=None)
def test_canonical_text_does_not_depend_on_the_type_a_column_had(values: list[Any]) -> None:
    texts = column(*map(dumped, values))
    made, mixed = narrowed(texts, "x")
    if not mixed:
        of_typed = to_json(made, pa.field("x", made.type)).to_pylist()
        assert of_typed == to_json(texts, FIELD).to_pylist()
    apart = [narrowed(texts.slice(i, 1), "x") for i in range(len(texts))]
    of_each = [
        to_json(one, FIELD if is_json else pa.field("x", one.type)).to_pylist()[0]
        for one, is_json in apart
    ]
    assert of_each == to_json(texts, FIELD).to_pylist()


def test_a_null_member_is_left_out_where_a_struct_could_not_tell_it() -> None:
    texts = column('{"a":null,"b":1}', "1", '[1,{"a":null}]', '{"a":null,"b":[1,"x"]}', "[null]")
    assert to_json(texts, FIELD).to_pylist() == [
        '{"b":1}', "1", '[1,{"a":null}]', '{"a":null,"b":[1,"x"]}', "[null]"
    ]  # fmt: skip


def test_deep_values_have_a_canonical_text() -> None:
    deep = "[" * 500 + "1" + "]" * 500
    assert to_json(column(deep, '{"a": 1}'), FIELD).to_pylist() == [deep, '{"a":1}']
    assert to_json(column("9" * 5000), FIELD).to_pylist() == ["9" * 5000]
