# SPDX-License-Identifier: Apache-2.0
"""Plain values as text: times, what is asked for as text, and what text cannot hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.casting import decimals_of, each
from thresher.tasks.columns import to_numpy
from thresher.tasks.nested import Mask, decoded, is_encoded
from thresher.tasks.types import is_string

_DAYS = (-12_687_428, 11_248_737)
"""The first and the last day, since 1970, that Arrow writes: of the years -32767 and 32767."""

_IN_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}

_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_TRUTH = r"^(true|false)$"


def time_text(times: pa.Array) -> pa.Array:
    """Dates, timestamps or times of the day in the form of ISO 8601."""
    if not pa.types.is_timestamp(times.type):
        return pc.cast(times, pa.string())
    naive = pc.cast(times, pa.timestamp(times.type.unit))
    text = pc.replace_substring(pc.cast(naive, pa.string()), " ", "T")
    return pc.binary_join_element_wise(text, "Z" if times.type.tz else "", "")


def beyond_text(leaf: pa.Array) -> Mask | None:
    """Which dates and timestamps are so far away that no text of Arrow's tells them."""
    kind = leaf.type
    if pa.types.is_date(kind):
        in_a_day = 1 if pa.types.is_date32(kind) else _IN_A_DAY["ms"]
    elif pa.types.is_timestamp(kind) and kind.unit in _IN_A_DAY:
        in_a_day = _IN_A_DAY[kind.unit]
    else:
        return None
    number = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    values = to_numpy(pc.fill_null(leaf.view(number), 0))
    low, high = _DAYS[0] * in_a_day, (_DAYS[1] + 1) * in_a_day
    return (values < low) | (values >= high)


def no_text(leaf: pa.Array) -> Mask | None:
    """Which strings are not UTF-8."""
    if not is_string(leaf.type):
        return None
    try:
        leaf.validate(full=True)
    except pa.ArrowInvalid:
        return to_numpy(pc.is_null(each(leaf, _validated, leaf.type))) & to_numpy(leaf.is_valid())
    return None


def _validated(strings: pa.Array) -> pa.Array:
    strings.validate(full=True)
    return strings


# -- asked for --------------------------------------------------------------------------------


def spelled_as(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Plain values as text, or text as the numbers and truth values that it spells.

    Any other column, or type, is left as it is. Which values have no such form is told with them.
    """
    if is_encoded(column.type):
        return spelled_as(decoded(column), kind)
    types = pa.types
    before = column.type
    made = column
    if is_string(kind):
        is_time = types.is_timestamp(before) or types.is_date(before) or types.is_time(before)
        if is_time:
            made = time_text(column)
        elif types.is_boolean(before) or is_number(before):
            made = pc.cast(column, pa.large_string())
        far = beyond_text(column)
        return made, np.zeros(len(column), np.bool_) if far is None else far
    if is_string(before) and (types.is_boolean(kind) or is_number(kind)):
        text = column.cast(pa.large_string())
        pattern = _TRUTH if types.is_boolean(kind) else _NUMBER
        right = pc.match_substring_regex(text, pattern)
        text = pc.if_else(right, text, pa.scalar(None, text.type))
        wanted = pa.float64() if types.is_floating(kind) else kind
        if types.is_decimal(kind):
            made = decimals_of(text, kind)
        else:
            made = each(text, lambda part: pc.cast(part, wanted), wanted)
        if types.is_floating(kind):
            made = pc.if_else(pc.is_finite(made), made, pa.scalar(None, wanted))
    return made, to_numpy(pc.and_(column.is_valid(), made.is_null()))


def is_number(kind: pa.DataType) -> bool:
    """Whether a type is one of numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
