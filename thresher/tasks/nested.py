# SPDX-License-Identifier: Apache-2.0
"""What is inside lists, structs and maps: the plain values, and arrays laid out around others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.columns import bit_buffer, from_numpy, to_numpy
from thresher.tasks.types import is_list

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

Mask: TypeAlias = "npt.NDArray[np.bool_]"
"""bool[n]: which of the values of a column."""

Path: TypeAlias = "tuple[str | int, ...]"


def is_encoded(kind: pa.DataType) -> bool:
    """Whether a type is an encoding of plain values: a dictionary, or run ends."""
    return bool(pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind))


def decoded(column: pa.Array) -> pa.Array:
    """A column of a dictionary or of run ends as one of plain values."""
    if not pa.types.is_dictionary(column.type):
        return pc.run_end_decode(column)
    if pa.types.is_string_view(column.type.value_type):  # of which Arrow takes nothing
        values = column.dictionary.cast(pa.large_string())
        return pa.DictionaryArray.from_arrays(column.indices, values).dictionary_decode()
    return column.dictionary_decode()


def dictionaries_in(column: pa.Array) -> Iterator[pa.Array]:
    """The values of the dictionaries that a column, or what is inside it, refers to."""
    types = pa.types
    if types.is_dictionary(column.type):
        yield column.dictionary
        yield from dictionaries_in(column.dictionary)
    elif types.is_struct(column.type):
        for inner in column.flatten():
            yield from dictionaries_in(inner)
    elif types.is_map(column.type):
        for inner in entries(column):
            yield from dictionaries_in(inner)
    elif is_list(column.type):
        yield from dictionaries_in(column.flatten())


def chunks_of(column: pa.ChunkedArray) -> list[pa.Array]:
    """The chunks of a column, at least one: of none Arrow makes no column."""
    return column.chunks or [pa.nulls(0, column.type)]


# -- leaves -----------------------------------------------------------------------------------


def leaves(column: Column) -> Iterator[pa.Array]:
    """The arrays of plain values inside a column: of its lists' items and its structs' members."""
    return (leaf for _, leaf in paths(column))


def paths(column: Column, path: Path = ()) -> Iterator[tuple[Path, pa.Array]]:
    """The same with the paths of the leaves; see :func:`thresher.tasks.types.leaf_types`."""
    types = pa.types
    if isinstance(column, pa.ChunkedArray):
        for chunk in column.chunks:
            yield from paths(chunk, path)
    elif types.is_struct(column.type):
        for i, inner in enumerate(column.flatten()):
            yield from paths(inner, (*path, column.type.field(i).name))
    elif types.is_map(column.type):
        for part, inner in enumerate(entries(column), 1):
            yield from paths(inner, (*path, part))
    elif is_list(column.type):
        yield from paths(column.flatten(), (*path, 0))
    elif is_encoded(column.type):
        yield from paths(decoded(column), path)
    else:
        yield path, column


def convert_leaves(column: Column, change: Callable[[pa.Array], pa.Array]) -> Column:
    """The column with the arrays of plain values inside it changed, value for value."""
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([convert_leaves(chunk, change) for chunk in chunks_of(column)])
    types = pa.types
    if is_encoded(column.type):
        return convert_leaves(decoded(column), change)
    if types.is_struct(column.type) and column.type.num_fields:
        children = [convert_leaves(inner, change) for inner in column.flatten()]
        names = [column.type.field(i).name for i in range(len(children))]  # one may come twice
        pairs = zip(names, children, strict=True)
        return struct_of(children, [pa.field(name, child.type) for name, child in pairs], column)
    if types.is_map(column.type):
        return with_entries(column, *(convert_leaves(inner, change) for inner in entries(column)))
    if is_list(column.type):
        return with_items(column, convert_leaves(column.flatten(), change))
    return change(column)


def in_plain_lists(column: Column) -> Column:
    """The column with lists of the plain kind in the place of others, and nothing encoded in it."""
    return convert_leaves(column, lambda leaf: leaf)


def rows_where(column: Column, holds: Callable[[pa.Array], Mask | None]) -> Mask:
    """bool[n]: which values of a column are, or have inside, plain ones for which this ``holds``.

    It is asked for arrays of plain values; None is for none of them.
    """
    if isinstance(column, pa.ChunkedArray):
        return np.concatenate([rows_where(chunk, holds) for chunk in chunks_of(column)])
    types = pa.types
    if types.is_dictionary(column.type):
        marked = rows_where(column.dictionary, holds)
        if not marked.any():
            return np.zeros(len(column), np.bool_)
        indices = to_numpy(pc.fill_null(column.indices, 0))
        return marked[indices] & to_numpy(column.is_valid())
    if is_encoded(column.type):
        return rows_where(decoded(column), holds)
    if types.is_struct(column.type):
        none = np.zeros(len(column), np.bool_)
        return np.logical_or.reduce([none, *(rows_where(c, holds) for c in column.flatten())])
    if types.is_map(column.type):
        inner = [rows_where(each, holds) for each in entries(column)]
        return any_inside(column, inner[0] | inner[1])
    if is_list(column.type):
        return any_inside(column, rows_where(column.flatten(), holds))
    mask = holds(column)
    return np.zeros(len(column), np.bool_) if mask is None else mask


# -- layout -----------------------------------------------------------------------------------


def struct_of(
    children: Sequence[pa.Array], fields: Sequence[pa.Field], like: pa.Array
) -> pa.StructArray:
    """A struct array of these children, null where ``like`` is."""
    mask = like.is_null() if like.null_count else None
    return pa.StructArray.from_arrays(list(children), fields=list(fields), mask=mask)


def lengths_of(column: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: how many items or entries each list or map has; 0 for a null."""
    if pa.types.is_map(column.type):
        offsets = to_numpy(column.offsets).astype(np.int64)
        return np.diff(offsets) * to_numpy(column.is_valid())
    return to_numpy(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)


