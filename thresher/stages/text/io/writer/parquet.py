# SPDX-License-Identifier: Apache-2.0
"""ParquetWriter: writes documents as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.stages.text.io.parquet_schema import conform
from thresher.stages.text.io.parquet_stream import ParquetStream
from thresher.stages.text.io.writer_options import check_writer_options, chosen_columns
from thresher.stages.writing import BaseWriter, WriteStream
from thresher.tasks import DocumentBatch


class ParquetWriter(BaseWriter):
    """Writes Parquet.

    In a pipeline the schema is fixed when it is planned: a column that turns up later goes to the
    column ``_extra`` as JSON text, a value that does not fit is a data error.

    Parameters
    ----------
    path : str
        Output directory.
    file_extension : str
        Without the dot.
    write_kwargs : dict | None
        Options of ``pyarrow.parquet.ParquetWriter``, e.g. ``compression`` (``"zstd"`` by
        default), or ``row_group_size``; ``storage_options``.
    fields : list[str] | None
        Columns to write; None writes all.
    mode : str
        What to do about an output directory that is not empty: ``"ignore"`` leaves other files
        alone, ``"overwrite"`` removes what earlier runs wrote, ``"error"`` refuses, ``"append"``
        adds files under a new prefix.
    """

    __module__ = "thresher.stages.text.io.writer"  # its address, also in fingerprints
    name = "parquet_writer"
    _OPTIONS: ClassVar[tuple[str, ...]] = (
        "compression", "compression_level", "row_group_size", "use_dictionary", "version",
        "write_statistics", "data_page_size", "storage_options",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        file_extension: str = "parquet",
        write_kwargs: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        mode: str = "ignore",
    ) -> None:
        super().__init__(path, file_extension, write_kwargs, fields, mode)
        check_writer_options(self.name, self.write_kwargs, self._OPTIONS)
        self._schema: pa.Schema | None = None

    def inputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for."""
        return [], list(self.fields or [])

    def with_schema(self, schema: pa.Schema) -> ParquetWriter:
        """A copy that holds to the columns of ``schema`` as typed there."""
        return self.copy(_schema=schema)

    def stream(self, file_path: str) -> WriteStream:
        """Open the new file ``file_path`` for batches that follow one another."""
        options = {"compression": "zstd", **self.write_kwargs}
        storage_options = options.pop("storage_options", None)
        return _Tables(self, ParquetStream(file_path, options, storage_options))

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        stream = self.stream(file_path)
        try:
            stream.write(task)
        finally:
            stream.close()

    def table_of(self, task: DocumentBatch) -> pa.Table:
        """The rows of a batch as they are written."""
        table = task.data.select(chosen_columns(task.data, self.fields))
        return conform(table, self._schema if self._schema is not None else pa.schema([]))

    def count_rows(self, file_path: str) -> int:
        """Rows that a closed file's footer tells."""
        options = self.write_kwargs.get("storage_options")
        with storage.failures("read", file_path), storage.open_arrow(file_path, options) as file:
            return int(pq.read_metadata(file).num_rows)


class _Tables:
    """A stream of batches as one of tables."""

    def __init__(self, writer: ParquetWriter, file: ParquetStream) -> None:
        self._writer = writer
        self._file = file

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise an error and append none."""
        self._file.write(self._writer.table_of(task))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
