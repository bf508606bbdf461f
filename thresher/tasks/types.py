# SPDX-License-Identifier: Apache-2.0
"""Types of columns: what values a column holds, and the narrowest type that holds two columns."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

JSON_MARK = b"thresher:json"
"""Field metadata: the column's strings are JSON values, not text."""

_VOID, _LARGE, _GUESSED = b"thresher:void", b"thresher:large", b"thresher:guessed"
_ASKED, _PREPARED = b"thresher:asked", b"thresher:prepared"

JSON_TEXT = pa.large_string()

EXACT = 2**53
"""Every whole number up to this magnitude is a float64 exactly (IEEE 754)."""

NANOSECONDS_REACH = {"s": 9_223_372_036, "ms": 9_223_372_036_854, "us": 9_223_372_036_854_775}
"""The largest number of each unit that nanoseconds reach as well."""

MAX_MEMBERS = 1024
"""Members of a struct beyond which its objects are kept as JSON: their keys are data, not names."""

_UTC = frozenset(("UTC", "+00:00", "Etc/UTC", "Z", "utc"))


Paths = frozenset[tuple[str | int, ...]]
"""Leaves of a type: the names of members on the way, 0 for the items of lists, 1 and 2 for the keys
and items of maps."""


@dataclass(frozen=True)
class ColumnType:
    """What is known of a column's values.

    Parameters
    ----------
    type : pyarrow.DataType
        ``large_string`` where the values are JSON text.
    is_json : bool
        Whether the strings are JSON values: the values have no common type.
    is_void : bool
        Whether all values are null: the type then is a preference that any value overrides.
    is_exact : bool
        Whether all whole numbers in the column, also inside lists and structs, lie within ±2**53,
        and all times within the reach of nanoseconds.
    large : frozenset[tuple[str | int, ...]]
        Where in the type others may be: paths of its leaves. All that are not known to be exact by
        their type, where ``is_exact`` does not hold and nothing is said.
    is_asked : bool
        Whether somebody asked for JSON text: it stays so even where the values have one type.
    """

    type: pa.DataType
    is_json: bool = False
    is_void: bool = False
    is_exact: bool = True
    large: Paths = frozenset()
    is_asked: bool = False

    def __post_init__(self) -> None:
        if pa.types.is_nested(self.type):
            object.__setattr__(self, "type", nullable(self.type))
        large: Paths = frozenset()
        if not (self.is_exact or self.is_json or self.is_void):
            large = self.large or long_paths(self.type)
        object.__setattr__(self, "large", large)
        object.__setattr__(self, "is_exact", not large)

    def merge(self, other: ColumnType) -> ColumnType:
        """The type that holds the values of both: commutative, associative, and JSON at the worst.

        A null says nothing about a type, so a void column gives way to one with values.
        """
        if self.is_void != other.is_void:
            return other if self.is_void else self
        void = self.is_void and other.is_void
        large = self.large | other.large
        merged = None
        if not self.is_json and not other.is_json:
            merged = merge_types(self.type, other.type, large)
        if merged is None:
            return ColumnType(JSON_TEXT, True, void, is_asked=self.is_asked or other.is_asked)
        return ColumnType(merged, False, void, not large, large)

    def to_field(self, name: str) -> pa.Field:
        """The field of a table; marks for JSON are its only metadata."""
        return json_field(name, self.is_asked) if self.is_json else pa.field(name, self.type)

    def __str__(self) -> str:
        return "JSON" if self.is_json else str(self.type)


NOTHING = ColumnType(pa.null(), is_void=True)
"""A column of which no value is known."""

JSON = ColumnType(JSON_TEXT, is_json=True)
"""A column whose values are JSON text."""

ASKED_JSON = ColumnType(JSON_TEXT, is_json=True, is_asked=True)
"""A column that somebody asked to be JSON text."""


def json_field(name: str, is_asked: bool = False) -> pa.Field:
    """A field whose values are JSON text, whatever they are if somebody ``is_asked`` for it."""
    marks = {JSON_MARK: b"1", _ASKED: b"1"} if is_asked else {JSON_MARK: b"1"}
    return pa.field(name, JSON_TEXT, metadata=marks)


def is_json(field: pa.Field) -> bool:
    """Whether a field's values are JSON text."""
    return bool(field.metadata) and field.metadata.get(JSON_MARK) == b"1"


def is_asked(field: pa.Field) -> bool:
    """Whether somebody asked for a field's values to be JSON text."""
    return is_json(field) and field.metadata.get(_ASKED) == b"1"


