# SPDX-License-Identifier: Apache-2.0
"""Values as JSON has them, made a column of a type: each by what it is, whatever is beside it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.casting import as_list, cast_exactly
from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.nested import (
    Mask,
    any_inside,
    lengths_of,
    nullified,
    struct_of,
    with_entries,
    with_items,
)
from thresher.tasks.types import is_list

_INT64 = range(-(2**63), 2**63)
_MOST_DIGITS = 76
_VOID = pa.null()


def typed_as(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Decoded JSON values as ``kind``, and which of them do not fit; these are null."""
    types = pa.types
    if types.is_struct(kind):
        return _objects(values, kind)
    if types.is_map(kind):
        return _maps(values, kind)
    if is_list(kind):
        return _lists(values, kind)
    there = np.array([value is not None for value in values], np.bool_)
    made = pa.nulls(len(values), kind)
    for column in _by_kind(values):
        if column.null_count < len(column):
            fitting, _ = cast_exactly(column, kind)
            made = fitting if made.null_count == len(made) else pc.coalesce(made, fitting)
    return made, there & to_numpy(made.is_null())


def _by_kind(values: Sequence[Any]) -> list[pa.Array]:
    """A column for each kind of value, null where a value is of another."""
    texts: list[str | None] = [None] * len(values)
    truths: list[bool | None] = [None] * len(values)
    whole: list[int | None] = [None] * len(values)
    large: list[Decimal | None] = [None] * len(values)
    others: list[float | None] = [None] * len(values)
    for at, value in enumerate(values):
        if isinstance(value, str):
            texts[at] = value if _is_text(value) else None
        elif isinstance(value, bool):
            truths[at] = value
        elif isinstance(value, float):
            others[at] = value if value - value == 0 else None
        elif isinstance(value, int):
            if value in _INT64:
                whole[at] = value
            elif abs(value) < 10**_MOST_DIGITS:
                large[at] = Decimal(value)
            else:
                others[at] = _as_float(value)
        elif isinstance(value, Decimal) and value.adjusted() < _MOST_DIGITS:
            large[at] = value if value == value.to_integral_value() else None
    return [
        pa.array(texts, pa.large_string()), pa.array(truths, pa.bool_()),
        pa.array(whole, pa.int64()), pa.array(large, pa.decimal256(_MOST_DIGITS, 0)),
        pa.array(others, pa.float64()),
    ]  # fmt: skip


def _as_float(value: int) -> float | None:
    try:
        return float(value) if int(float(value)) == value else None
    except OverflowError:
        return None


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _objects(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    there = np.array([value is not None for value in values], np.bool_)
    shaped = np.array([isinstance(value, dict) for value in values], np.bool_)
    fields = [kind.field(i) for i in range(kind.num_fields)]
    names = {field.name for field in fields}
    bad = there & ~shaped
    if len(names) < len(fields):
        return pa.nulls(len(values), kind), there
    objects = [value if isinstance(value, dict) else {} for value in values]
    for at, value in enumerate(objects):
        if value.keys() - names and any(value[name] is not None for name in value.keys() - names):
            bad[at] = True
    children = []
    for field in fields:
        made, misfits = typed_as([value.get(field.name) for value in objects], field.type)
        children.append(made)
        bad |= misfits
    like = from_numpy(np.zeros(len(values), np.bool_), there & ~bad)
    return struct_of(children, fields, like), bad


def _lists(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    shaped = [value if isinstance(value, list) else None for value in values]
    items, misfits = typed_as(list(chain.from_iterable(v or () for v in shaped)), kind.value_type)
    column = with_items(_frame(shaped), items)
    bad = _misshapen(values, shaped) | any_inside(column, misfits)
    if pa.types.is_fixed_size_list(kind):
        bad |= to_numpy(column.is_valid()) & (lengths_of(column) != kind.list_size)
    return as_list(nullified(column, bad), kind), bad


def _maps(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Maps from lists of pairs, the form in which JSON lines have them."""
    shaped = [value if _is_map(value) else None for value in values]
    pairs = list(chain.from_iterable(value or () for value in shaped))
    keys, no_key = typed_as([key for key, _ in pairs], kind.key_type)
    items, no_item = typed_as([item for _, item in pairs], kind.item_type)
    frame = _frame(shaped)
    bad = _misshapen(values, shaped) | any_inside(frame, no_key | no_item)
    return nullified(with_entries(frame, keys, items), bad), bad


def _is_map(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and pair[0] is not None for pair in value
    )


def _frame(lists: Sequence[list[Any] | None]) -> pa.Array:
    """Lists as long as these, whose items say nothing."""
    return pa.array([None if v is None else [None] * len(v) for v in lists], pa.large_list(_VOID))


def _misshapen(values: Sequence[Any], shaped: Sequence[Any]) -> Mask:
    pairs = zip(values, shaped, strict=True)
    return np.array([value is not None and good is None for value, good in pairs], np.bool_)
