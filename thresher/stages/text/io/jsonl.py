# SPDX-License-Identifier: Apache-2.0
"""JsonlReaderStage: reads groups of JSONL files and slices of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thresher.errors import DataError, PlanError
from thresher.kernels import jsonl_plain as plain
from thresher.stages.reading import BadRecord, ReaderStage, ReadReport
from thresher.stages.text.io.decompress import compression_of
from thresher.stages.text.io.jsonl_blocks import Block, blocks
from thresher.stages.text.io.jsonl_columns import (
    EXTRA,
    KIND_NAMES,
    column,
    is_text,
    json_field,
    present,
    unseen,
)
from thresher.stages.text.io.jsonl_scan import Scan, line_ends, record_starts, scan
from thresher.stages.text.io.jsonl_schema import infer
from thresher.stages.text.io.line_numbers import LineNumbers
from thresher.stages.text.io.reader_options import check_reader_options
from thresher.tasks import RAW, ROW, DocumentBatch, FileGroupTask
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import HIDDEN

Self = TypeVar("Self", bound="JsonlReaderStage")

ONE_BATCH = 128 * 1024 * 1024
"""Bytes up to which a group is read as one batch."""

BATCH = 64 * 1024 * 1024
SAMPLE = 256 * 1024
_SLACK = 1 << 20


class JsonlReaderStage(ReaderStage):
    """Reads JSONL: one JSON object per line; blank lines, CRLF and a byte order mark are fine.

    Where the schema was fixed before and whole records do not travel along, keys that it lacks go
    to the column ``_extra``, as JSON text.

    Parameters
    ----------
    fields : list[str] | None
        Keys to read; None reads all. Records lacking one have a null there.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system; ``lines=True`` is accepted.
    allow_empty : bool
        Whether a group without records is fine; an error otherwise.
    """

    name = "jsonl_reader_stage"
    is_source_stage = True
    _OPTIONS: ClassVar[tuple[str, ...]] = ("storage_options", "lines")

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
        if self.read_kwargs.get("lines") is False:
            raise PlanError("lines=False: JSONL has a record on every line", where=self.name)
        self._schema: pa.Schema | None = None
        self._explicit = False
        self._carry = False
        self._batch_bytes: int | None = None
        self._numbers = LineNumbers(self._storage_options)
        self._collects = self.fields is None

    @property
    def raw_format(self) -> str:
        """Records travel as they are, unless only some fields are asked for."""
        return "jsonl" if self.fields is None else ""

    def outputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for, where they are known."""
        return [], list(self.fields or [])

    def bind(self: Self, schema: pa.Schema, columns: Sequence[str] | None, carry: bool) -> Self:
        """A copy that reads ``columns`` (None: all of ``schema``) as typed in ``schema``."""
        wanted = [name for name in schema.names if name not in HIDDEN]
        if columns is not None:
            wanted = [name for name in columns if name in wanted]
        if self.fields is not None:
            wanted = [name for name in self.fields if name in wanted]
        return self.copy(
            _schema=pa.schema([schema.field(name) for name in wanted]),
            _explicit=columns is not None,
            _carry=carry and self.fields is None,
            _collects=columns is None and not carry and self.fields is None,
        )

    def infer_schema(self, task: FileGroupTask, limit: int) -> pa.Schema:
        """Columns and types of the first ``limit`` records, or fewer: about 256 KB are read."""
        for block in blocks(task.slices, SAMPLE, self._storage_options):
            ends = line_ends(block.buffer, block.stop)
            starts = record_starts(block.buffer, block.stop, ends)[:limit].tolist()
            if starts:
                data = block.buffer[: block.stop].tobytes()
                return infer(data[at : data.index(b"\n", at) + 1] for at in starts)
        return pa.schema([])

    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with ``__row``; tell bad records to ``report``."""
        schema = self._schema
        if schema is None:
            schema = self._unbound_schema(task)
        row = 0
        for block in blocks(task.slices, self._target(task), self._storage_options):
            _refuse_foreign(block)
            ends = line_ends(block.buffer, block.stop)
            starts = record_starts(block.buffer, block.stop, ends)
            found = len(starts)
            report.found += found
            table = self._table(block, ends, found, schema, row, report)
            row += found
            if block.cut is not None:
                cut = block.cut
                report.found += 1
                report.bad.append(
                    BadRecord(cut.path, row, cut.line, cut.offset, cut.reason, cut.record)
                )
                row += 1
            parsed = frozenset(schema.names) if self._carry else frozenset[str]()
            yield DocumentBatch(
                task.dataset_name,
                table,
                _metadata=dict(task._metadata),
                _parsed=parsed,
                _carried=parsed,
            )
        if row == 0 and not self.allow_empty:
            raise DataError(
                "there are no records", where=", ".join(task.data), todo="allow_empty=True"
            )

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """File, line and offset of rows, found again in the bytes."""
        places: dict[int, dict[str, Any]] = {}
        numbers = LineNumbers(self._storage_options)
        first = 0
        for block in blocks(task.slices, self._target(task), self._storage_options):
            ends = line_ends(block.buffer, block.stop)
            starts = record_starts(block.buffer, block.stop, ends)
            for row in rows:
                if first <= row < first + len(starts):
                    path, line, offset = _place(block, ends, int(starts[row - first]), numbers)
                    places[row] = {"file": path, "line": line, "offset": offset}
            first += len(starts)
            if block.cut is not None:
                if first in rows:
                    cut = block.cut
                    places[first] = {"file": cut.path, "line": cut.line, "offset": cut.offset}
                first += 1
        return places

    def kernels(self) -> Sequence[str]:
        """The kernels that scan records."""
        return ("jsonl",)

    def streaming(self: Self, n_bytes: int) -> Self:
        """A copy that yields batches of about ``n_bytes``."""
        return self.copy(_batch_bytes=n_bytes)

    def _target(self, task: FileGroupTask) -> int:
        return self._batch_bytes or _target(task)

    @property
    def _storage_options(self) -> dict[str, Any]:
        return self.read_kwargs.get("storage_options") or {}

    def _unbound_schema(self, task: FileGroupTask) -> pa.Schema:
        """All columns of the group, or the asked for ones, typed by its first records."""
        schema = self.infer_schema(task, 1000)
        if self.fields is None:
            return schema
        return pa.schema([schema.field(name) for name in self.fields if name in schema.names])

    def _table(
        self,
        block: Block,
        ends: NDArray[np.int64],
        found: int,
        schema: pa.Schema,
        first_row: int,
        report: ReadReport,
    ) -> pa.Table:
        scanned = scan(block.buffer, block.stop, schema.names, found)
        bad = _bad_rows(scanned, schema, self._explicit)
        numbers = np.arange(first_row, first_row + len(scanned.rows), dtype=np.int64)
        if bad:
            for row, reason in sorted(bad.items()):
                path, line, offset = _place(block, ends, int(scanned.rows[row, 0]), self._numbers)
                report.bad.append(
                    BadRecord(path, first_row + row, line, offset, reason, scanned.record(row))
                )
            good = np.ones(len(numbers), np.bool_)
            good[list(bad)] = False
            scanned, numbers = scanned.take(good), numbers[good]
        columns, fields = [from_numpy(numbers)], [pa.field(ROW, pa.int64())]
        for k, field in enumerate(schema):
            values = column(scanned, k, field)
            self._count_misfits(field.name, values, scanned, k)
            columns.append(values)
            fields.append(field)
        extra = unseen(scanned) if self._collects and EXTRA not in schema.names else None
        if extra is not None:
            columns.append(extra)
            fields.append(json_field(EXTRA))
        if self._carry:
            columns.append(raw_records(scanned))
            fields.append(pa.field(RAW, pa.large_binary()))
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))

    def _count_misfits(self, name: str, values: pa.Array, scanned: Scan, k: int) -> None:
        """Count values that became null because the column's type cannot hold them."""
        misfits = int(np.count_nonzero(present(scanned, k))) - (len(values) - values.null_count)
        if misfits > 0:
            self._log_metric(f"misfits.{name}", misfits)


