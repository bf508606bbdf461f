# SPDX-License-Identifier: Apache-2.0
"""Turn batches into the lines of a JSONL file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher import storage
from thresher.stages.text.io.jsonl_encode import Bytes, encode_rows
from thresher.stages.text.io.jsonl_splice import splice
from thresher.stages.text.io.non_ascii import escape_non_ascii
from thresher.stages.text.io.writer_options import chosen_columns
from thresher.tasks import RAW, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import to_numpy
from thresher.tasks.json_written import with_infinity
from thresher.tasks.nested import Mask, rows_where
from thresher.tasks.text_form import beyond_text, no_text
from thresher.tasks.types import is_json, names_member_twice

_STRETCH = 1 << 22
_LF = 10


class JsonlStream:
    """An open JSONL file.

    Parameters
    ----------
    file : BinaryIO
        Opened for writing.
    file_path : str
        Its path, for errors.
    fields : list[str] | None
        Columns to write; None writes whole records.
    compression : str
        Arrow's name of the compression; empty for none.
    ascii_only : bool
        Whether to escape what is not ASCII.
    """

    def __init__(
        self,
        file: BinaryIO,
        file_path: str,
        fields: Sequence[str] | None,
        compression: str,
        ascii_only: bool,
    ) -> None:
        self._file = file
        self._file_path = file_path
        self._fields = fields
        self._ascii_only = ascii_only
        self._sink: Any = file
        if compression:
            self._sink = pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), compression)

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise an error and append none."""
        if unwritable := _unwritable(task, self._fields):
            raise BadRows(unwritable)
        lines = list(lines_of(task, self._fields))
        with storage.failures("write", self._file_path):
            for data in lines:
                self._sink.write((escape_non_ascii(data) if self._ascii_only else data).data)

    def close(self) -> None:
        """Finish the file."""
        with storage.failures("write", self._file_path):
            self._sink.close()
            self._file.close()


def _unwritable(task: DocumentBatch, fields: Sequence[str] | None) -> dict[int, str]:
    """Rows that JSON cannot express, by position."""
    found: dict[int, str] = {}
    for name in chosen_columns(task.data, fields):
        if fields is not None or name not in task._carried:
            column = task.data.column(name)
            if names_member_twice(column.type):
                rows = np.flatnonzero(to_numpy(column.is_valid())).tolist()
                found |= dict.fromkeys(rows, f"column {name!r} holds objects with a key twice")
            if is_json(task.data.schema.field(name)):
                rows = np.flatnonzero(with_infinity(column)).tolist()
                found |= dict.fromkeys(rows, f"column {name!r} holds {_UNWRITABLE[_is_infinite]}")
            for holds, what in _UNWRITABLE.items():
                rows = np.flatnonzero(rows_where(column, holds)).tolist()
                found |= dict.fromkeys(rows, f"column {name!r} holds {what}")
    return found


def _is_infinite(leaf: pa.Array) -> Mask | None:
    if not pa.types.is_floating(leaf.type):
        return None
    return to_numpy(pc.fill_null(pc.is_inf(leaf), False))


_UNWRITABLE = {
    no_text: "text that is not UTF-8",
    beyond_text: "a date beyond the year 32767, which has no text",
    _is_infinite: "an infinity, which JSON cannot express",
}


def lines_of(task: DocumentBatch, fields: Sequence[str] | None) -> Iterator[Bytes]:
    """The lines of a batch, uint8: its records with what changed, or its columns encoded."""
    table = task.data
    names = chosen_columns(table, fields)
    if RAW not in table.column_names or fields is not None:
        if not names:
            yield np.frombuffer(b"{}\n" * task.num_items, np.uint8)
            return
        for rows in _stretches(table.select(names)):
            yield encode_rows(rows)
        return
    raw = table.column(RAW)
    edited = [name for name in names if name not in task._carried]
    removed = sorted(task._parsed.difference(table.column_names))
    if raw.null_count:
        yield from _mixed_lines(task, raw)
    elif edited or removed:
        for rows in _stretches(table.select([*edited, RAW])):
            records = rows.column(RAW).combine_chunks()
            yield splice(records, rows.select(edited), removed, task._parsed)[0]
    else:
        for chunk in raw.chunks:
            yield raw_lines(chunk)


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


def _mixed_lines(task: DocumentBatch, raw: pa.ChunkedArray) -> Iterator[Bytes]:
    """Rows with and without a record, in runs of the one and the other."""
    has_none = to_numpy(raw.is_null())
    bounds = [0, *(np.flatnonzero(np.diff(has_none)) + 1).tolist(), len(has_none)]
    for start, stop in pairwise(bounds):
        run = task.data.slice(start, stop - start)
        if has_none[start]:
            run = run.drop_columns([RAW])
        yield from lines_of(task.with_data(run), None)


def _stretches(table: pa.Table) -> Iterator[pa.Table]:
    """Stretches of rows small enough for a processor's cache."""
    n_rows = max(1, table.num_rows * _STRETCH // max(1, table.nbytes))
    for at in range(0, table.num_rows, n_rows):
        yield table.slice(at, n_rows)
