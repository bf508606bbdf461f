# SPDX-License-Identifier: Apache-2.0
"""ParquetReaderStage: reads groups of Parquet files and ranges of their row groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import DataError
from thresher.stages.base import TEXT
from thresher.stages.reading import (
    BadRecord,
    ReaderStage,
    ReadPlan,
    ReadReport,
    Sample,
    SourceError,
)
from thresher.stages.text.io.jsonl_blocks import verify_unchanged
from thresher.stages.text.io.parquet_decoded import (
    footer_without_dictionaries,
    has_dictionaries,
)
from thresher.stages.text.io.parquet_footer import index_of, types_in
from thresher.stages.text.io.parquet_int96 import (
    Rows,
    beyond_nanoseconds,
    columns_with_int96,
    finer,
    in_nanoseconds,
)
from thresher.stages.text.io.reader_options import check_reader_options
from thresher.tasks import ROW, DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import from_numpy
from thresher.tasks.converting import convert, convert_as_asked
from thresher.tasks.document import HIDDEN
from thresher.tasks.json_written import with_held_infinities
from thresher.tasks.nested import Mask, rows_where
from thresher.tasks.showing import record_of
from thresher.tasks.text_form import no_text
from thresher.tasks.type_names import TypesGiven, parse_types
from thresher.tasks.types import (
    JSON_TEXT,
    NOTHING,
    ColumnType,
    Types,
    declared_type,
    is_json,
    json_field,
    merge_columns,
)

Self = TypeVar("Self", bound="ParquetReaderStage")

BATCH = 128 * 1024 * 1024
"""Bytes that one batch is made of about, as the footer counts them."""

_MOST_ROWS = 1 << 17
_SHOWN = 1 << 20


class ParquetReaderStage(ReaderStage):
    """Reads Parquet.

    The types of all files are known when a pipeline is planned, and united without loss: each batch
    has the same columns.

    Parameters
    ----------
    fields : list[str] | None
        Columns to read; None reads all. A file that lacks one has nulls there.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system.
    allow_empty : bool
        Whether a group without rows is fine; an error otherwise.
    types : dict[str, str | pyarrow.DataType] | None
        Types that columns are to have, such as ``{"score": "float64"}``. A row whose value does
        not fit is set aside.
    """

    name = "parquet_reader_stage"
    is_source_stage = True
    knows_types = True
    _OPTIONS: ClassVar[tuple[str, ...]] = ("storage_options",)

    def __init__(
        self,
        fields: Sequence[str] | None = None,
        read_kwargs: dict[str, Any] | None = None,
        _generate_ids: bool = False,
        _assign_ids: bool = False,
        allow_empty: bool = True,
        types: TypesGiven | None = None,
    ) -> None:
        self.fields = list(fields) if fields is not None else None
        self.read_kwargs = dict(read_kwargs or {})
        self.allow_empty = allow_empty
        check_reader_options(self.name, self.read_kwargs, self._OPTIONS, _generate_ids, _assign_ids)
        self.types = parse_types(types, f"stage {self.name!r}")
        names = tuple(self.fields) if self.fields is not None else None
        self._plan = ReadPlan(names, always=names or ())
        self._batch_bytes = BATCH

    def outputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for, where they are known."""
        return [], list(self.fields or [])

    def bind(self: Self, plan: ReadPlan) -> Self:
        """A copy that reads what the plan uses."""
        return self.copy(_plan=plan)

    def streaming(self: Self, n_bytes: int) -> Self:
        """A copy that yields batches of about ``n_bytes``."""
        return self.copy(_batch_bytes=n_bytes)

    def file_types(self, piece: FileSlice, observed: Collection[str] = ()) -> Types:
        """The columns of a file, as its footer tells; ``observed`` ones by their statistics."""
        with self._open(piece) as file:
            return types_in(file, observed)

    def sample(self, task: FileGroupTask, limit: int) -> Sample:
        """Columns and types of the group's files, from their footers."""
        found = [self.file_types(piece) for piece in task.slices]
        columns = merge_columns(found)
        reserved = tuple(sorted(HIDDEN.intersection(columns)))
        kept = {name: kind for name, kind in columns.items() if name not in HIDDEN}
        return Sample(kept, tuple(kept), is_whole=True, reserved=reserved)

    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with ``__row``."""
        row = 0
        for piece in task.slices:
            with self._open(piece) as file, self._open_finer(piece, file) as fine_file:
                groups = range(piece.start, _stop(file, piece))
                found = sum(file.metadata.row_group(i).num_rows for i in groups)
                report.found += found
                if piece.start == 0 and (index := index_of(file)):
                    report.warnings.append(
                        f"{piece.path}: the column {index!r}, a pandas index, is in the footer and "
                        "not among the columns, so it is not read; write the file with "
                        "frame.reset_index()"
                    )
                first = row
                in_ns = None
                if fine_file is not None:
                    names = [n for n in columns_with_int96(file) if n in self._read_of(file)]
                    in_ns = Rows(_batches_behind(fine_file, groups, names, _MOST_ROWS, 0))
                for table in self._tables(piece, file, groups):
                    numbers = np.arange(row, row + table.num_rows, dtype=np.int64)
                    row += table.num_rows
                    fine = None if in_ns is None else in_ns.take(table.num_rows)
                    conformed = self._conformed(table, numbers, piece, report, fine)
                    made = tuple(n for n in conformed.column_names if n != ROW)
                    report.first_names = report.first_names or made
                    report.names.update(made)
                    yield DocumentBatch(
                        task.dataset_name, conformed, _metadata=dict(task._metadata)
                    )
                if row - first != found:
                    raise SourceError(
                        f"the footer tells of {found} rows, {row - first} are there",
                        piece.path,
                        found,
                        is_estimate=False,
                        todo="mend or replace the file",
                    )
            verify_unchanged(piece, self._storage_options)
        if row == 0 and not self.allow_empty:
            raise DataError(
                "there are no rows", where=", ".join(task.data), todo="allow_empty=True"
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
        """Rows of each file, from the footers."""
        counts = dict.fromkeys(task.data, 0)
        for piece in task.slices:
            with self._open(piece) as file:
                groups = range(piece.start, _stop(file, piece))
                counts[piece.path] += sum(file.metadata.row_group(i).num_rows for i in groups)
        return counts

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """The file of each row; a Parquet row has no line and no byte of its own."""
        places: dict[int, dict[str, Any]] = {}
        first = 0
        for piece in task.slices:
            verify_unchanged(piece, self._storage_options)
            n_rows = self.count(FileGroupTask("", [piece.path], slices=(piece,)))[piece.path]
            places |= {r: {"file": piece.path} for r in rows if first <= r < first + n_rows}
            first += n_rows
        return places

    @property
    def _storage_options(self) -> dict[str, Any]:
        return self.read_kwargs.get("storage_options") or {}

    @contextmanager
    def _open(self, piece: FileSlice) -> Iterator[pq.ParquetFile]:
        known = _Known()
        with (
            _faults_of(piece.path, known),
            storage.open_arrow(piece.path, self._storage_options) as source,
            _opened(source, "us") as file,
        ):
            groups = range(piece.start, _stop(file, piece))
            known.rows = sum(file.metadata.row_group(i).num_rows for i in groups)
            names = file.schema_arrow.names
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise SourceError(
                    f"the column {twice[0]!r} occurs twice",
                    piece.path,
                    file.metadata.num_rows,
                    is_estimate=False,
                    todo="rename one of the columns",
                )
            yield file

    @contextmanager
    def _open_finer(
        self, piece: FileSlice, file: pq.ParquetFile
    ) -> Iterator[pq.ParquetFile | None]:
        """The same file with the timestamps of INT96 in nanoseconds, if such are read."""
        if not self._read_of(file).intersection(columns_with_int96(file)):
            yield None
            return
        with (
            storage.open_arrow(piece.path, self._storage_options) as source,
            _opened(source, "ns") as fine_file,
        ):
            yield fine_file

    def _read_of(self, file: pq.ParquetFile) -> set[str]:
        """The columns of a file that are read."""
        there = set(file.schema_arrow.names).difference(HIDDEN)
        return there if self._plan.columns is None else there.intersection(self._plan.columns)

    def _tables(self, piece: FileSlice, file: pq.ParquetFile, groups: range) -> Iterator[pa.Table]:
        """The rows of row groups, in slices of about one batch."""
        there = [name for name in file.schema_arrow.names if name not in HIDDEN]
        wanted = there
        if self._plan.columns is not None:
            wanted = [name for name in self._plan.columns if name in there]
        total = sum(file.metadata.row_group(i).total_byte_size for i in groups)
        rows = sum(file.metadata.row_group(i).num_rows for i in groups)
        size = max(1, min(_MOST_ROWS, rows * self._batch_bytes // max(total, 1)))
        columns = wanted if wanted != there else None
        done, is_decoded = 0, False
        with ExitStack() as others:
            while True:
                try:
                    for batch in _batches_behind(file, groups, columns, size, done):
                        done += batch.num_rows
                        yield pa.Table.from_batches([batch]).select(wanted)
                    return
                except pa.ArrowNotImplementedError:  # a nested column of over 2 GiB in one batch
                    if size == 1:
                        raise
                    size = max(1, size // 8)
                except pa.ArrowInvalid:  # a dictionary with a value that is not UTF-8
                    if is_decoded or not has_dictionaries(file):
                        raise
                    is_decoded = True
                    file = others.enter_context(self._open_decoded(piece, file))

    @contextmanager
    def _open_decoded(self, piece: FileSlice, file: pq.ParquetFile) -> Iterator[pq.ParquetFile]:
        """The same file with plain strings in the place of dictionaries."""
        with storage.open_arrow(piece.path, self._storage_options) as source:
            footer = footer_without_dictionaries(source, file)
            with _opened(source, "us", footer) as decoded_file:
                yield decoded_file

    def _conformed(
        self,
        table: pa.Table,
        numbers: Any,
        piece: FileSlice,
        report: ReadReport,
        fine: pa.Table | None = None,
    ) -> pa.Table:
        """The rows with the planned columns and types, numbered; rows that do not fit are told."""
        columns: list[Any] = [from_numpy(numbers)]
        fields = [pa.field(ROW, pa.int64())]
        bad: dict[int, str] = {}
        for name, kind in self._wanted(table).items():
            try:
                values = self._column(table, name, kind, fine)
            except BadRows as error:
                bad |= error.reasons
                values = pa.nulls(table.num_rows, kind.type)
            columns.append(values)
            fields.append(kind.to_field(name))
        made = pa.Table.from_arrays(columns, schema=pa.schema(fields))
        if not bad:
            return made
        good = np.ones(table.num_rows, np.bool_)
        good[list(bad)] = False
        for position, reason in sorted(bad.items()):
            record = record_of(table.slice(position, 1))[:_SHOWN]
            row = int(numbers[position])
            report.bad.append(
                BadRecord(piece.path, row, 0, -1, reason, record.encode("utf-8", "replace"))
            )
        left = from_numpy(good)
        kept = self._conformed(
            table.filter(left),
            numbers[good],
            piece,
            ReadReport(),
            None if fine is None else fine.filter(left),
        )
        assert kept.num_rows == int(good.sum())
        return kept

    def _column(self, table: pa.Table, name: str, kind: ColumnType, fine: pa.Table | None) -> Any:
        """A column in the type planned.

        Raises
        ------
        BadRows
            If some of the values do not fit.
        """
        index = table.schema.get_field_index(name)
        if index < 0:
            return pa.nulls(table.num_rows, kind.type)
        values, before = table.column(index), _own_field(table.schema.field(index))
        _refuse(rows_where(values, no_text), f"column {name!r} holds text that is not UTF-8")
        if fine is not None and name in fine.column_names:
            if in_nanoseconds(kind.type):
                reason = f"column {name!r} is {kind} in this output, which does not reach as far"
                _refuse(beyond_nanoseconds(values), reason)
                values = fine.column(name)
                before = before.with_type(values.type)
            else:
                hint = f"types={{{name!r}: 'timestamp[ns]'}} on the reader keeps them"
                reason = f"column {name!r} has nanoseconds in INT96; {hint}"
                _refuse(finer(values, fine.column(name)), reason)
        change = convert_as_asked if name in self.types else convert
        made = change(values, before, kind)
        return with_held_infinities(made) if kind.is_json else made

    def _wanted(self, table: pa.Table) -> Types:
        """The columns that a batch is to have."""
        plan = self._plan
        names = plan.columns if plan.columns is not None else plan.expected
        found: Types = {}
        for name in dict.fromkeys([*names, *table.column_names]):
            index = table.schema.get_field_index(name)
            kind = self.types.get(name) or plan.expected.get(name)
            if (kind is None or kind == NOTHING) and index >= 0:
                kind = declared_type(_own_field(table.schema.field(index)))
            kind = kind or NOTHING
            if plan.kinds.get(name) == TEXT and not kind.is_json:
                kind = ColumnType(_text_type(kind.type))
            found[name] = kind
        return found


def _opened(source: Any, unit: str, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """The file, whose pages are held against their checksums where it has such."""
    return pq.ParquetFile(
        source, metadata=footer, coerce_int96_timestamp_unit=unit, page_checksum_verification=True
    )


def _batches_behind(
    file: pq.ParquetFile, groups: range, columns: list[str] | None, size: int, done: int
) -> Iterator[pa.RecordBatch]:
    """The rows of row groups behind the first ``done``, up to ``size`` at a time."""
    left = list(groups)
    while left and (n_rows := file.metadata.row_group(left[0]).num_rows) <= done:
        done -= n_rows
        left.pop(0)
    for batch in file.iter_batches(size, left, columns=columns, use_threads=False):
        if done < batch.num_rows:
            yield batch.slice(done)
        done = max(0, done - batch.num_rows)


def _refuse(rows: Mask, reason: str) -> None:
    if rows.any():
        raise BadRows(dict.fromkeys(np.flatnonzero(rows).tolist(), reason))


def _own_field(field: pa.Field) -> pa.Field:
    """The field without the metadata of whoever wrote it, save that it is JSON."""
    return json_field(field.name) if is_json(field) else field.remove_metadata()


def _text_type(kind: pa.DataType) -> pa.DataType:
    """The type of strings that stages work on, where it is one of strings."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _text_type(kind.value_type)
    is_other = pa.types.is_null(kind) or pa.types.is_string_view(kind)
    return JSON_TEXT if is_other else kind


@dataclass
class _Known:
    """How many rows are read of a file, as soon as its footer tells."""

    rows: int | None = None


@contextmanager
def _faults_of(path: str, known: _Known) -> Iterator[None]:
    """Tell faults of a file from those of the storage: the system's own errors have a number."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, pa.ArrowMemoryError):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            with storage.failures("read", path):
                raise
        reason = storage.printable(" ".join(str(error).split()))
        raise SourceError(
            f"not a readable Parquet file: {reason}",
            path,
            known.rows or 0,
            is_estimate=known.rows is None,
            todo="mend, replace or remove the file",
        ) from error


def _stop(file: pq.ParquetFile, piece: FileSlice) -> int:
    n_groups = file.metadata.num_row_groups
    return n_groups if piece.stop is None else min(piece.stop, n_groups)
