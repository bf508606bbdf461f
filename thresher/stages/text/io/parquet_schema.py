# SPDX-License-Identifier: Apache-2.0
"""Bring tables to the one schema that all Parquet files of an output have."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import DataError


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with its columns typed as in ``schema``, where that knows them.

    Readers give every column of a schema, so that a column that is missing here was removed by a
    stage, and one that the schema lacks was added, ``_extra`` by the reader itself; both are left
    so. JSON text is written as plain strings.

    Raises
    ------
    DataError
        If a value does not fit its column's type; the first such value is named.
    """
    columns, fields = [], []
    for field in table.schema:
        column = table.column(field.name)
        if field.name in schema.names:
            field = schema.field(field.name)
            column = _cast(column, field)
        columns.append(column)
        fields.append(field.remove_metadata())
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        return pc.cast(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        value, reason = _first_misfit(column, field.type)
    raise DataError(
        f"column {field.name!r} is {field.type} in this output, which does not hold "
        f"{str(value)[:80]!r}: {reason}",
        todo="the schema was fixed by a sample of the input; let a stage convert the column",
    )


def _first_misfit(column: pa.ChunkedArray, kind: pa.DataType) -> tuple[object, str]:
    """The first value that cannot be cast, and why."""
    for value in column:
        try:
            pc.cast(value, kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            return value.as_py(), str(error)
    return None, "the types are not comparable"