def guessed(field: pa.Field) -> pa.Field:
    """The field of a column whose type only its values tell: without any it says nothing."""
    return field.with_metadata({**(field.metadata or {}), _GUESSED: b"1"})


def is_guessed(field: pa.Field) -> bool:
    """Whether only its values tell a field's type."""
    return bool(field.metadata) and field.metadata.get(_GUESSED) == b"1"


def prepared(field: pa.Field) -> pa.Field:
    """The field of a column of nulls that no record has: stages of tables are to find it."""
    return field.with_metadata({**(field.metadata or {}), _PREPARED: b"1"})


def is_prepared(field: pa.Field) -> bool:
    """Whether a reader has made a field's column of nulls."""
    return bool(field.metadata) and field.metadata.get(_PREPARED) == b"1"


def is_string(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's types of strings."""
    types = pa.types
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def is_text(field: pa.Field) -> bool:
    """Whether a field's values are strings that are text."""
    return not is_json(field) and is_string(field.type)


def declared_type(field: pa.Field) -> ColumnType:
    """The type of a field whose values are not known."""
    if is_json(field):
        return ASKED_JSON if is_asked(field) else JSON
    large = long_paths(field.type)
    return ColumnType(field.type, False, pa.types.is_null(field.type), not large, large)


# -- schemas ----------------------------------------------------------------------------------


Types = dict[str, ColumnType]
"""Columns by name, in order."""


def merge_columns(columns: Iterable[Types]) -> Types:
    """The columns of all, each with the type that holds all its values."""
    merged: Types = {}
    for each in columns:
        for name, kind in each.items():
            known = merged.get(name)
            merged[name] = kind if known is None else known.merge(kind)
    return merged


def to_schema(columns: Types) -> pa.Schema:
    """The schema of a table with these columns."""
    return pa.schema([kind.to_field(name) for name, kind in columns.items()])


def encode(columns: Types) -> str:
    """The columns as ASCII text, for ledger records."""
    fields = []
    for name, kind in columns.items():
        field = kind.to_field(name)
        metadata = dict(field.metadata or {})
        if kind.is_void:
            metadata[_VOID] = b"1"
        if kind.large:
            metadata[_LARGE] = json.dumps(sorted(map(list, kind.large), key=str)).encode()
        fields.append(field.with_metadata(metadata or None))
    return base64.b85encode(zlib.compress(pa.schema(fields).serialize().to_pybytes())).decode()


def decode(text: str) -> Types:
    """The inverse of :func:`encode`."""
    schema = pa.ipc.read_schema(pa.py_buffer(zlib.decompress(base64.b85decode(text))))
    columns: Types = {}
    for field in schema:
        marks = field.metadata or {}
        large = frozenset(map(tuple, json.loads(marks.get(_LARGE, b"[]"))))
        columns[field.name] = ColumnType(
            field.type, is_json(field), _VOID in marks, not large, large
        )
    return columns


def in_order(names: Iterable[str], first: Sequence[str], last: Sequence[str] = ()) -> list[str]:
    """Column names in the order of files: those of ``first``, then the others, then ``last``.

    The others are sorted, so that the order does not depend on which of them was met first.
    """
    there = set(names)
    begin = [name for name in dict.fromkeys(first) if name in there]
    end = [name for name in dict.fromkeys(last) if name in there.difference(begin)]
    return [*begin, *sorted(there.difference(begin, end)), *end]


# -- merging ----------------------------------------------------------------------------------


def merge_types(
    left: pa.DataType, right: pa.DataType, large: Paths | None = None
) -> pa.DataType | None:
    """The narrowest type that holds all values of both types unchanged; None if there is none.

    ``large`` are the leaves with whole numbers that may not be exact as float64, or times that may
    be beyond the reach of nanoseconds; all that the types allow if not given.
    """
    if left == right:
        return left
    merged = _merged(left, right, long_paths(left) | long_paths(right) if large is None else large)
    return None if merged is not None and len(_names_in(merged)) > MAX_MEMBERS else merged


def _names_in(kind: pa.DataType) -> set[str]:
    names = set(members(kind)) if pa.types.is_struct(kind) else set()
    return names.union(*map(_names_in, inner_types(kind)))


def _merged(
    left: pa.DataType, right: pa.DataType, large: Paths, path: tuple[str | int, ...] = ()
) -> pa.DataType | None:
    if left == right:
        return left
    if pa.types.is_null(left) or pa.types.is_null(right):
        return right if pa.types.is_null(left) else left
    left, right = _plain(left), _plain(right)
    if left == right:
        return left
    exact = path not in large
    for merge in (_numbers, _strings, _times):
        merged = merge(left, right, exact)
        if merged is not None:
            return merged
    for merge_inner in (_lists, _structs, _maps):
        merged = merge_inner(left, right, large, path)
        if merged is not None:
            return merged
    return None


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without an encoding: dictionaries and run ends stand for their values."""
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    return kind


def _numbers(left: pa.DataType, right: pa.DataType, exact: bool) -> pa.DataType | None:
    types = pa.types
    if types.is_integer(left) and types.is_integer(right):
        return _integers(left, right)
    if types.is_floating(left) and types.is_floating(right):
        return left if left.bit_width > right.bit_width else right
    if types.is_decimal(left) and types.is_decimal(right):
        return _decimals(left, right)
    if types.is_integer(left) or types.is_integer(right):
        whole, other = (left, right) if types.is_integer(left) else (right, left)
        if types.is_floating(other):
            return pa.float64() if exact or whole.bit_width < 64 else None
        if types.is_decimal(other):
            # As many digits for all widths, so that merging does not depend on grouping.
            digits = 20 if whole == pa.uint64() else 19
            return _decimals(pa.decimal128(digits, 0), other)
    if exact and types.is_decimal(left) and left.scale == 0 and types.is_floating(right):
        return pa.float64()
    if exact and types.is_decimal(right) and right.scale == 0 and types.is_floating(left):
        return pa.float64()
    return None


def _integers(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    signed = pa.types.is_signed_integer
    if signed(left) == signed(right):
        return left if left.bit_width > right.bit_width else right
    positive, other = (right, left) if signed(left) else (left, right)
    bits = max(2 * positive.bit_width, other.bit_width)
    by_width = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    return by_width.get(bits, pa.decimal128(20, 0))


def _decimals(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    scale = max(left.scale, right.scale)
    precision = max(left.precision - left.scale, right.precision - right.scale) + scale
    if precision > 76:
        return None
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _strings(left: pa.DataType, right: pa.DataType, exact: bool) -> pa.DataType | None:
    if is_string(left) and is_string(right):
        return pa.large_string()
    if is_bytes(left) and is_bytes(right):
        return pa.large_binary()
    return None


def is_bytes(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's types of bytes."""
    types = pa.types
    return (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _times(left: pa.DataType, right: pa.DataType, exact: bool) -> pa.DataType | None:
    types = pa.types
    if types.is_date(left) and types.is_date(right):
        return pa.date32()
    if types.is_time(left) and types.is_time(right):
        unit = _finer(left.unit, right.unit)
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    if types.is_duration(left) and types.is_duration(right):
        unit = _common(left.unit, right.unit, exact)
        return pa.duration(unit) if unit else None
    if types.is_timestamp(left) and types.is_timestamp(right):
        unit = _common(left.unit, right.unit, exact)
        ours, theirs = zone_of(left), zone_of(right)
        if unit and bool(ours) == bool(theirs):
            return pa.timestamp(unit, ours if ours == theirs else "UTC")
    return None


def zone_of(kind: pa.TimestampType) -> str | None:
    """The zone that timestamps are shown in, by one name if it is UTC."""
    return "UTC" if kind.tz in _UTC else kind.tz


def _common(left: str, right: str, exact: bool) -> str:
    """The finer unit; none where that is nanoseconds, which do not reach as far as the others."""
    unit = _finer(left, right)
    return unit if exact or unit != "ns" or left == right else ""


def _finer(left: str, right: str) -> str:
    units = ("s", "ms", "us", "ns")
    return units[max(units.index(left), units.index(right))]


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's types of lists."""
    types = pa.types
    return (
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _lists(
    left: pa.DataType, right: pa.DataType, large: Paths, path: tuple[str | int, ...]
) -> pa.DataType | None:
    if not is_list(left) or not is_list(right):
        return None
    inner = _merged(left.value_type, right.value_type, large, (*path, 0))
    if inner is None:
        return None
    types = pa.types
    fixed = types.is_fixed_size_list(left) and types.is_fixed_size_list(right)
    if fixed and left.list_size == right.list_size:
        return pa.list_(inner, left.list_size)
    if types.is_list(left) and types.is_list(right):
        return pa.list_(inner)
    return pa.large_list(inner)


def _structs(
    left: pa.DataType, right: pa.DataType, large: Paths, path: tuple[str | int, ...]
) -> pa.DataType | None:
    if not (pa.types.is_struct(left) and pa.types.is_struct(right)):
        return None
    ours, theirs = members(left), members(right)
    if len(ours) < left.num_fields or len(theirs) < right.num_fields:  # a name comes twice
        return None
    names = list(ours) if list(ours) == list(theirs) else sorted({*ours, *theirs})
    merged: list[tuple[str, pa.DataType]] = []
    for name in names:
        inner = ours.get(name, pa.null()), theirs.get(name, pa.null())
        kind = _merged(*inner, large, (*path, name))
        if kind is None:
            return None
        merged.append((name, kind))
    return pa.struct(merged)


def _maps(
    left: pa.DataType, right: pa.DataType, large: Paths, path: tuple[str | int, ...]
) -> pa.DataType | None:
    if not (pa.types.is_map(left) and pa.types.is_map(right)):
        return None
    key = _merged(left.key_type, right.key_type, large, (*path, 1))
    item = _merged(left.item_type, right.item_type, large, (*path, 2))
    return None if key is None or item is None else pa.map_(key, item)


def members(kind: pa.DataType) -> dict[str, pa.DataType]:
    """The members of a struct, by name."""
    return {field.name: field.type for field in (kind.field(i) for i in range(kind.num_fields))}


# -- what is inside ---------------------------------------------------------------------------


def leaf_types(
    kind: pa.DataType, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], pa.DataType]]:
    """The types of plain values in a type, with their paths, in the order of Parquet's columns."""
    types = pa.types
    if types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from leaf_types(kind.field(i).type, (*path, kind.field(i).name))
    elif types.is_map(kind):
        yield from leaf_types(kind.key_type, (*path, 1))
        yield from leaf_types(kind.item_type, (*path, 2))
    elif is_list(kind):
        yield from leaf_types(kind.value_type, (*path, 0))
    elif types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        yield from leaf_types(kind.value_type, path)
    else:
        yield path, kind


def long_paths(kind: pa.DataType) -> Paths:
    """The leaves of a type that may hold large whole numbers, or times far away."""
    return frozenset(path for path, leaf in leaf_types(kind) if _is_long(leaf))


def inner_types(kind: pa.DataType) -> list[pa.DataType]:
    """The types that a type is made of; empty for a type without parts."""
    types = pa.types
    if types.is_struct(kind):
        return list(members(kind).values())
    if types.is_map(kind):
        return [kind.key_type, kind.item_type]
    if is_list(kind) or types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return [kind.value_type]
    return []


def nullable(kind: pa.DataType) -> pa.DataType:
    """The type without ``not null`` inside: records of other files may lack what is there."""
    return with_leaves(kind, lambda leaf: leaf)


def with_leaves(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """The type with its plain types changed, and without ``not null`` inside."""
    types = pa.types
    if types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return pa.struct(
            [pa.field(field.name, with_leaves(field.type, change)) for field in fields]
        )
    if types.is_map(kind):
        inner = [with_leaves(each, change) for each in (kind.key_type, kind.item_type)]
        return pa.map_(*inner, kind.keys_sorted)
    if not is_list(kind):
        return change(kind)
    items = with_leaves(kind.value_type, change)
    if types.is_fixed_size_list(kind):
        return pa.list_(items, kind.list_size)
    make = {
        types.is_list: pa.list_, types.is_large_list: pa.large_list,
        types.is_list_view: pa.list_view, types.is_large_list_view: pa.large_list_view,
    }  # fmt: skip
    return next(make for test, make in make.items() if test(kind))(items)


def names_member_twice(kind: pa.DataType) -> bool:
    """Whether a struct in a type has two members of one name."""
    is_struct = pa.types.is_struct(kind)
    if is_struct and len(members(kind)) < kind.num_fields:
        return True
    return any(map(names_member_twice, inner_types(kind)))


def _is_long(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_timestamp(kind) or types.is_duration(kind):
        return bool(kind.unit != "ns")
    return types.is_decimal(kind) or (types.is_integer(kind) and kind.bit_width == 64)


def as_void(kind: ColumnType) -> ColumnType:
    """The same type as a preference: no value of the column is known."""
    return ColumnType(kind.type, kind.is_json, True)


def sorted_members(kind: pa.DataType) -> pa.DataType:
    """The type with the members of every struct in it sorted by name."""
    types = pa.types
    if types.is_struct(kind):
        inner = [(name, sorted_members(each)) for name, each in members(kind).items()]
        return pa.struct(sorted(inner, key=lambda member: member[0]))
    if types.is_list(kind):
        return pa.list_(sorted_members(kind.value_type))
    return kind
