# SPDX-License-Identifier: Apache-2.0
"""ParquetReaderStage: reads groups of Parquet files and ranges of their row groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import DataError
from thresher.stages.reading import ReaderStage, ReadReport
from thresher.stages.text.io.jsonl_blocks import verify_unchanged
from thresher.stages.text.io.jsonl_columns import EXTRA, TEXT, json_field
from thresher.stages.text.io.jsonl_encode import encode_rows
from thresher.stages.text.io.reader_options import check_reader_options
from thresher.tasks import ROW, DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import HIDDEN

Self = TypeVar("Self", bound="ParquetReaderStage")

BATCH = 128 * 1024 * 1024
"""Bytes of row groups, uncompressed, that one batch is made of at most (one at least)."""


class ParquetReaderStage(ReaderStage):
    """Reads Parquet.

    Columns that the schema, fixed before, lacks go to the column ``_extra``, as JSON text.

    Parameters
    ----------
    fields : list[str] | None
        Columns to read; None reads all.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system.
    allow_empty : bool
        Whether a group without rows is fine; an error otherwise.
    """

    name = "parquet_reader_stage"
    is_source_stage = True
    _OPTIONS: ClassVar[tuple[str, ...]] = ("storage_options",)

    def __init__(
        self,
        fields: Sequence[str] | None = None,
        read_kwargs: dict[str, Any] | None = None,
        _generate_ids: bool = False,
        _assign_ids: bool = False,
        allow_empty: bool = True,
    ) -> None:
        self.fields = list(fields) if fields is not None else None
        self.read_kwargs = dict(read_kwargs or {})
        self.allow_empty = allow_empty
        check_reader_options(self.name, self.read_kwargs, self._OPTIONS, _generate_ids, _assign_ids)
        self._schema: pa.Schema | None = None
        self._collects = self.fields is None

    def outputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for, where they are known."""
        return [], list(self.fields or [])

    def bind(self: Self, schema: pa.Schema, columns: Sequence[str] | None, carry: bool) -> Self:
        """A copy that reads ``columns`` (None: all of ``schema``) as typed in ``schema``."""
        names = list(columns) if columns is not None else schema.names
        if self.fields is not None:
            names = [name for name in self.fields if name in names]
        wanted = [schema.field(name) for name in names if name in schema.names]
        return self.copy(
            _schema=pa.schema([field for field in wanted if field.name not in HIDDEN]),
            _collects=columns is None and self.fields is None,
        )

    def infer_schema(self, task: FileGroupTask, limit: int) -> pa.Schema:
        """Columns and types of the group's files, from their footers."""
        for piece in task.slices:
            with self._open(piece) as file:
                schema = file.schema_arrow.remove_metadata()
            fields = [field for field in schema if field.name not in HIDDEN]
            return pa.schema(fields)
        return pa.schema([])

    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with ``__row``."""
        schema = self._schema
        if schema is None:
            schema = self.infer_schema(task, 0)
            if self.fields is not None:
                schema = pa.schema([schema.field(n) for n in self.fields if n in schema.names])
        row = 0
        for piece in task.slices:
            with self._open(piece) as file:
                for first, last in _batches(file, piece):
                    report.found += sum(
                        file.metadata.row_group(i).num_rows for i in range(first, last)
                    )
                    table = self._table(file, first, last, schema, piece)
                    numbers = from_numpy(np.arange(row, row + table.num_rows, dtype=np.int64))
                    row += table.num_rows
                    yield DocumentBatch(
                        task.dataset_name,
                        table.add_column(0, ROW, numbers),
                        _metadata=dict(task._metadata),
                    )
            verify_unchanged(piece, self._storage_options)
        if row == 0 and not self.allow_empty:
            raise DataError(
                "there are no rows", where=", ".join(task.data), todo="allow_empty=True"
            )

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """The file of each row; a Parquet row has no line and no byte of its own."""
        places: dict[int, dict[str, Any]] = {}
        first = 0
        for piece in task.slices:
            with self._open(piece) as file:
                groups = range(piece.start, _stop(file, piece))
                n_rows = sum(file.metadata.row_group(i).num_rows for i in groups)
            places |= {r: {"file": piece.path} for r in rows if first <= r < first + n_rows}
            first += n_rows
        return places

    @property
    def _storage_options(self) -> dict[str, Any]:
        return self.read_kwargs.get("storage_options") or {}

    @contextmanager
    def _open(self, piece: FileSlice) -> Iterator[pq.ParquetFile]:
        with (
            _data_errors(piece.path),
            storage.open_arrow(piece.path, self._storage_options) as source,
            pq.ParquetFile(source) as file,
        ):
            yield file

    def _table(
        self, file: pq.ParquetFile, first: int, last: int, schema: pa.Schema, piece: FileSlice
    ) -> pa.Table:
        there = [name for name in file.schema_arrow.names if name not in HIDDEN]
        wanted = there if self._collects else [name for name in there if name in schema.names]
        groups = list(range(first, last))
        table = file.read_row_groups(groups, columns=wanted, use_threads=False)
        others = [name for name in wanted if name not in schema.names]
        found = _conform(table, schema, piece)
        if others and EXTRA not in schema.names:
            lines = encode_rows(table.select(others)).tobytes().decode().splitlines()
            found = found.append_column(json_field(EXTRA), pa.array(lines, TEXT))
        return found


@contextmanager
def _data_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"not a readable Parquet file: {error}",
            where=path,
            todo="mend, replace or remove the file",
        ) from error


def _stop(file: pq.ParquetFile, piece: FileSlice) -> int:
    n_groups = file.metadata.num_row_groups
    return n_groups if piece.stop is None else min(piece.stop, n_groups)


def _batches(file: pq.ParquetFile, piece: FileSlice) -> Iterator[tuple[int, int]]:
    """[first, last) ranges of row groups that are read together."""
    first, filled = piece.start, 0
    stop = _stop(file, piece)
    for i in range(piece.start, stop):
        n_bytes = file.metadata.row_group(i).total_byte_size
        if i > first and filled + n_bytes > BATCH:
            yield first, i
            first, filled = i, 0
        filled += n_bytes
    if first < stop:
        yield first, stop


def _conform(table: pa.Table, schema: pa.Schema, piece: FileSlice) -> pa.Table:
    """The table with exactly the columns and types of ``schema``; missing columns are null."""
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table.column(field.name)
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"column {field.name!r} is {column.type}, not {field.type}: {error}",
                where=piece.path,
                todo="convert the file, or read files of one schema at a time",
            ) from error
    return pa.table(columns, schema=schema) if columns else table.select([])
