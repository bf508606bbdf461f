# SPDX-License-Identifier: Apache-2.0
"""Columns turned into wider types: every value is there, unchanged, or its row is named."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.test_json_text import VALUES, meaning
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.converting import (
    convert,
    convert_table,
    observed_type,
)
from thresher.tasks.json_text import python_values
from thresher.tasks.json_written import column_of
from thresher.tasks.nested import convert_leaves, leaves
from thresher.tasks.types import (
    JSON,
    JSON_TEXT,
    NOTHING,
    ColumnType,
    guessed,
    is_json,
    json_field,
)


def field_of(column: pa.Array) -> pa.Field:
    return pa.field("x", column.type)


def observed(column: pa.Array) -> ColumnType:
    return observed_type(column, field_of(column))


def values_in(column: pa.Array, kind: ColumnType) -> list[Any]:
    return python_values(column, kind.to_field("x"))


def cuts(column: pa.Array) -> list[pa.Array | pa.ChunkedArray]:
    """The column whole, in chunks, and as a slice of a longer one."""
    middle = len(column) // 2
    longer = pa.concat_arrays([column.slice(middle), column, column.slice(0, middle)])
    chunks = [column.slice(0, middle), column.slice(middle)]
    return [column, pa.chunked_array(chunks, column.type),
            longer.slice(len(column) - middle, len(column))]  # fmt: skip


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5))
@settings(max_examples=300, deadline=None)
def test_columns_of_json_values_are_united_unchanged(left: list[Any], right: list[Any]) -> None:
    made = [column_of(values, "x") for values in (left, right)]
    before = [json_field("x") if mixed else field_of(column) for column, mixed in made]
    kinds = [observed_type(column, f) for (column, _), f in zip(made, before, strict=True)]
    both = kinds[0].merge(kinds[1])
    for values, (column, _), given_ in zip((left, right), made, before, strict=True):
        for each in cuts(column):
            after = convert(each, given_, both)
            assert after.type == both.type
            assert list(map(meaning, values_in(after, both))) == list(map(meaning, values))


MOMENT = datetime.datetime(2024, 5, 6, 7, 8, 9, 120_000)
SOME: list[tuple[pa.DataType, list[Any]]] = [
    (pa.int8(), [-128, None, 127]),
    (pa.uint8(), [0, None, 255]),
    (pa.int32(), [-(2**31), 5]),
    (pa.int64(), [-(2**53), None, 2**53]),
    (pa.int64(), [2**63 - 1, -(2**63)]),
    (pa.uint64(), [2**64 - 1, 1]),
    (pa.float16(), [np.float16(0.5), None]),
    (pa.float32(), [0.5, 1e30]),
    (pa.float64(), [0.1, None, 1e300]),
    (pa.bool_(), [True, None, False]),
    (pa.decimal128(5, 2), [decimal.Decimal("123.45"), None]),
    (pa.decimal128(20, 0), [decimal.Decimal(2**64 - 1), None]),
    (pa.string(), ["a", None, "é\n"]),
    (pa.large_string(), ["b", ""]),
    (pa.string_view(), ["long enough not to be inlined", None]),
    (pa.binary(), [b"\x00\xff", None]),
    (pa.binary(2), [b"ab", None]),
    (pa.date32(), [datetime.date(2024, 5, 6), None]),
    (pa.time32("s"), [datetime.time(7, 8, 9), None]),
    (pa.time64("us"), [datetime.time(7, 8, 9, 120_000)]),
    (pa.timestamp("s"), [MOMENT.replace(microsecond=0), None]),
    (pa.timestamp("us"), [MOMENT]),
    (pa.timestamp("ms", "UTC"), [MOMENT.replace(tzinfo=datetime.UTC), None]),
    (pa.duration("s"), [datetime.timedelta(seconds=5), None]),
    (pa.duration("us"), [datetime.timedelta(microseconds=7)]),
    (pa.list_(pa.int8()), [[1, None], None, []]),
    (pa.list_(pa.float64()), [[0.5], []]),
    (pa.list_(pa.int64(), 2), [[1, 2], None]),
    (pa.large_list(pa.string()), [["a", None], []]),
    (pa.list_view(pa.int32()), [[1], None]),
    (pa.list_(pa.struct([("a", pa.int8())])), [[{"a": 1}, None], []]),
    (pa.struct([("a", pa.int8())]), [{"a": 1}, None]),
    (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    (pa.struct([("c", pa.list_(pa.int8()))]), [{"c": [1]}, None, {"c": None}]),
    (pa.map_(pa.string(), pa.int8()), [[("k", 1)], None, []]),
    (pa.map_(pa.string(), pa.int64()), [[("k", 2)], []]),
]
COLUMNS = [pa.array(values, kind) for kind, values in SOME]
COLUMNS += [
    pa.array(["a", None, "b"]).dictionary_encode(), pa.array([1, None, 1]).dictionary_encode(),
    pc.run_end_encode(pa.array([1, 1, None])), pc.run_end_encode(pa.array(["a", "a"])),
    pa.nulls(2), pa.nulls(3, pa.string()),
]  # fmt: skip
PAIRS = list(product(range(len(COLUMNS)), repeat=2))


def plain(value: Any) -> Any:
    """A value as any type that holds it has it: numbers and times by what they are."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, bool) else value