def _target(task: FileGroupTask) -> int:
    """Bytes of a batch: the whole group if it is known to be small."""
    total = 0
    for piece in task.slices:
        if compression_of(piece.path) or (piece.size < 0 and piece.stop is None):
            return BATCH
        total += (piece.size if piece.stop is None else piece.stop) - piece.start + 1
    return total + _SLACK if total <= ONE_BATCH + len(task.slices) else BATCH


def _bad_rows(scanned: Scan, schema: pa.Schema, explicit: bool) -> dict[int, str]:
    """Reasons of the rows that cannot be read, by row."""
    bad: dict[int, str] = {}
    for row in np.flatnonzero(scanned.state == plain.BROKEN).tolist():
        try:
            plain.parse_record(scanned.record(row))
            bad[row] = "not a JSON object"
        except plain.BrokenRecord as error:
            bad[row] = str(error)
    for k, field in enumerate(schema):
        if not is_text(field):
            continue
        kinds = scanned.kinds[k]
        for row in np.flatnonzero(kinds == plain.HALF_PAIR).tolist():
            bad.setdefault(row, f"field {field.name!r} has half a surrogate pair, which is no text")
        if explicit:
            for row in np.flatnonzero((kinds > plain.HALF_PAIR) & (kinds != plain.NULL)).tolist():
                bad.setdefault(row, f"field {field.name!r} is {KIND_NAMES[kinds[row]]}, not text")
    return bad


def raw_records(scanned: Scan) -> pa.Array:
    """large_binary[n]: the records' bytes; not copied where they follow one another."""
    rows = scanned.rows
    n_rows = len(rows)
    data = pa.py_buffer(scanned.buffer)
    if n_rows == 0:
        return pa.nulls(0, pa.large_binary())
    if np.array_equal(rows[1:, 0], rows[:-1, 1]):
        offsets = np.append(rows[:, 0], rows[-1, 1])
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), n_rows, [None, pa.py_buffer(offsets), data]
        )
    # Every second value is what lies between two records.
    offsets = np.append(rows[:, :2].ravel(), rows[-1, 1])
    both = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 2 * n_rows, [None, pa.py_buffer(offsets), data]
    )
    return both.take(from_numpy(np.arange(0, 2 * n_rows, 2)))


def _place(
    block: Block, ends: NDArray[np.int64], at: int, numbers: LineNumbers
) -> tuple[str, int, int]:
    """Path, line and offset in its file of a position in a block."""
    piece = next(piece for piece in reversed(block.pieces) if piece.at <= at)
    lines = int(np.searchsorted(ends, at, "right") - np.searchsorted(ends, piece.at, "right"))
    first = piece.line or numbers.at(piece.path, piece.offset)
    return piece.path, first + lines, piece.offset + at - piece.at


def _refuse_foreign(block: Block) -> None:
    """Name files of another format instead of finding fault with every line."""
    piece = block.pieces[0]
    if piece.offset == 0 and block.buffer[:4].tobytes() == b"PAR1":
        raise DataError("this is a Parquet file", where=piece.path, todo="use ParquetReader")
