# SPDX-License-Identifier: Apache-2.0
"""JsonlReaderStage: reads groups of JSONL files and slices of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from thresher.errors import DataError, PlanError
from thresher.stages.reading import (
    BadRecord,
    ReaderStage,
    ReadPlan,
    ReadReport,
    Sample,
    SourceError,
)
from thresher.stages.text.io.decompress import compression_of
from thresher.stages.text.io.jsonl_blocks import Block, blocks, verify_unchanged
from thresher.stages.text.io.jsonl_sample import sample_of
from thresher.stages.text.io.jsonl_scan import Scan, line_ends, record_starts
from thresher.stages.text.io.jsonl_table import MAX_COLUMNS, RecordTables
from thresher.stages.text.io.line_numbers import LineNumbers
from thresher.stages.text.io.reader_options import check_reader_options
from thresher.tasks import DocumentBatch, FileGroupTask
from thresher.tasks.document import visible
from thresher.tasks.type_names import TypesGiven, parse_types
from thresher.tasks.types import Types

Self = TypeVar("Self", bound="JsonlReaderStage")

ONE_BATCH = 128 * 1024 * 1024
"""Bytes up to which a group is read as one batch."""

BATCH = 64 * 1024 * 1024
SAMPLE = 256 * 1024
_SLACK = 1 << 20

DUPLICATE_KEYS = ("quarantine", "last")


class JsonlReaderStage(ReaderStage):
    """Reads JSONL: one JSON object per line; blank lines, CRLF and a byte order mark are fine.

    Values keep their type. A column that a stage declares as text or as numbers holds nothing
    else: a record with another value there is set aside. Any other column is text, whole numbers,
    numbers or truth values where all values of a batch are, and JSON text otherwise.

    Parameters
    ----------
    fields : list[str] | None
        Keys to read; None reads all. Records lacking one have a null there.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system; ``lines=True`` is accepted.
    allow_empty : bool
        Whether a group without records is fine; an error otherwise.
    types : dict[str, str | pyarrow.DataType] | None
        Types that columns have, such as ``{"score": "float64"}``. A record whose value does not
        fit is set aside.
    duplicate_keys : str
        What to do about a record in which a key that is used occurs twice: ``"quarantine"`` sets
        it aside, ``"last"`` takes the last value and writes only that.
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
        types: TypesGiven | None = None,
        duplicate_keys: str = "quarantine",
    ) -> None:
        self.fields = list(fields) if fields is not None else None
        self.read_kwargs = dict(read_kwargs or {})
        self.allow_empty = allow_empty
        check_reader_options(self.name, self.read_kwargs, self._OPTIONS, _generate_ids, _assign_ids)
        if self.read_kwargs.get("lines") is False:
            raise PlanError("lines=False: JSONL has a record on every line", where=self.name)
        if duplicate_keys not in DUPLICATE_KEYS:
            raise PlanError(
                f"duplicate_keys={duplicate_keys!r} is not known",
                where=f"stage {self.name!r}",
                todo=f"use one of {', '.join(DUPLICATE_KEYS)}",
            )
        self.types = parse_types(types, f"stage {self.name!r}")
        self.duplicate_keys = duplicate_keys
        names = tuple(self.fields) if self.fields is not None else None
        self._plan = ReadPlan(names, always=names or ())
        self._batch_bytes: int | None = None
        self._numbers = LineNumbers(self._storage_options)

    @property
    def raw_format(self) -> str:
        """Records travel as they are, unless only some fields are asked for."""
        return "jsonl" if self.fields is None else ""

    def outputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for, where they are known."""
        return [], list(self.fields or [])

    def bind(self: Self, plan: ReadPlan) -> Self:
        """A copy that reads what the plan uses."""
        return self.copy(_plan=plan)

    def sample(self, task: FileGroupTask, limit: int) -> Sample:
        """Columns and types of the first ``limit`` records, or fewer: about 256 KB are read."""
        read = blocks(task.slices, SAMPLE, self._storage_options)
        for block in read:
            ends = line_ends(block.buffer, block.stop)
            starts = record_starts(block.buffer, block.stop, ends)
            if not len(starts):
                continue
            data = block.buffer[: block.stop].tobytes()
            lines = (data[at : data.index(b"\n", at) + 1] for at in starts[:limit].tolist())
            found = sample_of(lines)
            is_whole = len(starts) <= limit and next(read, None) is None
            return replace(found, is_whole=is_whole)
        return Sample({}, is_whole=True)

    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with ``__row``; tell bad records to ``report``."""
        tables = RecordTables(self._plan, self.types, self.duplicate_keys == "last")
        row = 0
        for block in blocks(
            task.slices, self._target(task), self._storage_options, report.warnings.append
        ):
            _refuse_foreign(block)
            ends = line_ends(block.buffer, block.stop)
            found = len(record_starts(block.buffer, block.stop, ends))
            report.found += found
            scanned = tables.scan(block.buffer, block.stop, found)
            numbers = np.arange(row, row + len(scanned.rows), dtype=np.int64)
            bad = tables.refused(scanned)
            if bad:
                self._tell(bad, block, ends, scanned, row, report)
                good = np.ones(len(numbers), np.bool_)
                good[list(bad)] = False
                scanned, numbers = scanned.take(good), numbers[good]
            row += found
            if (beyond := tables.without_column(scanned)) is not None:
                raise self._too_many_keys(block, ends, scanned, *beyond)
            tables.note_names(scanned, report)
            table = tables.table(scanned, numbers)
            parsed = frozenset(visible(table.column_names) if self._plan.carry else ())
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

    def _tell(
        self,
        bad: dict[int, str],
        block: Block,
        ends: NDArray[np.int64],
        scanned: Scan,
        first_row: int,
        report: ReadReport,
    ) -> None:
        for row, reason in sorted(bad.items()):
            path, line, offset = _place(block, ends, int(scanned.rows[row, 0]), self._numbers)
            report.bad.append(
                BadRecord(path, first_row + row, line, offset, reason, scanned.record(row))
            )

    def _too_many_keys(
        self, block: Block, ends: NDArray[np.int64], scanned: Scan, row: int, key: str
    ) -> SourceError:
        path, line, _ = _place(block, ends, int(scanned.rows[row, 0]), self._numbers)
        starts = [piece.at for piece in block.pieces]
        of_rows = np.searchsorted(starts, scanned.rows[:, 0], "right") - 1
        n_rows = sum(block.pieces[k].path == path for k in of_rows.tolist())
        return SourceError(
            f"more than {MAX_COLUMNS:,} different keys, as many as a table has columns: "
            f"line {line} brings {key[:80]!r}",
            path,
            n_rows,
            todo="name the keys that matter with fields=[...] on the reader",
        )

    def wanted_names(self) -> Collection[str] | None:
        """The fields asked for."""
        return self.fields

    def pinned_types(self) -> Types:
        """The types asked for."""
        return self.types

    def asked_for(self) -> Collection[str]:
        """The fields asked for, and the columns that stages name, if no sample has them."""
        return [name for name in self._plan.always if name not in self._plan.expected]

    def count(self, task: FileGroupTask) -> dict[str, int]:
        """Records of each file, counted without parsing them."""
        counts = dict.fromkeys(task.data, 0)
        for block in blocks(task.slices, BATCH, self._storage_options):
            ends = line_ends(block.buffer, block.stop)
            starts = record_starts(block.buffer, block.stop, ends)
            bounds = [*(piece.at for piece in block.pieces), block.stop]
            places = np.searchsorted(starts, bounds)
            for piece, n_rows in zip(block.pieces, np.diff(places).tolist(), strict=True):
                counts[piece.path] += n_rows
        return counts

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """File, line and offset of rows, found again in the bytes."""
        for piece in task.slices:
            verify_unchanged(piece, self._storage_options)
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


def _target(task: FileGroupTask) -> int:
    """Bytes of a batch: the whole group if it is known to be small."""
    total = 0
    for piece in task.slices:
        if compression_of(piece.path) or (piece.size < 0 and piece.stop is None):
            return BATCH
        total += (piece.size if piece.stop is None else piece.stop) - piece.start + 1
    return total + _SLACK if total <= ONE_BATCH + len(task.slices) else BATCH


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
    for piece in block.pieces:
        if piece.offset == 0 and block.buffer[piece.at : piece.at + 4].tobytes() == b"PAR1":
            raise SourceError("this is a Parquet file", piece.path, todo="use ParquetReader")