def as_json_has_it(value: Any) -> Any:
    """The same as JSON tells it."""
    if isinstance(value, decimal.Decimal):
        return json.loads(str(value))
    if isinstance(value, dict):
        return {k: as_json_has_it(inner) for k, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [as_json_has_it(inner) for inner in value]
    if isinstance(value, datetime.datetime):
        zone = "Z" if value.tzinfo else ""
        return f"{value.replace(tzinfo=None).isoformat(timespec='microseconds')}{zone}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return plain(value)


@pytest.mark.parametrize("left", range(len(COLUMNS)), ids=lambda i: str(COLUMNS[i].type)[:40])
def test_columns_of_arrow_types_are_united_unchanged(left: int) -> None:
    for right in range(len(COLUMNS)):
        both = observed(COLUMNS[left]).merge(observed(COLUMNS[right]))
        column = COLUMNS[left]
        for each in cuts(column) if not pa.types.is_run_end_encoded(column.type) else [column]:
            after = convert(each, field_of(column), both)
            assert after.type == both.type, (column.type, COLUMNS[right].type)
            if both.is_json:
                found = [None if t is None else json.loads(t) for t in after.to_pylist()]
                assert list(map(plain, found)) == list(map(as_json_has_it, column.to_pylist()))
            else:
                assert list(map(plain, after.to_pylist())) == list(map(plain, column.to_pylist()))


# -- values that do not fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "kind", "bad"),
    [
        (pa.array([1, 300, None, -129]), pa.int8(), [1, 3]),
        (pa.array([1.0, 1.5, None]), pa.int64(), [1]),
        (pa.array(["1", "x", None, ""]), pa.int64(), [0, 1, 3]),
        (pa.array([2**53, 2**53 + 1]), pa.float64(), [1]),
        (pa.array([1e300, 1.0]), pa.float32(), [0]),
        (pa.array([32_503_680_000, 1], pa.timestamp("s")), pa.timestamp("ns"), [0]),
        (pa.array([[1], [300], [], None, [1, 300]]), pa.list_(pa.int8()), [1, 4]),
        (pa.array([[1], [1, 2], None]), pa.list_(pa.int64(), 2), [0]),
        (pa.array([{"a": 1}, {"a": 300}, None]), pa.struct([("a", pa.int8())]), [1]),
        (pa.array([{"a": [1]}, {"a": [300]}, None, {"a": None}]),
         pa.struct([("a", pa.list_(pa.int8()))]), [1]),
        (pa.array([[[1]], [[2], [300]]]), pa.list_(pa.list_(pa.int8())), [1]),
        (pa.array(["a", "b"]).dictionary_encode(), pa.int8(), [0, 1]),
    ],
)  # fmt: skip
def test_only_rows_that_do_not_fit_are_named(
    column: pa.Array, kind: pa.DataType, bad: list[int]
) -> None:
    for each in cuts(column):
        with pytest.raises(BadRows) as caught:
            convert(each, field_of(column), ColumnType(kind))
        assert sorted(caught.value.reasons) == bad
        for reason in caught.value.reasons.values():
            assert reason.startswith(f"column 'x' is {kind} in this output; ")
            assert reason.endswith(" does not fit")
    good = [at for at in range(len(column)) if at not in bad]
    for start, stop in zip(good, [at + 1 for at in good], strict=True):
        one = convert(column.slice(start, stop - start), field_of(column), ColumnType(kind))
        assert one.type == kind


def test_what_lies_under_a_null_need_not_fit() -> None:
    offsets = pa.py_buffer(np.array([0, 1, 2], np.int32))
    hidden = pa.Array.from_buffers(
        pa.list_(pa.int64()), 2, [pa.py_buffer(b"\x02"), offsets], children=[pa.array([300, 1])]
    )
    assert hidden.to_pylist() == [None, [1]]
    after = convert(hidden, field_of(hidden), ColumnType(pa.list_(pa.int8())))
    assert after.to_pylist() == [None, [1]]
    masked = pa.StructArray.from_arrays([pa.array([300, 1])], ["a"], mask=pa.array([True, False]))
    after = convert(masked, field_of(masked), ColumnType(pa.struct([("a", pa.int8())])))
    assert after.to_pylist() == [None, {"a": 1}]


