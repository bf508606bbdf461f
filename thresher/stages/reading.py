# SPDX-License-Identifier: Apache-2.0
"""The contract between readers and the runner: rows out, bad records told, everything counted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from thresher.errors import DataError
from thresher.stages.base import ProcessingStage
from thresher.tasks import DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.types import Types

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
    is_rest : bool
        Whether it stands for all that follows in the file, however many records these are.
    """

    path: str
    row: int
    line: int
    offset: int
    reason: str
    record: bytes
    is_rest: bool = False


@dataclass
class ReadReport:
    """What a reader tells the runner beside the rows.

    Parameters
    ----------
    found : int
        Records in the bytes, counted independently of the rows emitted; the run fails unless
        ``found = rows emitted + bad + dropped``.
    bad : list[BadRecord]
        Records that cannot be read.
    dropped : dict[str, int]
        Records that the reader left out on purpose, by reason.
    first_names : tuple[str, ...]
        Columns of the first record, in order.
    names : set[str]
        Columns that any record has.
    warnings : list[str]
        What is odd about the source, and harmless.
    """

    found: int = 0
    bad: list[BadRecord] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    first_names: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


class SourceError(DataError):
    """One file of a group cannot be read as a whole; its rows are set aside, all of them.

    Parameters
    ----------
    path : str
        The file.
    rows : int
        Records in it: as many as were counted before the fault, or an estimate of all.
    is_estimate : bool
        Whether ``rows`` is an estimate.
    """

    def __init__(
        self, what: str, path: str, rows: int = 0, is_estimate: bool = True, todo: str = ""
    ) -> None:
        super().__init__(what, where=path, todo=todo)
        self.path = path
        self.rows = rows
        self.is_estimate = is_estimate

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return (type(self), (self.what, self.path, self.rows, self.is_estimate, self.todo))


@dataclass(frozen=True)
class ReadPlan:
    """What of the records a plan uses.

    Parameters
    ----------
    columns : tuple[str, ...] | None
        Columns to parse; None is all that there are.
    kinds : dict[str, str]
        ``"text"`` or ``"number"`` for columns that a stage declares as such: a value of another
        kind costs its record.
    carry : bool
        Whether the records' raw bytes travel along, for a writer of the same format.
    expected : dict[str, ColumnType]
        Columns that a sample has, or that all files have. A sample only says what to look for
        first; a column without a type has in each file that of the file.
    always : tuple[str, ...]
        Columns that every batch has, with nulls where no record has them.
    shown : tuple[str, ...]
        Columns that a sample has, which stages of tables see in every batch. A writer leaves those
        out that no record has: a sample decides nothing.
    """

    columns: tuple[str, ...] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    carry: bool = False
    expected: Types = field(default_factory=dict)
    always: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """What the first records of a source tell.

    Parameters
    ----------
    columns : dict[str, ColumnType]
        Their columns.
    first_names : tuple[str, ...]
        Those of the first record, in order.
    is_whole : bool
        Whether there are no other records.
    reserved : tuple[str, ...]
        Names that Thresher's own columns have.
    """

    columns: Types
    first_names: tuple[str, ...] = ()
    is_whole: bool = False
    reserved: tuple[str, ...] = ()


class ReaderStage(ProcessingStage[FileGroupTask, DocumentBatch]):
    """Reads the files of a group into batches.

    The planner binds a reader to what the plan uses; unbound, it reads all columns.

    ``knows_types`` is true where files say the types of their columns, so that these are known
    when a pipeline is planned.
    """

    rows = "any"
    gil_free = True
    knows_types: ClassVar[bool] = False

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
        SourceError
            If a file as a whole cannot be read.
        DataError
            If the group cannot be read, or changed while it was read.
        StorageError
            If the storage fails; never a fault of the data.
        """

    @abstractmethod
    def sample(self, task: FileGroupTask, limit: int) -> Sample:
        """Columns and types of the first ``limit`` records of the group, or of all its files."""

    @abstractmethod
    def bind(self: Self, plan: ReadPlan) -> Self:
        """A copy that reads what the plan uses."""

    def streaming(self: Self, n_bytes: int) -> Self:
        """A copy that yields batches of about ``n_bytes``, for stages that work row by row.

        Small batches stay in caches and reuse memory; what comes out is the same.
        """
        return self

    def wanted_names(self) -> Collection[str] | None:
        """Columns that it was asked to read; None if it reads all."""
        return None

    def pinned_types(self) -> Types:
        """Types that columns were asked to have."""
        return {}

    def asked_for(self) -> Collection[str]:
        """Columns that the reader or a stage names; told of if no record has them."""
        return ()

    def file_types(self, piece: FileSlice, observed: Collection[str] = ()) -> Types:
        """The columns of a file; ``observed`` ones as far as its statistics tell.

        For readers whose files know their types.
        """
        return {}

    def count(self, task: FileGroupTask) -> dict[str, int]:
        """Records of each file; found by reading it, if there is no cheaper way."""
        counts = dict.fromkeys(task.data, 0)
        for piece in task.slices:
            report = ReadReport()
            alone = task.evolve(data=[piece.path], slices=(piece,))
            for _ in self.read(alone, report):
                pass
            counts[piece.path] += report.found
        return counts

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
