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
    ColumnType,
    Types,
    guessed,
    is_asked,
    is_guessed,
    is_json,
    is_list,
    is_prepared,
    is_string,
    json_field,
    leaf_types,
    members,
    merge_columns,
    prepared,
)


def join(batches: Sequence[DocumentBatch]) -> DocumentBatch:
    """All rows as one batch; a column in which types differ gets one that holds all its values."""
    if len(batches) == 1:
        return batches[0]
    tables = [batch.data for batch in batches]
    first = tables[0].schema
    if not all(table.schema.equals(first, check_metadata=True) for table in tables[1:]):
        kinds = [_types_of(table) for table in tables]
        varying = varying_in(kinds)
        tables = [_with_json(table, varying.intersection(table.column_names)) for table in tables]
        columns = merge_columns(map(_types_of, tables) if varying else kinds)
        marks = _Marks(tables)
        tables = [marks.put_on(convert_table(table, columns)) for table in tables]
    parsed = frozenset.union(*(batch._parsed for batch in batches))
    carried = parsed.difference(*(_uncarried(batch) for batch in batches))
    return batches[0].evolve(data=pa.concat_tables(tables), _parsed=parsed, _carried=carried)


class _Marks:
    """What is known of the columns of several tables that are to be joined."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        fields = [field for table in tables for field in table.schema]
        self._typed = {field.name for field in fields if not is_guessed(field)}
        self._there = {field.name for field in fields if not is_prepared(field)}

    def put_on(self, table: pa.Table) -> pa.Table:
        """The table with the fields marked that are so in all tables."""
        return pa.Table.from_arrays(table.columns, schema=pa.schema(map(self._mark, table.schema)))

    def _mark(self, field: pa.Field) -> pa.Field:
        field = field if field.name in self._typed else guessed(field)
        return field if field.name in self._there else prepared(field)


def _uncarried(batch: DocumentBatch) -> set[str]:
    """Columns of a batch that do not hold what was read; those that it lacks do."""
    return {*batch._parsed, *batch.data.column_names} - batch._carried


def _types_of(table: pa.Table) -> Types:
    kinds: Types = {}
    for name, field in zip(table.column_names, table.schema, strict=True):
        column = table.column(name)
        kinds[name] = ColumnType(field.type) if name == RAW else observed_type(column, field)
    return kinds


def varying_in(kinds: Sequence[Types]) -> frozenset[str]:
    """Columns whose values JSONL would have otherwise if they were of one type.

    Times beside other times, and decimals beside others, are of one type all the same: between
    two Steps they could not be told from text.
    """
    forms: dict[str, set[str]] = {}
    for name, kind in (each for types in kinds for each in types.items()):
        if not kind.is_void and name != RAW:
            forms.setdefault(name, set()).add("JSON" if kind.is_json else _form(kind.type))
    merged = merge_columns(kinds)
    return frozenset(
        name
        for name, each in forms.items()
        if len(each) > 1 and (merged[name].is_json or _is_of_json(merged[name].type))
    )


def _form(kind: pa.DataType) -> str:
    """The kind of JSON that values of a type are, which may be in types of several widths."""
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _form(kind.value_type)
    if types.is_struct(kind):
        return f"{{{', '.join(f'{name}: {_form(each)}' for name, each in members(kind).items())}}}"
    if is_list(kind):
        return f"[{_form(kind.value_type)}]"
    kinds = (is_string, "text"), (types.is_integer, "whole"), (types.is_floating, "number")
    return next((form for is_of, form in kinds if is_of(kind)), str(kind))


def _is_of_json(kind: pa.DataType) -> bool:
    return all(
        _form(leaf) in ("text", "whole", "number", "bool", "null") for _, leaf in leaf_types(kind)
    )


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
