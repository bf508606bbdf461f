# SPDX-License-Identifier: Apache-2.0
"""Columns turned into another type, value by value unchanged, or their rows named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.casting import cast_exactly
from thresher.tasks.json_text import from_json, to_json
from thresher.tasks.nested import Mask, chunks_of, paths
from thresher.tasks.showing import shown
from thresher.tasks.text_form import spelled_as
from thresher.tasks.types import (
    EXACT,
    NANOSECONDS_REACH,
    NOTHING,
    ColumnType,
    declared_type,
    is_guessed,
    is_json,
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
        large = frozenset(path for path, leaf in paths(column) if not _are_exact(leaf))
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
    made, bad = _by_chunk(column, lambda chunk: cast_exactly(chunk, after.type))
    if bad.any():
        raise BadRows(_misfits(column, bad, before.name, after.type))
    return made


def convert_as_asked(column: Column, before: pa.Field, after: ColumnType) -> Column:
    """The same for a type that somebody asked for: also plain values as text, and text as numbers.

    Raises
    ------
    BadRows
        If some of the values do not fit.
    """
    if is_json(before) or after.is_json or column.type == after.type:
        return convert(column, before, after)
    spelled, bad = _by_chunk(column, lambda chunk: spelled_as(chunk, after.type))
    if bad.any():
        raise BadRows(_misfits(column, bad, before.name, after.type))
    return convert(spelled, before, after)


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


def _misfits(column: Column, bad: Mask, name: str, kind: pa.DataType) -> dict[int, str]:
    return {
        row: f"column {name!r} is {kind} in this output; {shown(column[row])} does not fit"
        for row in np.flatnonzero(bad).tolist()
    }


def _by_chunk(
    column: Column, change: Callable[[pa.Array], tuple[pa.Array, Mask]]
) -> tuple[Column, Mask]:
    if not isinstance(column, pa.ChunkedArray):
        return change(column)
    made = [change(chunk) for chunk in chunks_of(column)]
    bad = np.concatenate([misfits for _, misfits in made])
    return pa.chunked_array([values for values, _ in made]), bad


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
