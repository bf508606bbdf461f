# SPDX-License-Identifier: Apache-2.0
"""Batches joined to one, and what stages see of columns of JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from thresher.tasks.converting import convert_table, observed_type
from thresher.tasks.document import RAW, DocumentBatch
from thresher.tasks.json_text import narrowed
from thresher.tasks.json_written import as_json_column
from thresher.tasks.types import (
    JSON_TEXT,
    ColumnType,
    Types,
    is_asked,
    is_json,
    is_string,
    json_field,
    leaf_types,
    merge_columns,
)


def join(batches: Sequence[DocumentBatch]) -> DocumentBatch:
    """All rows as one batch; a column in which types differ gets one that holds all its values."""
    if len(batches) == 1:
        return batches[0]
    tables = [batch.data for batch in batches]
    first = tables[0].schema
    if not all(table.schema.equals(first, check_metadata=True) for table in tables[1:]):
        kinds = [_types_of(table) for table in tables]
        varying = _varying(kinds)
        tables = [_with_json(table, varying.intersection(table.column_names)) for table in tables]
        columns = merge_columns(map(_types_of, tables) if varying else kinds)
        tables = [convert_table(table, columns) for table in tables]
    parsed = frozenset.union(*(batch._parsed for batch in batches))
    carried = parsed.difference(*(_uncarried(batch) for batch in batches))
    return batches[0].evolve(data=pa.concat_tables(tables), _parsed=parsed, _carried=carried)


def _uncarried(batch: DocumentBatch) -> set[str]:
    """Columns of a batch that do not hold what was read; those that it lacks do."""
    return {*batch._parsed, *batch.data.column_names} - batch._carried


def _types_of(table: pa.Table) -> Types:
    kinds: Types = {}
    for name, field in zip(table.column_names, table.schema, strict=True):
        column = table.column(name)
        kinds[name] = ColumnType(field.type) if name == RAW else observed_type(column, field)
    return kinds


def _varying(kinds: Sequence[Types]) -> set[str]:
    """Columns whose values JSONL would have otherwise if they were of one type."""
    forms: dict[str, set[str]] = {}
    for name, kind in (each for types in kinds for each in types.items()):
        if not kind.is_void and name != RAW:
            form = JSON_TEXT if is_string(kind.type) and not kind.is_json else kind.type
            forms.setdefault(name, set()).add("JSON" if kind.is_json else str(form))
    merged = merge_columns(kinds)
    return {
        name
        for name, each in forms.items()
        if len(each) > 1 and (merged[name].is_json or _is_of_json(merged[name].type))
    }


def _is_of_json(kind: pa.DataType) -> bool:
    types = pa.types
    return all(
        types.is_integer(leaf) or types.is_floating(leaf) or types.is_boolean(leaf)
        or types.is_null(leaf) or is_string(leaf)
        for _, leaf in leaf_types(kind)
    )  # fmt: skip


def _with_json(table: pa.Table, names: Collection[str]) -> pa.Table:
    """The table with columns as JSON text."""
    for name in names:
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        if not is_json(field):
            values = as_json_column(table.column(index), field)
            table = table.set_column(index, json_field(name), values)
    return table


def table_view(task: DocumentBatch) -> DocumentBatch:
    """The batch as stages of whole tables see it: columns of JSON in the narrowest type.

    Raises
    ------
    BadRows
        For values that no column holds.
    """
    table = task.data
    for index, field in enumerate(table.schema):
        if is_json(field) and not is_asked(field):
            column, mixed = narrowed(table.column(index), field.name)
            if not mixed:
                table = table.set_column(index, pa.field(field.name, column.type), column)
    return task if table is task.data else task.evolve(data=table)
