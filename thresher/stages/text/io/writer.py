# SPDX-License-Identifier: Apache-2.0
"""Writers of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import DataError, PlanError
from thresher.stages.text.io.decompress import decompressed
from thresher.stages.text.io.jsonl_encode import Bytes, encode_rows
from thresher.stages.text.io.jsonl_splice import splice
from thresher.stages.text.io.non_ascii import escape_non_ascii
from thresher.stages.text.io.parquet_schema import conform
from thresher.stages.writing import BaseWriter
from thresher.tasks import RAW, DocumentBatch
from thresher.tasks.document import visible

_COMPRESSIONS = {
    "gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bz2"
}  # fmt: skip
_ENDINGS = {"gzip": ".gz", "zstd": ".zst", "bz2": ".bz2"}
_CHUNK = 1 << 20
_STRETCH = 1 << 23
_LF = 10


class JsonlWriter(BaseWriter):
    """Writes JSONL.

    Records that came from JSONL are written as they were read, to the letter; what stages changed,
    added or removed is spliced into them.

    Parameters
    ----------
    path : str
        Output directory.
    file_extension : str
        Without the dot; ``.gz``, ``.zst`` or ``.bz2`` at its end compresses.
    write_kwargs : dict | None
        ``compression`` (``"gz"``, ``"zst"``, ``"bz2"``), ``ensure_ascii`` or ``force_ascii``
        (escape what is not ASCII), ``storage_options``.
    fields : list[str] | None
        Columns to write; None writes whole records.
    mode : str
        What to do about an output directory that is not empty; see :class:`BaseWriter`.
    """

    name = "jsonl_writer"
    _OPTIONS: ClassVar[tuple[str, ...]] = (
        "compression", "ensure_ascii", "force_ascii", "storage_options"
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        file_extension: str = "jsonl",
        write_kwargs: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        mode: str = "ignore",
    ) -> None:
        super().__init__(path, file_extension, write_kwargs, fields, mode)
        _check_options(self.name, self.write_kwargs, self._OPTIONS)
        self._ascii = bool(
            self.write_kwargs.get("ensure_ascii") or self.write_kwargs.get("force_ascii")
        )
        self._compression = self._compression_asked_for()

    @property
    def raw_format(self) -> str:
        """Records travel as they are, unless only some fields are asked for."""
        return "jsonl" if self.fields is None else ""

    def inputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for."""
        return [], list(self.fields or [])

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        options = self.write_kwargs.get("storage_options")
        with (
            storage.failures("write", file_path),
            storage.open_write(file_path, options) as file,
            self._compressed(file) as sink,
        ):
            for data in self._lines(task):
                _write_all(sink, escape_non_ascii(data) if self._ascii else data)

    def count_rows(self, file_path: str) -> int:
        """Line ends in a closed file."""
        if self._compression:
            return sum(data.count(b"\n") for data in self._decompressed(file_path))
        rows = 0
        options = self.write_kwargs.get("storage_options")
        with storage.failures("read", file_path), storage.open_read(file_path, 0, options) as file:
            while data := file.read(_CHUNK):
                rows += data.count(b"\n")
        return rows

    def _lines(self, task: DocumentBatch) -> Iterator[Bytes]:
        """The lines to write, as arrays of bytes."""
        table = task.data
        names = _chosen(table, self.fields)
        if RAW not in table.column_names or self.fields is not None:
            for rows in _stretches(table.select(names)):
                yield encode_rows(rows)
            return
        raw = table.column(RAW)
        edited = [name for name in names if name not in task._carried]
        removed = sorted(task._parsed.difference(names))
        if raw.null_count:
            yield from self._mixed_lines(task, raw)
        elif edited or removed:
            for rows in _stretches(table.select([*edited, RAW])):
                records = rows.column(RAW).combine_chunks()
                yield splice(records, rows.select(edited), removed, task._parsed)[0]
        else:
            for chunk in raw.chunks:
                yield raw_lines(chunk)

    def _mixed_lines(self, task: DocumentBatch, raw: pa.ChunkedArray) -> Iterator[Bytes]:
        """Rows with and without a record, in runs of the one and the other."""
        has_none = raw.is_null().to_numpy()
        bounds = [0, *(np.flatnonzero(np.diff(has_none)) + 1).tolist(), len(has_none)]
        for start, stop in pairwise(bounds):
            run = task.data.slice(start, stop - start)
            if has_none[start]:
                run = run.drop_columns([RAW])
            yield from self._lines(task.with_data(run))

    def _compression_asked_for(self) -> str:
        """Arrow's name of the compression; the file extension follows it."""
        asked = self.write_kwargs.get("compression")
        ending = self.file_extension.rpartition(".")[2]
        if asked is None:
            return _COMPRESSIONS.get(ending, "")
        if asked not in _COMPRESSIONS:
            raise PlanError(
                f"compression={asked!r} is not known",
                where=f"stage {self.name!r}",
                todo=f"use one of {', '.join(_COMPRESSIONS)}",
            )
        compression = _COMPRESSIONS[asked]
        if not f".{self.file_extension}".endswith(_ENDINGS[compression]):
            self.file_extension += _ENDINGS[compression]
        return compression

    def _compressed(self, file: Any) -> Any:
        if not self._compression:
            return file
        return pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), self._compression)

    def _decompressed(self, file_path: str) -> Iterator[bytes]:
        # The runner's temporaries do not tell the compression by their names.
        options = self.write_kwargs.get("storage_options")
        return decompressed(file_path, options, _ENDINGS[self._compression])


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
        Options of ``pyarrow.parquet.write_table``, e.g. ``compression`` (``"zstd"`` by default)
        or ``row_group_size``; ``storage_options``.
    fields : list[str] | None
        Columns to write; None writes all.
    mode : str
        What to do about an output directory that is not empty; see :class:`BaseWriter`.
    """

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
        _check_options(self.name, self.write_kwargs, self._OPTIONS)
        self._schema: pa.Schema | None = None

    def inputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for."""
        return [], list(self.fields or [])

    def with_schema(self, schema: pa.Schema) -> ParquetWriter:
        """A copy that writes ``schema``, and what is not in it to ``_extra``."""
        return self.copy(_schema=schema)

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        table = task.data.select(_chosen(task.data, self.fields))
        if self._schema is not None:
            schema = self._schema
            if self.fields is not None:
                schema = pa.schema([schema.field(n) for n in self.fields if n in schema.names])
            table = conform(table, schema)
        options = {"compression": "zstd", **self.write_kwargs}
        storage_options = options.pop("storage_options", None)
        with (
            storage.failures("write", file_path),
            storage.open_write(file_path, storage_options) as file,
        ):
            pq.write_table(table, pa.PythonFile(file, mode="w"), **options)

    def count_rows(self, file_path: str) -> int:
        """Rows that a closed file's footer tells."""
        options = self.write_kwargs.get("storage_options")
        with storage.failures("read", file_path), storage.open_arrow(file_path, options) as file:
            return int(pq.read_metadata(file).num_rows)


