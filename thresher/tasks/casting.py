# SPDX-License-Identifier: Apache-2.0
"""Columns in another type with nothing lost or changed: the one rule of what fits a type.

A value fits a type that has it unchanged, whatever stands beside it: a truth value one of truth
values, a number one of numbers, and so on; nothing is rounded, cut or taken for something else.
Text fits types of times and bytes, which JSON has as text, if it spells one.

A number fits if the type holds it exactly. One with a fraction also fits if both are written with
the same digits: 0.1 is a decimal(5,2), and 0.125 none. A narrower type of floats takes the nearest
it has of a number with a fraction: that is what it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.nested import (
    Mask,
    any_inside,
    decoded,
    entries,
    is_encoded,
    lengths_of,
    nullified,
    struct_of,
    with_entries,
    with_items,
)
from thresher.tasks.types import EXACT, is_bytes, is_list, is_string

_ERRORS = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)

_EXACT = {32: 2**24, 64: EXACT}
_LONG = 100
_TIME_OF_DAY = r"^\d\d:\d\d(:\d\d(\.\d+)?)?$"


def cast_exactly(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """The values as ``kind``, and which of them do not fit; these are null."""
    types = pa.types
    if column.type == kind:
        return column, np.zeros(len(column), np.bool_)
    if types.is_null(column.type) or column.null_count == len(column):
        return pa.nulls(len(column), kind), np.zeros(len(column), np.bool_)
    if is_encoded(column.type):
        return cast_exactly(decoded(column), kind)
    if is_encoded(kind):
        made, bad = cast_exactly(column, kind.value_type)
        encode = pc.dictionary_encode if types.is_dictionary(kind) else pc.run_end_encode
        return encode(made).cast(kind), bad
    if types.is_struct(kind) and types.is_struct(column.type):
        return _structs(column, kind)
    if types.is_map(kind) and types.is_map(column.type):
        return _maps(column, kind)
    if is_list(kind) and is_list(column.type):
        return _lists(column, kind)
    made = _plain(column, kind)
    if made is None:
        made = pa.nulls(len(column), kind)
    if made.null_count == column.null_count:
        return made, np.zeros(len(column), np.bool_)
    return made, to_numpy(pc.and_(column.is_valid(), made.is_null()))


# -- plain values -----------------------------------------------------------------------------


def _plain(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The values as ``kind``, null where they do not fit; None if none of them does."""
    before, after = _family(column.type), _family(kind)
    rule = _RULES.get((before, after))
    if rule is None:
        return None
    if before == "timestamp" and after == before and bool(column.type.tz) != bool(kind.tz):
        return None  # a zone is never lost or made up
    if "timestamp" in (before, after) and "date" in (before, after):
        zone = column.type.tz if before == "timestamp" else kind.tz
        if zone:
            return None
    return rule(column, kind)


def _family(kind: pa.DataType) -> str:
    types = pa.types
    if is_string(kind):
        return "text"
    if is_bytes(kind):
        return "bytes"
    for name, test in (
        ("bool", types.is_boolean), ("whole", types.is_integer), ("float", types.is_floating),
        ("decimal", types.is_decimal), ("timestamp", types.is_timestamp), ("date", types.is_date),
        ("time", types.is_time), ("duration", types.is_duration),
    ):  # fmt: skip
        if test(kind):
            return name
    return ""


def each(column: pa.Array, change: Callable[[pa.Array], pa.Array], kind: pa.DataType) -> pa.Array:
    """What ``change`` makes of the values; null where it raises an error of Arrow's.

    It fails for a column if it does for one of its values, so columns that fail are halved.
    """
    waiting, done = [column], []
    while waiting:
        part = waiting.pop()
        try:
            done.append(change(part))
        except _ERRORS:
            if len(part) == 1:
                done.append(pa.nulls(1, kind))
            else:
                half = len(part) // 2
                waiting += [part.slice(half), part.slice(0, half)]
    if len(done) == 1:
        return done[0]
    return pa.concat_arrays(done) if done else pa.nulls(0, kind)