def any_inside(column: pa.Array, marked: Mask) -> Mask:
    """bool[n]: the lists or maps with a marked one among their items or entries."""
    if not marked.any():
        return np.zeros(len(column), np.bool_)
    stops = np.cumsum(lengths_of(column))
    counts = np.concatenate([np.zeros(1, np.int64), np.cumsum(marked)])
    return counts[stops] > counts[stops - lengths_of(column)]


def with_items(column: pa.Array, items: pa.Array) -> pa.Array:
    """The lists of a list array, with other items in the place of those that it refers to.

    They are laid out anew: Arrow's own casts of sliced list views give other values, and items
    that a slice or a null hides are none of its values.
    """
    return _laid_out(column, pa.large_list(items.type), [items], np.int64)


def with_entries(column: pa.Array, keys: pa.Array, items: pa.Array) -> pa.MapArray:
    """The maps of a map array, with others in the place of their entries, laid out like lists."""
    kind = pa.map_(keys.type, items.type)
    pairs = pa.StructArray.from_arrays(
        [keys, items], fields=[kind.key_field, kind.item_field.with_nullable(True)]
    )
    return _laid_out(column, kind, [pairs], np.int32)


def _laid_out(column: pa.Array, kind: pa.DataType, children: list[pa.Array], width: Any) -> Any:
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths_of(column))])
    nulls = bit_buffer(to_numpy(column.is_valid())) if column.null_count else None
    buffers = [nulls, pa.py_buffer(offsets.astype(width))]
    return pa.Array.from_buffers(kind, len(column), buffers, children=children)


def entries(column: pa.MapArray) -> tuple[pa.Array, pa.Array]:
    """The keys and the items of the maps that are there: none that a slice or a null hides."""
    offsets = to_numpy(column.offsets).astype(np.int64)
    begin, stop = int(offsets[0]) if len(offsets) else 0, int(offsets[-1]) if len(offsets) else 0
    keys, items = (each.slice(begin, stop - begin) for each in (column.keys, column.items))
    spans = np.diff(offsets)
    if not column.null_count or not spans[to_numpy(column.is_null())].any():
        return keys, items
    shown = from_numpy(np.repeat(to_numpy(column.is_valid()), spans))
    return keys.filter(shown), items.filter(shown)


def nullified(column: pa.Array, bad: Mask) -> pa.Array:
    """The column with null in the place of these values."""
    if not bad.any():
        return column
    return column.take(from_numpy(np.arange(len(column)), ~bad))
