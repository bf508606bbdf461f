# SPDX-License-Identifier: Apache-2.0
"""Types of Parquet for the test of values: what must unite, what cannot, and what is in a column.

A table of its own, made after section 4a of the design; pyarrow is only used to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pyarrow as pa

from tests.real_world.values_json import Other
from tests.real_world.values_parquet_data import Shard

Conflicts = dict[str, bool]
"""Columns whose types cannot be united, and whether that is sure."""

YES, MAYBE, NO = 0, 1, 2

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_REACH = 2**63
_EXACT = 2**53


# -- values -----------------------------------------------------------------------------------


def from_arrow(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """The values of a column, with ``Other`` for what JSON does not have."""
    return [_from_scalar(value) for value in column]


def _from_scalar(value: Any) -> Any:  # noqa: C901
    types, kind = pa.types, value.type
    if not value.is_valid:
        return None
    if types.is_dictionary(kind):
        return _from_scalar(value.value)
    if types.is_timestamp(kind):
        return Other("time", value.value * _UNITS[kind.unit], kind.tz is not None)
    if types.is_date32(kind):
        return Other("date", value.value)
    if types.is_date64(kind):
        return Other("date", value.value // 86_400_000)
    if types.is_time(kind):
        return Other("clock", value.value * _UNITS[kind.unit])
    if types.is_duration(kind):
        return Other("span", value.value * _UNITS[kind.unit])
    if types.is_map(kind):
        names = (kind.key_field.name, kind.item_field.name)
        return [[_from_scalar(entry[name]) for name in names] for entry in value.values]
    if types.is_struct(kind):
        return {field.name: _from_scalar(value[field.name]) for field in kind}
    if is_list(kind):
        return [_from_scalar(item) for item in value.values]
    found = value.as_py()
    if types.is_floating(kind):
        return float(found)
    return Other("bytes", found) if isinstance(found, bytes) else found


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of lists."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of text."""
    types = pa.types
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind))


# -- types ------------------------------------------------------------------------------------


class _Column:
    """A column of a file: its type, the values in it, and whether its footer tells of them."""

    def __init__(self, kind: pa.DataType, values: list[Any], told: bool) -> None:
        while pa.types.is_dictionary(kind):
            kind = kind.value_type
        self.kind = kind
        self.values = [value for value in values if value is not None]
        self.told = told


def conflicts_in(shards: Mapping[str, Shard]) -> Conflicts:
    """The columns of files whose types cannot be united."""
    columns: dict[str, list[_Column]] = {}
    for shard in shards.values():
        for name in shard.table.column_names:
            column = shard.table.column(name)
            found = _Column(column.type, from_arrow(column), shard.statistics)
            columns.setdefault(name, []).append(found)
    conflicts = {}
    for name, there in columns.items():
        worst = max((_unite(*pair, void=YES) for pair in combinations(there, 2)), default=YES)
        if worst:
            conflicts[name] = worst == NO
    return conflicts


def _unite(left: _Column, right: _Column, void: int = MAYBE) -> int:
    """Whether two types have one that holds the values of both; ``void`` if there are none."""
    if left.kind == right.kind:
        return YES
    if pa.types.is_null(left.kind) or pa.types.is_null(right.kind):
        return YES
    answer = _unite_kinds(left, right)
    if answer and not (left.values and right.values):  # a null says nothing
        return void if left.told and right.told else MAYBE
    return answer


def _unite_kinds(left: _Column, right: _Column) -> int:  # noqa: C901
    types = pa.types
    a, b = left.kind, right.kind
    for test in (is_text, _is_bytes, types.is_integer, types.is_floating, types.is_date,
                 types.is_time):  # fmt: skip
        if test(a) and test(b):
            return YES
    if types.is_timestamp(a) and types.is_timestamp(b):
        return _unite_times(left, right)
    if types.is_duration(a) and types.is_duration(b):
        return _unite_units(left, right)
    if is_list(a) and is_list(b):
        return _unite(_items(left), _items(right))
    if types.is_struct(a) and types.is_struct(b):
        ours, theirs = _members(left), _members(right)
        return max((_unite(ours[name], theirs[name]) for name in {*ours} & {*theirs}), default=YES)
    if types.is_map(a) and types.is_map(b):
        return YES  # those that are drawn differ by the width of whole numbers
    if types.is_integer(b):
        left, right, a, b = right, left, b, a
    if types.is_integer(a) and types.is_floating(b):
        return _unite_numbers(left, right)
    if types.is_decimal(a) and (types.is_decimal(b) or types.is_integer(b)):
        return YES
    if types.is_decimal(b) and types.is_integer(a):
        return YES
    if (types.is_date(a) and types.is_timestamp(b)) or (types.is_timestamp(a) and types.is_date(b)):
        return MAYBE
    return NO


def _unite_times(left: _Column, right: _Column) -> int:
    if (left.kind.tz is None) != (right.kind.tz is None):
        return NO
    return _unite_units(left, right)


def _unite_units(left: _Column, right: _Column) -> int:
    """Nanoseconds do not reach as far as other units."""
    if "ns" not in (left.kind.unit, right.kind.unit) or left.kind.unit == right.kind.unit:
        return YES
    if all(abs(each.value) < _REACH for each in (*left.values, *right.values)):
        return YES if left.told and right.told else MAYBE
    return NO


def _unite_numbers(whole: _Column, other: _Column) -> int:
    if whole.kind.bit_width < 64:
        return YES
    if all(abs(value) <= _EXACT for value in whole.values):
        return YES if whole.told else MAYBE
    return NO


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _items(column: _Column) -> _Column:
    values = [item for value in column.values for item in value]
    return _Column(column.kind.value_type, values, column.told)


def _members(column: _Column) -> dict[str, _Column]:
    return {
        field.name: _Column(field.type, [value[field.name] for value in column.values], column.told)
        for field in column.kind
    }
