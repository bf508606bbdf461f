# SPDX-License-Identifier: Apache-2.0
"""What functions give, as values of Python's own."""

from __future__ import annotations

import datetime
import decimal
import enum
from collections import namedtuple
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.own_values import own_values


class Level(enum.IntEnum):
    """A whole number with a name."""

    LOW = 1


class Colour(str, enum.Enum):  # noqa: UP042
    """Text with a name."""

    RED = "red"


Point = namedtuple("Point", "x y")
MOMENT = datetime.datetime(2024, 5, 6, 7)
FINE = "2024-05-06T07:00:00.000000001"


@pytest.mark.parametrize(
    ("value", "own"),
    [
        (np.int8(3), 3), (np.uint64(2**64 - 1), 2**64 - 1), (np.float64(0.5), 0.5),
        (np.float32(0.1), 0.10000000149011612), (np.float16(1), 1.0), (np.bool_(True), True),
        (np.longdouble(3), 3.0), (np.longdouble("0.1"), decimal.Decimal("0.1")),
        (np.longdouble("1e400"), decimal.Decimal("1e400")), (np.longdouble("inf"), float("inf")),
        (np.str_("x"), "x"), (np.bytes_(b"x"), b"x"), (bytearray(b"x"), b"x"),
        (Level.LOW, 1), (Colour.RED, "red"), (Point(1, np.int8(2)), [1, 2]), (pa.scalar(3), 3),
        (np.array([1, 2]), [1, 2]), (np.array([[1.0]]), [[1.0]]), (np.array(3), 3),
        (np.array([{"a": np.int8(1)}, None]), [{"a": 1}, None]), (np.array([]), []),
        (np.ma.masked_array([1, 2], [True, False]), [None, 2]), (np.ma.masked, None),
        (pd.Series([1.5]), [1.5]), (pd.Index(["x"]), ["x"]), (pd.array([1, None]), [1, None]),
        (pd.NaT, None), (pd.NA, None), ([pd.NaT, {"a": pd.NA}], [None, {"a": None}]),
        (np.datetime64("NaT"), None), (np.datetime64("2024-05-06"), MOMENT.date()),
        (np.datetime64("2024-05-06T07"), MOMENT), (np.array([MOMENT], "M8[us]"), [MOMENT]),
        (np.array(MOMENT, "M8[s]"), MOMENT), (np.datetime64(FINE), pd.Timestamp(FINE)),
        (np.array([1500], "m8[ns]"), [pd.Timedelta(1500)]),
        (np.timedelta64(6, "25ns"), pd.Timedelta(150)),
        (np.timedelta64(2, "h"), datetime.timedelta(hours=2)),
        ({None: {np.int8(2): ()}, True: 1, Colour.RED: 2},
         {"null": {"2": []}, "true": 1, "red": 2}),
    ],
)  # fmt: skip
def test_values_of_others_are_turned_into_pythons_own(value: Any, own: Any) -> None:
    (made,) = own_values([value], "x")
    assert (made, type(made)) == (own, type(own))
    assert own_values(["x", [value]], "x") == ["x", [own]]


def test_values_that_are_pythons_own_are_not_looked_at_twice() -> None:
    values = [1, 0.5, {"a": [None, True, {"b": b"x"}]}, MOMENT, (1, 2)]
    assert own_values(values, "x") is values


def contained(make: Any) -> Any:
    outer = make()
    outer[0] = [outer, outer]
    return outer


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "a object is no JSON value"), ({1}, "a set is no JSON value"),
        ([1j], "a complex is no JSON value"), (np.clongdouble(1), "is no JSON value"),
        (pd.DataFrame({"a": [1]}), "a DataFrame is no JSON value"),
        (np.datetime64(10**18, "s"), "no value of Python's"),
        (np.timedelta64(3, "Y"), "no value of Python's"),
        ({1: 1, "1": 2}, "an object in 'x' has a key twice"),
        ({True: 1, "true": 2}, "an object in 'x' has a key twice"),
        (contained(lambda: [None]), "contains itself"), (contained(dict), "contains itself"),
        (contained(lambda: np.empty(1, object)), "contains itself"),
    ],
)  # fmt: skip
def test_values_that_json_does_not_have_cost_their_row(value: Any, reason: str) -> None:
    with pytest.raises(BadRows) as caught:
        own_values([1, [value], np.int8(2)], "x")
    assert list(caught.value.reasons) == [1]
    assert reason in caught.value.reasons[1]
