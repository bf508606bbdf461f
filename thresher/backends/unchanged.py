# SPDX-License-Identifier: Apache-2.0
"""What a stage of whole tables left as it was: columns, and cells, take their old form again.

A stage that goes by way of a frame gives other types back: whole numbers beside nulls become
floats, large ones are rounded, NaN becomes null, strings, lists and times change their layout.
None of this is what the stage was asked to do.
"""

from __future__ import annotations

import json
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import StageError
from thresher.tasks import HIDDEN
from thresher.tasks.casting import cast_exactly
from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.json_numbers import negative_zeros
from thresher.tasks.json_text import are_alike
from thresher.tasks.json_written import column_of
from thresher.tasks.nested import convert_leaves, leaves
from thresher.tasks.types import (
    JSON_TEXT,
    is_json,
    is_list,
    is_string,
    is_text,
    json_field,
    leaf_types,
    members,
    merge_types,
    zone_of,
)

Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def restored(
    data: pa.Table, source: pa.Table, shown: pa.Table, had_null: frozenset[str]
) -> tuple[pa.Table, frozenset[str]]:
    """A stage's table with all that it did not change as it was, and the columns so.

    Parameters
    ----------
    data : pyarrow.Table
        What the stage gave.
    source, shown : pyarrow.Table
        The same rows as they were, and as the stage was shown them.
    had_null : frozenset[str]
        Columns in which the stage was shown a null, in any row: frames widen all of them.
    """
    unchanged = set()
    for index, name in enumerate(data.column_names):
        at = source.schema.get_field_index(name)
        if at < 0 or name in HIDDEN:
            continue
        field, before, after = source.schema.field(at), shown.column(name), data.column(index)
        if _is_unchanged(before, after, name in had_null):
            unchanged.add(name)
            data = data.set_column(index, field, source.column(at))
        elif is_json(shown.schema.field(name)) and is_string(after.type):
            data = data.set_column(index, field, requoted(before, after))
        elif _frame_makes(before.type, after.type, name in had_null):
            cells, is_of_json = _cells(before, after, name)
            made = json_field(name) if is_of_json else pa.field(name, cells.type)
            data = data.set_column(index, made, cells)
    return data, frozenset(unchanged)


def without_replaced(data: pa.Table, shown: pa.Table) -> pa.Table:
    """A stage's table without columns of nulls to which the stage has added one of that name.

    Readers make columns that a later stage names, for records that lack them; a stage that makes
    the column itself need not know.

    Raises
    ------
    StageError
        If two other columns have one name.
    """
    names = data.column_names
    twice = {name for name in names if names.count(name) > 1}
    if not twice:
        return data
    empty = {
        name
        for name in twice.intersection(shown.column_names)
        if names.count(name) == 2 and shown.column(name).null_count == shown.num_rows
    }
    if wrong := sorted(twice - empty):
        raise StageError(
            f"gives two columns of the name {wrong[0]!r}",
            todo="replace the column (set_column, with_column), or name the new one otherwise",
        )
    kept = [at for at, name in enumerate(names) if name not in empty or name in names[:at]]
    return data.select(kept)


def requoted(before: Column | None, after: Column) -> pa.Array:
    """large_string[n] of JSON: a column shown as JSON text, which a stage gave back as strings.

    What it changed is JSON where it reads as that, and text otherwise.
    """
    texts: list[str | None] = after.to_pylist()
    old: list[str | None] = [None] * len(texts) if before is None else before.to_pylist()
    made = [
        new if new is None or new == was or _reads_as_json(new) else _quoted(new)
        for new, was in zip(texts, old, strict=True)
    ]
    return pa.array(made, JSON_TEXT)


def json_again(data: pa.Table, shown: pa.Table) -> pa.Table:
    """A stage's table whose rows cannot be told apart: columns shown as JSON are JSON."""
    for index, field in enumerate(data.schema):
        at = shown.schema.get_field_index(field.name)
        if at >= 0 and is_json(shown.schema.field(at)) and (is_text(field) or is_json(field)):
            column = requoted(None, data.column(index))
            data = data.set_column(index, shown.schema.field(at), column)
    return data


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# -- comparing --------------------------------------------------------------------------------


def _is_unchanged(before: Column, after: Column, had_null: bool) -> bool:
    if before.equals(after):
        return _has_same_zeros(before, after)
    if after.null_count == len(after) or before.null_count == len(before):
        # Frames have no type for what they know nothing of; any other is one that a stage chose.
        kept = before.type == after.type or pa.types.is_null(after.type)
        is_made = kept or _frame_makes(before.type, after.type, had_null)
        return is_made and _nulls(before) == after.null_count == len(after)
    if not _frame_makes(before.type, after.type, had_null):
        return False
    if before.type == after.type and pa.types.is_nested(before.type):
        n_nulls = [sum(leaf.null_count for leaf in leaves(each)) for each in (before, after)]
        if n_nulls[0] == n_nulls[1]:  # no NaN has become null
            return False
    return bool(_equal_cells(before, after).all())


