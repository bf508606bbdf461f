# SPDX-License-Identifier: Apache-2.0
"""Batches joined to one, and what stages see of columns of JSON."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.tasks.converting import convert_table, observed_type
from thresher.tasks.document import RAW, DocumentBatch
from thresher.tasks.json_text import narrowed
from thresher.tasks.types import ColumnType, Types, is_json, merge_columns


def join(batches: Sequence[DocumentBatch]) -> DocumentBatch:
    """All rows as one batch; a column in which types differ gets one that holds all its values."""
    if len(batches) == 1:
        return batches[0]
    tables = [batch.data for batch in batches]
    first = tables[0].schema
    if not all(table.schema.equals(first, check_metadata=True) for table in tables[1:]):
        columns = merge_columns(map(_types_of, tables))
        tables = [convert_table(table, columns) for table in tables]
    carried = frozenset.intersection(*(batch._carried for batch in batches))
    parsed = frozenset.union(*(batch._parsed for batch in batches))
    return batches[0].evolve(data=pa.concat_tables(tables), _parsed=parsed, _carried=carried)


def _types_of(table: pa.Table) -> Types:
    kinds: Types = {}
    for name, field in zip(table.column_names, table.schema, strict=True):
        column = table.column(name)
        kinds[name] = ColumnType(field.type) if name == RAW else observed_type(column, field)
    return kinds


def table_view(task: DocumentBatch) -> DocumentBatch:
    """The batch as stages of whole tables see it: columns of JSON in the narrowest type.

    Raises
    ------
    BadRows
        For values that no column holds.
    """
    table = task.data
    for index, field in enumerate(table.schema):
        if is_json(field):
            column, mixed = narrowed(table.column(index), field.name)
            if not mixed:
                table = table.set_column(index, pa.field(field.name, column.type), column)
    return task if table is task.data else task.evolve(data=table)
