# SPDX-License-Identifier: Apache-2.0
"""Columns turned into a wider type, value by value unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import bit_buffer, to_numpy
from thresher.tasks.json_text import from_json, to_json
from thresher.tasks.types import (
    EXACT,
    NANOSECONDS_REACH,
    NOTHING,
    ColumnType,
    declared_type,
    is_guessed,
    is_json,
    is_list,
    members,
)

Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def observed_type(column: Column, field: pa.Field) -> ColumnType:
    """The type of a column as far as its values tell."""
    declared = declared_type(field)
    void = column.null_count == len(column)
    if void and is_guessed(field):
        return NOTHING
    large = frozenset[tuple[str | int, ...]]()
    if declared.large and not void:
        large = frozenset(path for path, leaf in _paths(column) if not _are_exact(leaf))
    return ColumnType(declared.type, declared.is_json, void, not large, large, declared.is_asked)


def convert(column: Column, before: pa.Field, after: ColumnType) -> Column:
    """The column with the values of ``before`` as ``after`` holds them.

    Raises
    ------
    BadRows
        If some of the values do not fit.
    """
    if is_json(before) and after.is_json:
        return column
    if column.null_count == len(column):
        return pa.nulls(len(column), after.type)
    if is_json(before):
        return from_json(column, after.type, before.name)
    if after.is_json:
        return to_json(column, before)
    if column.type == after.type:
        return column
    try:
        return _cast(column, after.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise BadRows(_misfits(column, before.name, after.type)) from None


def convert_table(table: pa.Table, columns: dict[str, ColumnType]) -> pa.Table:
    """The table with exactly these columns; those that it lacks are null.

    Raises
    ------
    BadRows
        If some of the values do not fit.
    """
    made, fields = [], []
    for name, kind in columns.items():
        index = table.schema.get_field_index(name)
        if index < 0:
            made.append(pa.nulls(table.num_rows, kind.type))
        else:
            made.append(convert(table.column(index), table.schema.field(index), kind))
        fields.append(kind.to_field(name))
    return pa.Table.from_arrays(made, schema=pa.schema(fields))


def _misfits(column: Column, name: str, kind: pa.DataType) -> dict[int, str]:
    """The values that cannot be cast, by position."""
    found: dict[int, str] = {}
    for position in range(len(column)):
        one = column.slice(position, 1)
        try:
            _cast(one, kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            found[position] = (
                f"column {name!r} is {kind} in this output; {_shown(one)} does not fit"
            )
    return found


def _shown(one: Column) -> str:
    try:
        return repr(one[0].as_py())[:80]
    except (ValueError, OverflowError):  # a date that Python does not have
        return str(one.cast(pa.int64())[0])


# -- casting ----------------------------------------------------------------------------------


def _cast(column: Column, kind: pa.DataType) -> Column:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_cast(chunk, kind) for chunk in column.chunks], kind)
    if column.type == kind:
        return column
    types = pa.types
    if types.is_null(column.type) or column.null_count == len(column):
        return pa.nulls(len(column), kind)
    if types.is_dictionary(column.type) or types.is_run_end_encoded(column.type):
        return _cast(decoded(column), kind)
    if types.is_struct(kind) and types.is_struct(column.type):
        return _cast_struct(column, kind)
    if is_list(kind) and is_list(column.type):
        return _cast_list(column, kind)
    made = pc.cast(column, kind)
    both_floats = types.is_floating(kind) and types.is_floating(column.type)
    if both_floats and pc.any(pc.and_(pc.is_inf(made), pc.is_finite(column))).as_py():
        raise pa.ArrowInvalid(f"a number is beyond {kind}")
    return made


def decoded(column: pa.Array) -> pa.Array:
    """A column of a dictionary or of run ends as one of plain values."""
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    return pc.run_end_decode(column)


def _cast_struct(column: pa.StructArray, kind: pa.DataType) -> pa.StructArray:
    there = list(members(column.type))
    lost = set(there) - set(members(kind))
    if lost:
        raise pa.ArrowInvalid(f"no member {sorted(lost)[0]!r} in {kind}")
    inner = column.flatten()  # what lies under a null is null here
    children = [
        _cast(inner[there.index(name)], each) if name in there else pa.nulls(len(column), each)
        for name, each in members(kind).items()
    ]
    return _struct(children, kind, column)


def _struct(children: Sequence[pa.Array], kind: pa.DataType, like: pa.Array) -> pa.StructArray:
    """A struct array of these children, null where ``like`` is."""
    fields = [kind.field(i) for i in range(kind.num_fields)]
    mask = like.is_null() if like.null_count else None
    return pa.StructArray.from_arrays(list(children), fields=fields, mask=mask)


def _cast_list(column: pa.Array, kind: pa.DataType) -> pa.Array:
    made = _with_items(column, _cast(column.flatten(), kind.value_type))
    return made if made.type == kind else pc.cast(made, kind)


def _with_items(column: pa.Array, items: pa.Array) -> pa.Array:
    """The lists of a list array, with other items in the place of those that it refers to.

    They are laid out anew: Arrow's own casts of sliced list views give other values, and items
    that a slice or a null hides are none of its values.
    """
    lengths = to_numpy(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    nulls = None
    if column.null_count:
        nulls = bit_buffer(to_numpy(column.is_valid()))
    return pa.Array.from_buffers(
        pa.large_list(items.type), len(column), [nulls, pa.py_buffer(offsets)], children=[items]
    )


# -- leaves -----------------------------------------------------------------------------------


def leaves(column: Column) -> Iterator[pa.Array]:
    """The arrays of plain values inside a column: of its lists' items and its structs' members."""
    return (leaf for _, leaf in _paths(column))


def _paths(
    column: Column, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], pa.Array]]:
    """The same with the paths of the leaves; see :func:`thresher.tasks.types.leaf_types`."""
    types = pa.types
    if isinstance(column, pa.ChunkedArray):
        for chunk in column.chunks:
            yield from _paths(chunk, path)
    elif types.is_struct(column.type):
        for i, inner in enumerate(column.flatten()):
            yield from _paths(inner, (*path, column.type.field(i).name))
    elif types.is_map(column.type):
        begin = column.offsets[0].as_py() if len(column) else 0
        stop = column.offsets[-1].as_py() if len(column) else 0
        keys, items = (each.slice(begin, stop - begin) for each in (column.keys, column.items))
        yield from _paths(keys, (*path, 1))
        yield from _paths(items, (*path, 2))
    elif is_list(column.type):
        yield from _paths(column.flatten(), (*path, 0))
    elif types.is_dictionary(column.type) or types.is_run_end_encoded(column.type):
        yield from _paths(decoded(column), path)
    else:
        yield path, column


def convert_leaves(column: Column, change: Callable[[pa.Array], pa.Array]) -> Column:
    """The column with the arrays of plain values inside it changed, value for value."""
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([convert_leaves(chunk, change) for chunk in column.chunks])
    types = pa.types
    if types.is_dictionary(column.type) or types.is_run_end_encoded(column.type):
        return convert_leaves(decoded(column), change)
    if types.is_struct(column.type) and column.type.num_fields:
        names = list(members(column.type))
        children = [convert_leaves(inner, change) for inner in column.flatten()]
        pairs = [(name, child.type) for name, child in zip(names, children, strict=True)]
        return _struct(children, pa.struct(pairs), column)
    if types.is_map(column.type):
        entries = [convert_leaves(inner, change) for inner in (column.keys, column.items)]
        offsets, valid = column.offsets, column.is_valid()
        if column.null_count:
            offsets = pc.if_else(pa.concat_arrays([valid, pa.array([True])]), offsets, None)
        return pa.MapArray.from_arrays(offsets, *entries)
    if is_list(column.type):
        return _with_items(column, convert_leaves(column.flatten(), change))
    return change(column)


def _are_exact(column: pa.Array) -> bool:
    types = pa.types
    if types.is_timestamp(column.type) or types.is_duration(column.type):
        reach = NANOSECONDS_REACH.get(column.type.unit, 2**63)
        bounds: Any = pc.min_max(column.cast(pa.int64())).as_py()
        return bounds["min"] is None or (bounds["min"] >= -reach and bounds["max"] <= reach)
    if not (types.is_integer(column.type) or types.is_decimal(column.type)):
        return True
    if pa.types.is_decimal(column.type) and column.type.scale:
        return False
    bounds = pc.min_max(column).as_py()
    low, high = bounds["min"], bounds["max"]
    return low is None or (low >= -EXACT and high <= EXACT)