def _directly(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """By Arrow's own cast, which refuses what would be lost."""
    return each(column, lambda part: pc.cast(part, kind), kind)


def _and_back(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same where Arrow's own cast cuts values off: what it made must give them back."""
    made = _directly(column, kind)
    return _where(made, pc.equal(_directly(made, column.type), column))


def _where(made: pa.Array, holds: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(holds, False), made, pa.scalar(None, made.type))


def _times_of_day(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Arrow reads times of day only behind a date."""
    text = column.cast(pa.large_string())
    text = _where(text, pc.match_substring_regex(text, _TIME_OF_DAY))
    moment = pa.timestamp(kind.unit)
    day, nothing = pa.scalar("1970-01-01T", text.type), pa.scalar("", text.type)
    moments = _directly(pc.binary_join_element_wise(day, text, nothing), moment)
    return _directly(moments, kind)


# -- numbers ----------------------------------------------------------------------------------


def _float_of_whole(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind.bit_width > 16:
        try:
            return pc.cast(column, kind)  # Arrow refuses some that are exact, and none else
        except pa.ArrowInvalid:
            pass
    return _and_back_to_whole(pc.cast(column, kind, safe=False), column)


def _and_back_to_whole(made: pa.Array, column: pa.Array) -> pa.Array:
    back = _directly(made, column.type)
    return _where(made, pc.equal(back, column))


def _decimal_of_whole(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return _directly(pc.cast(column, pa.decimal128(20, 0)), kind)


def _float_of_float(column: pa.Array, kind: pa.DataType) -> pa.Array:
    made = pc.cast(column, kind, safe=False)
    if kind.bit_width >= column.type.bit_width:
        return made
    back = pc.cast(made, column.type)  # Arrow computes little with 16 bits
    same = pc.or_(pc.equal(back, column), pc.is_nan(column))
    if pc.all(same).as_py() is not False:
        return made
    # Fewer digits of a fraction are what a narrower type is asked for; none at all are not.
    is_near = pc.and_(pc.is_finite(back), pc.not_equal(back, pa.scalar(0, back.type)))
    has_fraction = pc.not_equal(pc.floor(column), column)
    return _where(made, pc.or_(same, pc.and_(has_fraction, is_near)))


def _digits(numbers: pa.Array) -> pa.Array:
    """The fewest digits that tell a floating-point number from all others of its type.

    All digits of large whole numbers, of which the fewest would tell another whole number.
    """
    if pa.types.is_float16(numbers.type):
        shown = [None if value is None else str(np.float16(value)) for value in numbers.to_pylist()]
        texts, numbers = pa.array(shown, pa.large_string()), pc.cast(numbers, pa.float32())
        limit = 2**11
    else:
        texts, limit = pc.cast(numbers, pa.large_string()), _EXACT[numbers.type.bit_width]
    far = pc.and_(pc.greater(pc.abs(numbers), float(limit)), pc.is_finite(numbers))
    if not pc.any(far).as_py():
        return texts
    exact = [str(int(value)) for value in numbers.filter(far).to_pylist()]
    return pc.replace_with_mask(texts, pc.fill_null(far, False), pa.array(exact, texts.type))


def decimals_of(digits: pa.Array, kind: pa.DataType) -> pa.Array:
    """The decimals that digits spell; null where the type does not hold all of them."""
    short = pc.less(pc.binary_length(digits), _LONG)  # Arrow makes anything of very many digits
    return _directly(_where(digits, short), kind)


def _decimal_of_float(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return decimals_of(_digits(column), kind)


def _float_of_decimal(column: pa.Array, kind: pa.DataType) -> pa.Array:
    made = pc.cast(pc.cast(column, pa.large_string()), pa.float64())
    if kind.bit_width < 64:
        made = pc.cast(made, kind, safe=False)
    return _where(made, pc.equal(decimals_of(_digits(made), column.type), column))


Rule = Callable[[pa.Array, pa.DataType], Any]

_RULES: dict[tuple[str, str], Rule] = {
    **{(family, family): _directly for family in ("bool", "text", "bytes", "whole", "decimal")},
    **{(family, family): _and_back for family in ("timestamp", "date", "time", "duration")},
    ("whole", "float"): _float_of_whole,
    ("whole", "decimal"): _decimal_of_whole,
    ("float", "whole"): _directly,
    ("float", "float"): _float_of_float,
    ("float", "decimal"): _decimal_of_float,
    ("decimal", "whole"): _directly,
    ("decimal", "float"): _float_of_decimal,
    ("date", "timestamp"): _directly,
    ("timestamp", "date"): _and_back,
    ("text", "bytes"): _directly,
    ("bytes", "text"): _directly,
    ("text", "timestamp"): _directly,
    ("text", "date"): _directly,
    ("text", "time"): _times_of_day,
}
"""How values of one family are made those of another; no others are."""


# -- lists, structs and maps ------------------------------------------------------------------


def _structs(column: pa.StructArray, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    names = [column.type.field(i).name for i in range(column.type.num_fields)]
    fields = [kind.field(i) for i in range(kind.num_fields)]
    wanted = [field.name for field in fields]
    if len({*names}) < len(names) or len({*wanted}) < len(wanted):  # whose value would it be
        return pa.nulls(len(column), kind), to_numpy(column.is_valid())
    inner = dict(zip(names, column.flatten(), strict=True))  # null where the struct is
    bad = np.zeros(len(column), np.bool_)
    for name in {*names}.difference(wanted):
        bad |= to_numpy(inner[name].is_valid())
    children = []
    for field in fields:
        made, misfits = cast_exactly(inner.get(field.name, pa.nulls(len(column))), field.type)
        children.append(made)
        bad |= misfits
    return nullified(struct_of(children, fields, column), bad), bad


def _maps(column: pa.MapArray, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    keys, items = entries(column)
    new_keys, no_key = cast_exactly(keys, kind.key_type)
    new_items, no_item = cast_exactly(items, kind.item_type)
    bad = any_inside(column, no_key | no_item)
    return nullified(with_entries(column, new_keys, new_items), bad), bad


def _lists(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    items, misfits = cast_exactly(column.flatten(), kind.value_type)
    bad = any_inside(column, misfits)
    if pa.types.is_fixed_size_list(kind):
        bad |= to_numpy(column.is_valid()) & (lengths_of(column) != kind.list_size)
    return as_list(nullified(with_items(column, items), bad), kind), bad


def as_list(column: pa.LargeListArray, kind: pa.DataType) -> pa.Array:
    """Lists in another type of lists with the same type of items."""
    types = pa.types
    if not (types.is_list_view(kind) or types.is_large_list_view(kind)):
        return column if column.type == kind else pc.cast(column, kind)
    lengths = lengths_of(column)
    is_large = types.is_large_list_view(kind)
    view, width = (pa.LargeListViewArray, np.int64) if is_large else (pa.ListViewArray, np.int32)
    layout = [from_numpy(sizes.astype(width)) for sizes in (np.cumsum(lengths) - lengths, lengths)]
    mask = column.is_null() if column.null_count else None
    return view.from_arrays(*layout, column.flatten(), mask=mask)
