# SPDX-License-Identifier: Apache-2.0
"""What fits a type: beside a plain definition, and whatever else is in the column."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.real_world.values_parquet_data import FAMILIES, array_of, is_text_type, pool
from thresher.tasks.casting import cast_exactly
from thresher.tasks.text_form import spelled_as
from thresher.tasks.typed_values import typed_as
from thresher.tasks.types import leaf_types

NUMBERS = [
    *FAMILIES["ints"], *FAMILIES["floats"], pa.decimal128(5, 2), pa.decimal128(38, 10),
    pa.decimal128(20, 0), pa.decimal256(50, 3), pa.decimal128(3, 0),
]  # fmt: skip
WHOLE = [0, 1, -1, 2, 127, 255, 2**11 + 1, 2**24, 2**24 + 1, 2**53, 2**53 + 1, 2**60, -(2**63),
         10**18 + 100]  # fmt: skip
FRACTIONS = [0.1, 0.5, 0.125, -0.0, 1.5, 2.0, 16777217.0, 1e20, 1e30, 1e300, 0.123456789012345,
             1e-7, 5e-324, float("inf"), float("nan"), 1e23, 2.0**63, 9999.99, 999.99]  # fmt: skip
DIGITS = ["0.10", "0.125", "1.00", "123.45", "12345678901234567890.12", "1e18", "-7",
          "9007199254740993", "0.001", "1000000000000000100"]  # fmt: skip


def held(values: list[Any], kind: pa.DataType) -> list[Any]:
    """The values that a type can be given."""
    found = []
    for value in values:
        try:
            if pa.types.is_float16(kind):
                value = np.float16(value)
            found.append(pa.scalar(value, kind).as_py())
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            pass
    return found


def digits_of(value: Any, kind: pa.DataType) -> Decimal:
    if pa.types.is_floating(kind):
        of_width = {16: np.float16, 32: np.float32, 64: np.float64}[kind.bit_width]
        return Decimal(str(of_width(value)))
    return Decimal(value)


def fitting(value: Any, before: pa.DataType, after: pa.DataType) -> bool:
    """Whether ``after`` holds a number of ``before``."""
    types = pa.types
    if isinstance(value, float) and value - value != 0:
        return bool(types.is_floating(after))
    if types.is_integer(after):
        whole = Fraction(value).denominator == 1
        return whole and bool(held([int(value)], after))
    is_whole = Fraction(value).denominator == 1
    digits = Decimal(value) if is_whole else digits_of(value, before)
    if types.is_decimal(after):
        shifted = digits.scaleb(after.scale)
        return shifted == int(shifted) and abs(shifted) < 10**after.precision
    with np.errstate(over="ignore"):
        nearest = float(
            {16: np.float16, 32: np.float32, 64: np.float64}[after.bit_width](float(value))
        )
    if nearest - nearest != 0:
        return False
    if Fraction(nearest) == Fraction(value):
        return True
    if is_whole:
        return False
    return digits_of(nearest, after) == digits or (types.is_floating(before) and nearest != 0)


def drawn(kind: pa.DataType) -> st.SearchStrategy[Any]:
    given_ = held([*WHOLE, *FRACTIONS, *map(Decimal, DIGITS)], kind)
    return st.sampled_from([*given_, None])


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.DataType, list[Any]]:
    kind = draw(st.sampled_from(NUMBERS))
    return kind, draw(st.lists(drawn(kind), max_size=12))


@given(columns(), st.sampled_from(NUMBERS))
@settings(max_examples=400, deadline=None)
@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_fit_as_the_plain_definition_says(
    given_: tuple[pa.DataType, list[Any]], after: pa.DataType
) -> None:
    before, values = given_
    column = pa.array(values, before)
    made, bad = cast_exactly(column, after)

    assert made.type == after
    told = [value is not None and not fitting(value, before, after) for value in values]
    assert bad.tolist() == told, (values, str(before), str(after))
    for value, got, misfits in zip(values, made.to_pylist(), told, strict=True):
        assert (got is None) == (misfits or value is None)
        if got is not None and not isinstance(got, float):
            assert Decimal(got) in (Decimal(value), digits_of(value, before))
    back, lost = cast_exactly(made, before)
    assert not lost.any()
    for value, again, misfits in zip(values, back.to_pylist(), told, strict=True):
        if value is not None and value == value and not misfits:
            digits = [digits_of(each, pa.float16()) for each in (value, again)]
            assert (
                value == again
                or (pa.types.is_float16(after) and len({*digits}) == 1)
                or (pa.types.is_float32(after) and np.float32(value) == np.float32(again))
                or (pa.types.is_float16(after) and np.float16(value) == np.float16(again))
            )


KINDS = [kind for kinds in FAMILIES.values() for kind in kinds]


@st.composite
def any_columns(draw: st.DrawFn) -> pa.Array:
    kind = draw(st.sampled_from(KINDS))
    cells = st.sampled_from([*pool(kind), None])
    return array_of(draw(st.lists(cells, max_size=6)), kind)


@given(any_columns(), st.sampled_from(KINDS))
@settings(max_examples=400, deadline=None)
def test_what_becomes_of_a_value_does_not_depend_on_others(
    column: pa.Array, after: pa.DataType
) -> None:
    made, bad = cast_exactly(column, after)
    made.validate(full=True)
    assert made.type == after
    assert len(made) == len(column)
    for row in range(len(column)):
        alone, misfits = cast_exactly(column.slice(row, 1), after)
        assert misfits.tolist() == [bad[row]]
        assert repr(alone[0]) == repr(made[row])
        assert made[row].is_valid == (column[row].is_valid and not bad[row])
    back, _ = cast_exactly(made, column.type)
    inside = [leaf for _, leaf in leaf_types(column.type)]
    is_shown = any(is_text_type(leaf) or pa.types.is_floating(leaf) for leaf in inside)
    for row in [] if is_shown else np.flatnonzero(~bad).tolist():
        if pa.types.is_dictionary(column.type):
            assert str(back[row].value) == str(column[row].value)
        else:
            assert str(back[row]).replace("-0.0", "0.0") == str(column[row]).replace("-0.0", "0.0")


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (0.125, pa.float64(), pa.decimal128(5, 2)),
        (Decimal("12345678901234567890.12"), pa.decimal128(22, 2), pa.float64()),
        (datetime.datetime(2024, 1, 1, 5), pa.timestamp("us"), pa.date32()),
        (datetime.datetime(2024, 1, 1, 5), pa.timestamp("us"), pa.time64("us")),
        (datetime.datetime(2024, 1, 1, 5), pa.timestamp("us"), pa.timestamp("us", "Europe/Berlin")),
        (datetime.datetime(2024, 1, 1, 5), pa.timestamp("us", "UTC"), pa.timestamp("us")),
        (2, pa.int64(), pa.bool_()),
        (True, pa.bool_(), pa.int64()),
        ("0x1f", pa.string(), pa.int64()),
        ("31", pa.string(), pa.int64()),
        (31, pa.int64(), pa.string()),
        (16777217.0, pa.float64(), pa.float32()),
        (5, pa.int64(), pa.timestamp("us")),
        (5, pa.int64(), pa.duration("s")),
        (b"\xff", pa.binary(), pa.string()),
        ("24:00", pa.string(), pa.time64("us")),
        ("05:00:00.1234567", pa.string(), pa.time64("us")),
    ],
)
def test_nothing_is_rounded_cut_or_taken_for_something_else(
    value: Any, before: pa.DataType, after: pa.DataType
) -> None:
    for kind, given_ in ((before, value), (pa.list_(before), [value])):
        column = pa.array([given_, None], kind)
        wanted = after if kind == before else pa.list_(after)
        made, bad = cast_exactly(column, wanted)
        assert bad.tolist() == [True, False]
        assert made.to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("values", "kind", "made", "bad"),
    [
        (["2024-01-02", 5, None], pa.date32(), [datetime.date(2024, 1, 2), None, None], [1]),
        ([["2024-01-02T03:04:05"], [1], []], pa.list_(pa.timestamp("us")),
         [[datetime.datetime(2024, 1, 2, 3, 4, 5)], None, []], [1]),
        ([[1.5, 2], [0.125], ["1.5"]], pa.list_(pa.decimal128(5, 2)),
         [[Decimal("1.50"), Decimal(2)], None, None], [1, 2]),
        (["05:06", "05:06:07.5", "5"], pa.time64("us"),
         [datetime.time(5, 6), datetime.time(5, 6, 7, 500_000), None], [2]),
        ([1, 1.0, 1.5, True, "1", 2**63], pa.int64(), [1, 1, None, None, None, None], [2, 3, 4, 5]),
        ([2**70, 2**70 + 1, 10**80, 2**300], pa.float64(), [2.0**70, None, None, 2.0**300], [1, 2]),
        ([float("inf"), 1], pa.float64(), [None, 1.0], [0]),
        (["a", "\ud83d", 1, True], pa.string(), ["a", None, None, None], [1, 2, 3]),
        ([{"a": 1, "b": None}, {"a": 1, "b": 2}, {"a": "x"}, []], pa.struct([("a", pa.int8())]),
         [{"a": 1}, None, None, None], [1, 2, 3]),
        ([[["k", 1]], [[None, 1]], [["k", "x"]], {"k": 1}, []], pa.map_(pa.string(), pa.int8()),
         [[("k", 1)], None, None, None, []], [1, 2, 3]),
        ([[1, 2], [1], None], pa.list_(pa.int8(), 2), [[1, 2], None, None], [1]),
        ([[1], "x"], pa.list_view(pa.int8()), [[1], None], [1]),
    ],
)  # fmt: skip
def test_json_values_fit_as_columns_of_their_own_would(
    values: list[Any], kind: pa.DataType, made: list[Any], bad: list[int]
) -> None:
    column, misfits = typed_as(values, kind)
    column.validate(full=True)
    assert column.type == kind
    assert column.to_pylist() == made
    assert np.flatnonzero(misfits).tolist() == bad
    for value, wanted in zip(values, made, strict=True):
        assert typed_as([value], kind)[0].to_pylist() == [wanted]


@pytest.mark.parametrize(
    ("column", "kind", "made", "bad"),
    [
        (pa.array([1, None]), pa.string(), ["1", None], []),
        (pa.array([True, False]), pa.large_string(), ["true", "false"], []),
        (pa.array([0.1, 1e20]), pa.string(), ["0.1", "1e+20"], []),
        (pa.array([0, 2**31 - 1], pa.date32()), pa.string(), ["1970-01-01", None], [1]),
        (pa.array([5, 2**62], pa.timestamp("us", "UTC")), pa.string(),
         ["1970-01-01T00:00:00.000005Z", None], [1]),
        (pa.array(["31", " 5", "+7", "0x1f", "1.0", "007"]), pa.int64(),
         [31, None, None, None, None, None], [1, 2, 3, 4, 5]),
        (pa.array(["0.1", "1e400", "nan", "1e2"]), pa.float64(), [0.1, None, None, 100.0], [1, 2]),
        (pa.array(["0.125", "1.5"]), pa.decimal128(5, 2), [None, Decimal("1.50")], [0]),
        (pa.array(["true", "yes", "1"]), pa.bool_(), [True, None, None], [1, 2]),
        (pa.array(["7", "x"]).dictionary_encode(), pa.int8(), [7, None], [1]),
    ],
)  # fmt: skip
def test_plain_values_and_their_text(
    column: pa.Array, kind: pa.DataType, made: list[Any], bad: list[int]
) -> None:
    spelled, none = spelled_as(column, kind)
    values, misfits = cast_exactly(spelled, kind)
    assert np.flatnonzero(none | misfits).tolist() == bad
    good = [value for row, value in enumerate(values.to_pylist()) if row not in bad]
    assert good == [value for row, value in enumerate(made) if row not in bad]


def test_an_extension_fits_no_other_type() -> None:
    column = pa.array([b"a" * 16, None], pa.uuid())
    made, bad = cast_exactly(column, pa.string())
    assert made.to_pylist() == [None, None]
    assert bad.tolist() == [True, False]
