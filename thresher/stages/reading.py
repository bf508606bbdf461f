# SPDX-License-Identifier: Apache-2.0
"""The contract between readers and the runner: rows out, bad records told, everything counted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa

from thresher.errors import DataError
from thresher.stages.base import ProcessingStage
from thresher.tasks import DocumentBatch, FileGroupTask

Self = TypeVar("Self", bound="ReaderStage")


@dataclass(frozen=True)
class BadRecord:
    """A record that could not be read.

    Parameters
    ----------
    path : str
        File it is in.
    row : int
        Its number within the part, from 0.
    line : int
        Line in the file, from 1; 0 where a format has none.
    offset : int
        Byte offset of the record in the (decompressed) file; -1 when it has none.
    reason : str
        What is wrong with it.
    record : bytes
        The record as read.
    """

    path: str
    row: int
    line: int
    offset: int
    reason: str
    record: bytes


@dataclass
class ReadReport:
    """What a reader tells the runner beside the rows.

    ``found`` counts records in the bytes, independently of the rows emitted; the run fails unless
    ``found = rows emitted + bad + dropped``. ``dropped`` maps a reason to records that the reader
    left out on purpose.
    """

    found: int = 0
    bad: list[BadRecord] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)


class ReaderStage(ProcessingStage[FileGroupTask, DocumentBatch]):
    """Reads the files of a group into batches.

    The planner binds a reader to the columns the plan uses; unbound, it reads all columns with
    types inferred from the group itself.
    """

    rows = "any"
    gil_free = True

    @property
    def raw_format(self) -> str:
        """The format whose raw records it can send along, ``""`` for none.

        They travel if the writer names the same format.
        """
        return ""

    @abstractmethod
    def read(self, task: FileGroupTask, report: ReadReport) -> Iterator[DocumentBatch]:
        """Yield batches in order, each with the ``__row`` column; tell bad records to ``report``.

        Raises
        ------
        DataError
            If a file as a whole cannot be read, or changed while it was read.
        """

    @abstractmethod
    def infer_schema(self, task: FileGroupTask, limit: int) -> pa.Schema:
        """Columns and types seen in the first ``limit`` records of the group."""

    @abstractmethod
    def bind(self: Self, schema: pa.Schema, columns: Sequence[str] | None, carry: bool) -> Self:
        """A copy that reads ``columns`` (None: all of ``schema``) as typed in ``schema``.

        With ``carry`` the records' raw bytes travel along, for a writer of the same format.
        """

    def streaming(self: Self, n_bytes: int) -> Self:
        """A copy that yields batches of about ``n_bytes``, for stages that work row by row.

        Small batches stay in caches and reuse memory; what comes out is the same.
        """
        return self

    def locate(self, task: FileGroupTask, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """``file``, ``line`` (0 if unknown) and ``offset`` of rows, found again in the source."""
        return {}

    def process(self, task: FileGroupTask) -> list[DocumentBatch]:
        """Read the whole group at once; for use outside a pipeline.

        Raises
        ------
        DataError
            If any record is broken; inside a pipeline such records go to quarantine.
        """
        report = ReadReport()
        batches = list(self.read(task, report))
        if report.bad:
            first = report.bad[0]
            raise DataError(
                f"{len(report.bad)} of {report.found} records are broken: {first.reason}",
                where=f"{first.path}, byte {first.offset}",
                todo="mend the file, or read it in a Pipeline, which quarantines such records",
            )
        return batches