@pytest.mark.parametrize(
    ("texts", "kind", "bad", "values"),
    [
        (["1", '"x"', None, "2.5", "true", "300"], pa.int8(), [1, 3, 4, 5], [1, None]),
        (["1", "0.5", "9007199254740993", "true", "1e400"], pa.float64(), [2, 3, 4], [1.0, 0.5]),
        (['"a"', "1", "[]", None], pa.string(), [1, 2], ["a", None]),
        (["true", "1", '"true"'], pa.bool_(), [1, 2], [True]),
        (["[1]", "[0.5]", "[]", "{}", '["1"]'], pa.list_(pa.int64()), [1, 3, 4], [[1], []]),
        (['{"a":1}', '{"a":1,"b":2}', "{}", '{"a":"x"}', "[1]"], pa.struct([("a", pa.int64())]),
         [1, 3, 4], [{"a": 1}, {"a": None}]),
        (['[{"a":1}]', '[{"b":1}]'], pa.list_(pa.struct([("a", pa.int64())])), [1], [[{"a": 1}]]),
    ],
)  # fmt: skip
def test_json_that_does_not_fit_is_named(
    texts: list[str | None], kind: pa.DataType, bad: list[int], values: list[Any]
) -> None:
    column = pa.array(texts, JSON_TEXT)
    with pytest.raises(BadRows) as caught:
        convert(column, json_field("x"), ColumnType(kind))
    assert sorted(caught.value.reasons) == bad
    good = column.take(pa.array([at for at in range(len(texts)) if at not in bad]))
    assert convert(good, json_field("x"), ColumnType(kind)).to_pylist() == values


# -- what values tell ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "exact", "void"),
    [
        (pa.array([1, -(2**53), None]), True, False),
        (pa.array([2**53 + 1]), False, False),
        (pa.array([[1], [2**60]]), False, False),
        (pa.array([[1], [2**60]]).slice(0, 1), True, False),
        (pa.array([{"a": [2**60]}, None]), False, False),
        (pa.array([[("k", 2**60)], [("k", 1)]], pa.map_(pa.string(), pa.int64())), False, False),
        (pa.array([[("k", 2**60)], [("k", 1)]], pa.map_(pa.string(), pa.int64())).slice(1), True,
         False),
        (pa.array([decimal.Decimal(7)]), True, False),
        (pa.array([decimal.Decimal("0.5")]), False, False),
        (pa.nulls(3, pa.int64()), True, True),
        (pa.array([], pa.int64()), True, True),
        (pa.array([None, []], pa.list_(pa.int64())), True, False),
    ],
)  # fmt: skip
def test_types_are_as_exact_as_their_values(column: pa.Array, exact: bool, void: bool) -> None:
    kind = ColumnType(column.type, is_void=void, is_exact=exact)
    assert observed(column) == kind
    assert observed(pa.chunked_array([column, column])) == kind


def test_a_guess_says_nothing_and_json_is_json() -> None:
    assert observed_type(pa.nulls(2, pa.int8()), guessed(pa.field("x", pa.int8()))) == NOTHING
    assert observed_type(pa.array(["1"], JSON_TEXT), json_field("x")) == JSON
    void = ColumnType(JSON_TEXT, is_json=True, is_void=True)
    assert observed_type(pa.nulls(1, JSON_TEXT), json_field("x")) == void


def test_a_table_of_given_columns() -> None:
    columns = {"m": JSON, "new": ColumnType(pa.int8()), "n": ColumnType(pa.float64())}
    made = convert_table(pa.table({"n": [1, 2], "m": [[1], None], "gone": ["a", "b"]}), columns)

    assert made.to_pylist() == [
        {"m": "[1]", "new": None, "n": 1.0}, {"m": None, "new": None, "n": 2.0}
    ]  # fmt: skip
    assert [field.name for field in made.schema if is_json(field)] == ["m"]
    assert made.schema.field("new").type == pa.int8()


def test_leaves() -> None:
    nested = pa.array([{"a": [1, None], "b": "x"}, {"a": [], "b": None}])
    assert [leaf.to_pylist() for leaf in leaves(nested)] == [[1, None], ["x", None]]

    def doubled(leaf: pa.Array) -> pa.Array:
        return pc.multiply(leaf, 2) if pa.types.is_integer(leaf.type) else leaf

    for each in cuts(nested):
        assert convert_leaves(each, doubled).to_pylist() == [
            {"a": [2, None], "b": "x"}, {"a": [], "b": None}
        ]  # fmt: skip
    views = pa.array([[9], [1, 2], None], pa.list_view(pa.int64()))
    assert convert_leaves(views.slice(1), doubled).to_pylist() == [[2, 4], None]
    coded = pa.array([1, None, 1]).dictionary_encode()
    assert convert_leaves(coded, doubled).to_pylist() == [2, None, 2]
