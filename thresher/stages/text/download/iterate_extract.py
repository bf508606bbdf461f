# SPDX-License-Identifier: Apache-2.0
"""DocumentIterateExtractStage: downloaded files in, batches of documents out, record by record."""

from __future__ import annotations

import json
import os
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

from thresher import storage
from thresher.errors import DataError, PlanError, error_text
from thresher.stages.reading import (
    BadRecord,
    ReaderStage,
    ReadPlan,
    ReadReport,
    Sample,
    SourceError,
)
from thresher.stages.text.download.download_stage import FAILED
from thresher.stages.text.download.iterator import (
    LINE,
    DocumentExtractor,
    DocumentIterator,
    Unreadable,
)
from thresher.stages.text.download.records import Gathered
from thresher.stages.text.io.decompress import CutOff
from thresher.tasks import DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.document import HIDDEN
from thresher.tasks.types import declared_type

Self = TypeVar("Self", bound="DocumentIterateExtractStage")

BATCH = 16 * 1024 * 1024
"""Characters of text a batch holds about, if it is not told otherwise."""

_SHOWN = 1 << 20
_END: Any = object()


class DocumentIterateExtractStage(ReaderStage):
    """Find the records in files, extract what is wanted of them, and batch them as they come.

    No file is held in memory as a whole. A record that cannot be read, on which the extractor
    raises, or whose values are of another kind than those before, goes to quarantine; after an
    exception of the iterator the rest of that file does, which is a failure of its part. Of a
    compressed file that is damaged nothing is used. Records that the extractor drops are counted
    under ``extractor``.

    Parameters
    ----------
    iterator : DocumentIterator
        Finds the records.
    extractor : DocumentExtractor | None
        Makes documents of them; they are taken as they are when not given.
    record_limit : int | None
        Records to keep of each file at most.
    add_filename_column : bool | str
        Whether to add a column with the file's name, and what to call it, if not ``file_name``. A
        record that has such a key keeps its own value.
    max_calls_per_worker : int | None
        Calls after which Ray replaces a worker. ``LocalExecutor(max_tasks_per_worker=...)`` says
        it for the local one.

    Raises
    ------
    PlanError
        If a column has the name of a hidden one, such as ``__row``.
    """

    gil_free = False

    def __init__(
        self,
        iterator: DocumentIterator,
        extractor: DocumentExtractor | None = None,
        record_limit: int | None = None,
        add_filename_column: bool | str = True,
        max_calls_per_worker: int | None = None,
    ) -> None:
        if record_limit is not None and record_limit < 1:
            raise PlanError(f"record_limit={record_limit} is no number", todo="give 1 or more")
        self.iterator = iterator
        self.extractor = extractor
        self.record_limit = record_limit
        self.add_filename_column = add_filename_column
        self.max_calls_per_worker = max_calls_per_worker
        self.name = f"iterate_extract_{type(iterator).__name__.lower()}"
        self._refuse_reserved_names()
        if max_calls_per_worker is not None:
            self._ray_stage_spec = {"max_calls_per_worker": max_calls_per_worker}
        self._batch_bytes = BATCH
        self._places: list[_Place] = []
        self._read_last: tuple[FileSlice, ...] = ()

    def _refuse_reserved_names(self) -> None:
        names = {*self.outputs()[1], *self.iterator.output_columns()}
        for name in sorted(names & {*HIDDEN, LINE}):
            raise PlanError(
                f"{name!r} is a name of Thresher's own, which no column can have",
                where=f"stage {self.name!r}",
                todo="leave it out, or have it under another name",
            )

    @property
    def filename_column(self) -> str | None:
        """What the column with the file's name is called; None if there is none."""
        given = self.add_filename_column
        if isinstance(given, str):
            return given
        return "file_name" if given else None

    def outputs(self) -> tuple[list[str], list[str]]:
        """The columns of the documents."""
        maker = self.extractor or self.iterator
        name = self.filename_column
        return [], list(dict.fromkeys([*maker.output_columns(), *([name] if name else [])]))

    def streaming(self: Self, n_bytes: int) -> Self:
        """A copy that yields batches of about ``n_bytes``."""
        return self.copy(_batch_bytes=n_bytes)

    def bind(self: Self, plan: ReadPlan) -> Self:
        """The stage itself: an iterator gives what it gives."""
        return self

    def sample(self, task: FileGroupTask, limit: int) -> Sample:
        """Columns and types of the first ``limit`` documents."""
        small = self.copy(record_limit=limit, _places=[])
        for batch in small.read(task, ReadReport()):
            schema = batch.data.schema
            types = {f.name: declared_type(f) for f in schema if f.name not in HIDDEN}
            return Sample(types, tuple(types))
        return Sample({})

    # -- reading ------------------------------------------------------------------------------

    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with ``__row``; tell bad records to ``report``."""
        self._places, self._read_last = [], task.slices
        gathered = Gathered(self._batch_bytes)
        for url, reason in task._metadata.get(FAILED, ()):
            report.bad.append(BadRecord(url, report.found, 0, -1, reason, url.encode()))
            report.found += 1
        for piece in task.slices:
            _verify(piece)
            for number, document in self._documents(piece, report, alone=len(task.slices) == 1):
                gathered.add(number, document)
                if gathered.is_full:
                    yield self._batch(task, gathered, report)
            _verify(piece)
        last = self._batch(task, gathered, report)
        if last.num_items:
            yield last

    def _documents(
        self, piece: FileSlice, report: ReadReport, *, alone: bool
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """(number, document) of every record of a file that is kept."""
        path, name = piece.path, os.path.basename(piece.path)
        place = _Place(report.found, path)
        self._places.append(place)
        column = self.filename_column
        kept = 0
        with storage.failures("read", path):
            records = self.iterator.iterate(path)
            while self.record_limit is None or kept < self.record_limit:
                number = report.found
                nothing_read = alone and number == 0
                record = self._next(records, path, number - place.first, nothing_read=nothing_read)
                if record is _END:
                    return
                report.found += 1
                if isinstance(record, Unreadable):
                    report.bad.append(_bad_record(path, number, record))
                    continue
                try:
                    record = dict(record)
                    place.add(number, record.pop(LINE, 0))
                except (TypeError, ValueError, OverflowError) as error:
                    reason = f"no record with the number of its line in {LINE!r}: {error}"
                    self._set_aside(number, record, reason, report)
                    continue
                if column is not None:
                    record.setdefault(column, name)
                document = self._extracted(record, number, report)
                if document is not None:
                    kept += 1
                    yield number, document
            close = getattr(records, "close", None)
            if close is not None:
                close()

    def _next(self, records: Iterator[Any], path: str, number: int, *, nothing_read: bool) -> Any:
        """The next record, ``_END``, or what stands for the rest of a file that is broken."""
        try:
            return next(records, _END)
        except (MemoryError, SourceError):
            raise
        except Exception as error:
            # The system's own errors have a number; gzip's and its like are errors of the data.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if isinstance(error, CutOff):  # what no checksum confirms may be anything
                raise SourceError(str(error), path, number, todo="mend or replace it") from error
            reason = f"the rest of the file cannot be read: {error_text(error)}"
            if nothing_read:
                raise DataError(
                    f"the file cannot be read: {error_text(error)}",
                    where=path,
                    todo="check that it is what the iterator reads; remove it to download it anew",
                ) from error
            return Unreadable(reason, is_rest=True)

    def _extracted(
        self, record: dict[str, Any], number: int, report: ReadReport
    ) -> dict[str, Any] | None:
        """The document of a record; None if it is dropped or set aside."""
        if self.extractor is None:
            return record
        column = self.filename_column
        try:
            document = self.extractor.extract(record)
            if not isinstance(document, Mapping | None):
                raise TypeError(f"extract() gave a {type(document).__name__}, and no dict")
        except MemoryError:
            raise
        except Exception as error:
            self._set_aside(number, record, error_text(error), report)
            return None
        if document is None:
            report.dropped["extractor"] = report.dropped.get("extractor", 0) + 1
        elif column is not None and column not in document:
            document = {**document, column: record[column]}
        return document

    def _batch(self, task: FileGroupTask, gathered: Gathered, report: ReadReport) -> DocumentBatch:
        table, misfits = gathered.take()
        names = [name for name in table.column_names if name not in HIDDEN]
        report.first_names = report.first_names or tuple(names)
        report.names.update(names)
        for number, record, reason in misfits:
            self._set_aside(number, record, reason, report)
        return DocumentBatch(task.dataset_name, table, _metadata=dict(task._metadata))

    # -- quarantine ---------------------------------------------------------------------------

    def _set_aside(self, number: int, record: object, reason: str, report: ReadReport) -> None:
        place = self._place(number)
        try:
            text = json.dumps(record, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):  # keys that are no text, for instance
            text = repr(record)
        report.bad.append(
            BadRecord(
                place.get("file", ""),
                number,
                place.get("line", 0),
                -1,
                reason,
                text[:_SHOWN].encode("utf-8", "backslashreplace"),
            )
        )

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """The file, and where the iterator tells it the line, of rows that were just read."""
        if task.slices != self._read_last:  # of what another worker has read nothing is known
            return {}
        return {row: place for row in rows if (place := self._place(row))}

    def _place(self, row: int) -> dict[str, Any]:
        for place in reversed(self._places):
            if place.first <= row:
                return {"file": place.path, "line": place.line(row), "offset": -1}
        return {}


def _bad_record(path: str, number: int, told: Unreadable) -> BadRecord:
    return BadRecord(
        path, number, told.line, told.offset, told.reason, told.record, is_rest=told.is_rest
    )


class _Place:
    """A file, the number of its first record, and the lines its records begin in."""

    def __init__(self, first: int, path: str) -> None:
        self.first = first
        self.path = path
        self._rows = array("q")
        self._lines = array("q")

    def add(self, row: int, line: int) -> None:
        """Note where a record begins, if it is known."""
        if line:
            self._lines.append(line)  # first: it refuses what is no number
            self._rows.append(row)

    def line(self, row: int) -> int:
        """The line a record begins in; 0 if it is unknown."""
        index = bisect_left(self._rows, row)
        known = index < len(self._rows) and self._rows[index] == row
        return self._lines[index] if known else 0


def _verify(piece: FileSlice) -> None:
    """Refuse a file that is not the one that was downloaded."""
    if piece.size < 0 and not piece.version:
        return
    now = storage.stat(piece.path)
    if piece.size != now.size or not storage.is_version(piece.version, now.version):
        raise DataError(
            "the file changed after it was downloaded",
            where=piece.path,
            todo="let nothing else write to the download folder, and run again",
        )