def raw_lines(raw: pa.Array) -> Bytes:
    """The bytes of records, uint8; not copied if each ends in LF."""
    if not len(raw):
        return np.empty(0, np.uint8)
    _, offsets_buffer, data_buffer = raw.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(data_buffer, np.uint8)
    if np.all(offsets[1:] > offsets[:-1]) and np.all(data[offsets[1:] - 1] == _LF):
        return data[offsets[0] : offsets[-1]]
    lines = [line.rstrip(b"\r\n") + b"\n" for line in raw.to_pylist()]
    return np.frombuffer(b"".join(lines), np.uint8)


def _chosen(table: pa.Table, fields: Sequence[str] | None) -> list[str]:
    """The visible columns, or those asked for."""
    if fields is None:
        return visible(table.column_names)
    missing = [name for name in fields if name not in table.column_names]
    if missing:
        raise DataError(
            f"there is no column {missing[0]!r}",
            todo=f"the columns are {', '.join(visible(table.column_names))}",
        )
    return list(fields)


def _stretches(table: pa.Table) -> Iterator[pa.Table]:
    """Stretches of rows small enough for a processor's cache."""
    n_rows = max(1, table.num_rows * _STRETCH // max(1, table.nbytes))
    for at in range(0, table.num_rows, n_rows):
        yield table.slice(at, n_rows)


def _check_options(name: str, options: dict[str, Any], known: Sequence[str]) -> None:
    unknown = [key for key in options if key not in known]
    if unknown:
        raise PlanError(
            f"write_kwargs has unknown keys: {', '.join(unknown)}",
            where=f"stage {name!r}",
            todo=f"known are {', '.join(known)}",
        )


def _write_all(sink: Any, data: Bytes) -> None:
    """Write all bytes: one call of the operating system takes 2 GiB at most."""
    view = memoryview(data)  # type: ignore[arg-type]
    while len(view):
        written = sink.write(view)
        view = view[len(view) if written is None else written :]