def _has_same_zeros(before: Column, after: Column) -> bool:
    """Whether zeros have the same signs in columns that Arrow finds equal."""
    if before is after or not any(
        pa.types.is_floating(leaf) for _, leaf in leaf_types(before.type)
    ):
        return True
    pairs = zip(leaves(_whole(before)), leaves(_whole(after)), strict=True)
    return all(
        np.array_equal(negative_zeros(old), negative_zeros(new))
        for old, new in pairs
        if pa.types.is_floating(old.type)
    )


def _nulls(column: Column) -> int:
    """How many values are null or NaN."""
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    n_nan = pc.sum(pc.is_nan(column)).as_py() if pa.types.is_floating(column.type) else 0
    return int(column.null_count) + int(n_nan or 0)


def _cells(before: Column, after: Column, name: str) -> tuple[Column, bool]:
    """A changed column, and whether it is one of JSON: cells that did not change are as they were.

    In their old type, if it holds all; whole numbers keep theirs beside others, too.
    """
    if pa.types.is_nested(before.type):
        return after, False
    same = _equal_cells(before, after)
    changed, bad = cast_exactly(_whole(after), before.type)
    if not pa.types.is_integer(before.type):
        kept = pc.if_else(from_numpy(same), before, changed)
        return (after if bad.any() else kept), False
    if not (bad | negative_zeros(after)).any():
        return pc.if_else(from_numpy(same), before, changed), False
    pairs = zip(same.tolist(), before.to_pylist(), after.to_pylist(), strict=True)
    return column_of([old if is_same else new for is_same, old, new in pairs], name)


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _equal_cells(before: Column, after: Column) -> npt.NDArray[np.bool_]:
    """bool[n]: which cells a frame may have made of what was there."""
    types = pa.types
    if types.is_nested(before.type):
        before, after = (convert_leaves(each, _in_numbers) for each in (before, after))
        pairs = zip(before.to_pylist(), after.to_pylist(), strict=True)
        return np.array([are_alike(old, new, rounds=True) for old, new in pairs], np.bool_)
    if types.is_float16(before.type):  # for which Arrow computes little
        before, after = before.cast(pa.float32()), after.cast(pa.float32())
    if types.is_floating(before.type):
        before = pc.if_else(pc.is_nan(before), None, before)
        after = pc.if_else(pc.is_nan(after), None, after)
    if types.is_integer(before.type):
        before = pc.cast(before, after.type, safe=False)
    elif before.type == pa.time64("ns") and after.type == pa.time64("us"):
        before = before.cast(after.type, safe=False)
    elif before.type != after.type:
        kind = merge_types(before.type, after.type, frozenset())
        before, after = before.cast(kind), after.cast(kind)
    equal = pc.if_else(before.is_null(), after.is_null(), pc.equal(before, after))
    same = to_numpy(pc.fill_null(equal, False))
    if types.is_floating(before.type):
        return same & (negative_zeros(before) == negative_zeros(after))
    return same


def _in_numbers(leaf: pa.Array) -> pa.Array:
    """Times that frames make whole numbers of where they are inside lists and structs."""
    return leaf.cast(pa.int64()) if _becomes_number(leaf.type) else leaf


def _becomes_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool((types.is_timestamp(kind) or types.is_duration(kind)) and kind.unit == "ns")


def _frame_makes(before: pa.DataType, after: pa.DataType, had_null: bool) -> bool:
    """Whether a frame gives back ``after`` for ``before`` by itself.

    Any other type is one that the stage chose.
    """
    types = pa.types
    if before == after:
        return bool(types.is_floating(before) or types.is_nested(before))
    if types.is_integer(before):
        return had_null and types.is_float64(after)
    if types.is_floating(before) or types.is_boolean(before) or types.is_null(before):
        return False
    if types.is_nested(before) and types.is_nested(after):
        return _frame_nests(before, after)
    return _is_wider(before, after)


def _is_wider(before: pa.DataType, after: pa.DataType) -> bool:
    """Whether two types have the same values; no frame encodes any, nor moves times to a zone."""
    types = pa.types
    if types.is_dictionary(after) and not types.is_dictionary(before):
        return False
    if types.is_timestamp(before) and types.is_timestamp(after):
        return zone_of(before) == zone_of(after)
    return merge_types(before, after, frozenset()) is not None


def _frame_nests(before: pa.DataType, after: pa.DataType) -> bool:
    types = pa.types
    if before == after or types.is_null(before) or types.is_null(after):
        return True
    if types.is_struct(before) and types.is_struct(after):
        ours, theirs = members(before), members(after)
        return set(ours) == set(theirs) and all(_frame_nests(ours[k], theirs[k]) for k in ours)
    if is_list(before) and is_list(after):
        return _frame_nests(before.value_type, after.value_type)
    if types.is_integer(before) or _becomes_number(before):
        return bool(types.is_float64(after) or types.is_int64(after))
    if types.is_floating(before):
        return bool(types.is_float64(after) and not types.is_float64(before))
    return _is_wider(before, after)
