# SPDX-License-Identifier: Apache-2.0
"""ParquetWriter: writes documents as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import PlanError
from thresher.stages.text.io.parquet import ParquetReaderStage
from thresher.stages.text.io.parquet_stream import Layout, ParquetStream
from thresher.stages.text.io.writer_options import check_writer_options, chosen_columns
from thresher.stages.writing import BaseWriter, WritePlan, WriteStream
from thresher.tasks import DocumentBatch
from thresher.tasks.type_names import TypesGiven, parse_types
from thresher.tasks.types import Types


class ParquetWriter(BaseWriter):
    """Writes Parquet; all files of a run have one schema in the end.

    The schema is found by the values: each column has the narrowest type that holds all of them,
    over all files. Columns in which values of different kinds are mixed hold JSON text. Files that
    turn out narrower than the others are written again before the run is complete.

    Parameters
    ----------
    path : str
        Output directory.
    file_extension : str
        Without the dot.
    write_kwargs : dict | None
        Options of ``pyarrow.parquet.ParquetWriter``, e.g. ``compression`` (``"zstd"`` by
        default), or ``row_group_size`` in rows; ``storage_options``.
    fields : list[str] | None
        Columns to write; None writes all.
    mode : str
        What to do about an output directory that is not empty: ``"ignore"`` leaves other files
        alone, ``"overwrite"`` removes what earlier runs wrote, ``"error"`` refuses, ``"append"``
        adds files under a new prefix.
    schema : dict[str, str | pyarrow.DataType] | pyarrow.Schema | None
        Types that columns have, such as ``{"score": "float64"}``; a row whose value does not fit
        is set aside. Each of these columns is written, with nulls where no row has it.
    """

    __module__ = "thresher.stages.text.io.writer"  # its address, also in fingerprints
    name = "parquet_writer"
    typed = True
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
        schema: TypesGiven | pa.Schema | None = None,
    ) -> None:
        super().__init__(path, file_extension, write_kwargs, fields, mode)
        check_writer_options(self.name, self.write_kwargs, self._OPTIONS)
        if isinstance(schema, pa.Schema):
            schema = {field.name: field.type for field in schema}
        rows = self.write_kwargs.get("row_group_size")
        if rows is not None and (not isinstance(rows, int) or rows < 1):
            raise PlanError(
                f"row_group_size={rows!r} is no number of rows",
                where=f"stage {self.name!r}",
                todo="give 1 or more",
            )
        self.schema = parse_types(schema, f"stage {self.name!r}")
        self._layout = Layout(pinned=self.schema)

    def inputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for."""
        return [], list(self.fields or [])

    def bind(self, plan: WritePlan) -> ParquetWriter:
        """A copy that knows what columns to expect, or which to write."""
        if plan.final is not None:
            return self.copy(_layout=Layout(plan.final, first=tuple(plan.final), only=True))
        first = tuple(self.fields) if self.fields is not None else plan.first
        return self.copy(_layout=Layout(self.schema, plan.expected, first, plan.last))

    def columns(self, held: Types) -> Types:
        """The columns of files that hold values of these types."""
        return self._layout.columns(held)

    def reader_of_own(self) -> ParquetReaderStage:
        """What reads its files back."""
        options = self.write_kwargs.get("storage_options")
        return ParquetReaderStage(read_kwargs={"storage_options": options} if options else None)

    def stream(self, file_path: str) -> WriteStream:
        """Open the new file ``file_path`` for batches that follow one another."""
        options = {"compression": "zstd", **self.write_kwargs}
        storage_options = options.pop("storage_options", None)
        return _Tables(self, ParquetStream(file_path, options, storage_options, self._layout))

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        stream = self.stream(file_path)
        try:
            stream.write(task)
        finally:
            stream.close()

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

    @property
    def types(self) -> tuple[Any, Any]:
        """Types of the values written, and of the file's columns."""
        return self._file.held, self._file.columns

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise an error and append none."""
        self._file.write(task.data.select(chosen_columns(task.data, self._writer.fields)))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
