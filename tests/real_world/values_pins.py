# SPDX-License-Identifier: Apache-2.0
"""Which values of JSON fit a type that is asked for, for the test of values."""

from __future__ import annotations

import datetime
import re
import struct
from decimal import Decimal
from typing import Any

from tests.real_world.values_json import Other, Real

NAME_OF = {
    "int64": "int64", "float64": "double", "bool": "bool", "float32": "float",
    "decimal(5, 2)": "decimal128(5, 2)", "date32": "date32[day]",
    "list<int64>": "list<element: int64>",
}  # fmt: skip
"""How Arrow calls the types that are drawn."""

MISFIT = {"not ", "does not fit", "no int64 or float64", "surrogate"}
"""Words of which one is in the reason for which a value is set aside that does not fit."""


def fits(value: Any, wanted: str) -> bool:
    """Whether a type has this value unchanged."""
    if value is None:
        return True
    if wanted == "bool":
        return isinstance(value, bool)
    if wanted == "date32":
        return isinstance(value, str) and _day(value) is not None
    if wanted == "list<int64>":
        return isinstance(value, list) and all(fits(item, "int64") for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, Real) and value.is_beyond:
        return False
    if wanted == "int64":
        return is_int64(int(value) if value == int(value) else value)
    if wanted == "float32":
        return _is_float32(value)
    if wanted == "decimal(5, 2)":
        digits = Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))
        return abs(digits) < 1000 and digits * 100 == int(digits * 100)
    return is_float(value) or (wanted == "number" and is_int64(value))


def is_int64(value: Any) -> bool:
    """Whether an int64 is this number."""
    return isinstance(value, int) and -(2**63) <= value < 2**63


def is_float(value: int | float) -> bool:
    """Whether a float64 is this number."""
    if isinstance(value, float):
        return value - value == 0
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _is_float32(value: int | float) -> bool:
    try:
        nearest: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return False
    if nearest == value:
        return True
    # The test draws no fraction of more digits than a float32 has.
    return value != int(value) and abs(value) > 1e-30 and f"{nearest:.7g}" == f"{value:.7g}"


def _day(text: str) -> datetime.date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    return datetime.date.fromisoformat(text)


def is_pinned_as(value: Any, got: Any, pinned: str) -> bool:
    """Whether a value of JSON is this in the type that was asked for."""
    if pinned == "date32" and isinstance(value, str):
        day = _day(value)
        return day is not None and got == Other("date", (day - datetime.date(1970, 1, 1)).days)
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if pinned == "float32":
        return isinstance(got, float) and f"{got:.7g}" == f"{float(value):.7g}"
    return pinned == "decimal(5, 2)" and got == Decimal(str(value))
