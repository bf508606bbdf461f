# SPDX-License-Identifier: Apache-2.0
"""Write batches to one Parquet file, whose schema may have to widen on the way."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import DataError
from thresher.storage import store_for


class ParquetStream:
    """An open Parquet file.

    Parameters
    ----------
    file_path : str
        A new file.
    options : dict
        Options of ``pyarrow.parquet``.
    storage_options : dict | None
        Options of the fsspec file system.
    """

    def __init__(
        self, file_path: str, options: dict[str, Any], storage_options: dict[str, Any] | None
    ) -> None:
        self._file_path = file_path
        self._options = dict(options)
        self._row_group_size = self._options.pop("row_group_size", None)
        self._storage_options = storage_options
        self._file: Any = None
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Append a table; columns that only later ones have are null in the rows before them."""
        if self._writer is None:
            self._open(self._file_path, table.schema)
        elif table.schema != self._writer.schema:
            table = self._agree(table)
        with storage.failures("write", self._file_path):
            self._writer.write_table(table, row_group_size=self._row_group_size)

    def close(self) -> None:
        """Finish the file."""
        with storage.failures("write", self._file_path):
            if self._writer is not None:
                self._writer.close()
                self._file.close()

    def _open(self, path: str, schema: pa.Schema) -> None:
        self._file = storage.open_write(path, self._storage_options)
        sink = pa.PythonFile(self._file, mode="w")
        self._writer = pq.ParquetWriter(sink, schema, **self._options)

    def _agree(self, table: pa.Table) -> pa.Table:
        """The table in the file's schema, which is widened first if it must."""
        schema = self._writer.schema
        try:
            united = pa.unify_schemas([schema, table.schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"the batches of one file have columns of different types: {error}",
                todo="let the stage that makes the column give one type",
            ) from error
        if united != schema:
            self._rewrite(united)
        return in_schema(table, united)

    def _rewrite(self, schema: pa.Schema) -> None:
        """Write what there is again under a wider schema."""
        self.close()
        narrow = f"{self._file_path}.narrow"
        store = store_for(self._file_path, self._storage_options)
        store.replace(self._file_path, narrow)
        self._open(self._file_path, schema)
        with storage.open_arrow(narrow, self._storage_options) as source:
            file = pq.ParquetFile(source)
            for i in range(file.num_row_groups):
                self._writer.write_table(in_schema(file.read_row_group(i), schema))
        store.remove(narrow)


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns and types of a schema that includes its own."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
