# SPDX-License-Identifier: Apache-2.0
"""The contract between writers and the runner: one file per call, counted after it is closed."""

from __future__ import annotations

import itertools
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import uuid4

from thresher import storage
from thresher.errors import PlanError
from thresher.stages.base import ProcessingStage
from thresher.stages.reading import ReaderStage
from thresher.tasks import DocumentBatch, FileGroupTask
from thresher.tasks.types import Types

Self = TypeVar("Self", bound="BaseWriter")

_EXTENSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")

MODES = ("ignore", "overwrite", "error", "append")


@dataclass(frozen=True)
class WritePlan:
    """What a plan knows of the columns that are to be written.

    Parameters
    ----------
    expected : dict[str, ColumnType]
        Types that columns are likely to have in the end.
    first, last : tuple[str, ...]
        Columns that stand before and behind all others.
    final : dict[str, ColumnType] | None
        The columns of all files, once they are known.
    """

    expected: Types = field(default_factory=dict)
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    final: Types | None = None


class WriteStream(Protocol):
    """An open output file."""

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise a DataError and append none."""

    def close(self) -> None:
        """Finish the file."""


class BaseWriter(ProcessingStage[DocumentBatch, FileGroupTask]):
    """Writes what arrives in one call, a part as a rule, to one file below ``path``.

    The runner decides where: a temporary beside the output first, which is published under the
    part's name when the driver has recorded it.

    Parameters
    ----------
    path : str
        Output directory.
    file_extension : str
        Without the dot.
    write_kwargs : dict | None
        Options of the format's writer.
    fields : list[str] | None
        Columns to write; None writes all.
    mode : str
        Once per run, for an output directory that is not empty: ``"ignore"`` leaves other files
        alone, ``"overwrite"`` removes what earlier runs wrote, ``"error"`` refuses, ``"append"``
        adds files under a new prefix.
    """

    rows = "same"
    is_sink_stage = True
    placement_parameters = frozenset(("path", "mode"))
    gil_free = True

    typed: ClassVar[bool] = False
    """Whether all of its files have one schema in the end. Its streams then have ``types``: those
    of the values written, and those of the file's columns."""

    companions: ClassVar[tuple[str, ...]] = ()
    """Extensions of further files that each file is made with. Rows are counted in the first."""

    def __init__(
        self,
        path: str,
        file_extension: str,
        write_kwargs: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        mode: str = "ignore",
    ) -> None:
        self.path = str(path)
        self.file_extension = file_extension.lstrip(".")
        if not _EXTENSION.fullmatch(self.file_extension):
            raise PlanError(
                f"file_extension={file_extension!r} is no ending of a file's name",
                where=f"stage {self.name!r}",
                todo="use letters, digits, dots, '-' and '_', such as 'jsonl'",
            )
        self.write_kwargs = dict(write_kwargs or {})
        self.fields = list(fields) if fields is not None else None
        self.mode = str(mode).strip().lower()
        if self.mode not in MODES:
            raise PlanError(
                f"mode={mode!r} is not a writer mode",
                where=f"stage {self.name!r}",
                todo=f"use one of {', '.join(MODES)}",
            )

    @property
    def raw_format(self) -> str:
        """The format whose raw records it can write as they are, ``""`` for none."""
        return ""

    def columns(self, held: Types) -> Types:
        """The columns of files that hold values of these types, where all have one schema."""
        return held

    def reader_of_own(self) -> ReaderStage:
        """What reads its files back, where all are to have one schema."""
        raise NotImplementedError

    def stream(self, file_path: str) -> WriteStream:
        """Open the new file ``file_path`` for batches that follow one another.

        A format that cannot be appended to is given all rows of the file at once, and again
        without those that it refuses.
        """
        return _Whole(self, file_path)

    @property
    def appends(self) -> bool:
        """Whether its streams take batch after batch."""
        return type(self).stream is not BaseWriter.stream

    def companion(self, file_path: str, extension: str) -> str:
        """Path of the file with one of ``companions`` that belongs to ``file_path``."""
        return f"{file_path.removesuffix(f'.{self.file_extension}')}.{extension}"

    def bind(self: Self, plan: WritePlan) -> Self:
        """A copy that knows what columns to expect; most formats need not."""
        return self

    @abstractmethod
    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""

    @abstractmethod
    def count_rows(self, file_path: str) -> int:
        """Rows in a closed file, counted from the file itself."""

    def process(self, task: DocumentBatch) -> FileGroupTask:
        """Write one task straight to a new file below ``path``; for use outside a pipeline.

        The file is named after the task's id, with a number if there is such a file; a task
        without one gets a random name. Nothing is overwritten.
        """
        folder = storage.absolute(self.path).rstrip("/")
        store = storage.store_for(folder)
        store.make_folder(folder)
        name = storage.portable_name(task.task_id.replace("/", "-")) or uuid4().hex
        for number in itertools.count():
            suffix = f"-{number:04d}" if number else ""
            file_path = f"{folder}/{name}{suffix}.{self.file_extension}"
            if store.create(file_path, b""):  # ours from here on
                break
        try:
            self.write_data(task, file_path)
        except BaseException:
            store.remove(file_path)
            raise
        return FileGroupTask(dataset_name=task.dataset_name, data=[file_path])


class _Whole:
    """A stream for writers that only know how to write a file at once: each batch is all of it."""

    def __init__(self, writer: BaseWriter, file_path: str) -> None:
        self._writer = writer
        self._paths = [file_path, *(writer.companion(file_path, x) for x in writer.companions)]

    def write(self, task: DocumentBatch) -> None:
        """Write the file, in the place of one that was written before."""
        self._remove()
        try:
            self._writer.write_data(task, self._paths[0])
        except BaseException:
            self._remove()
            raise

    def close(self) -> None:
        """Nothing is left to do."""

    def _remove(self) -> None:
        for path in self._paths:
            storage.store_for(path).remove(path)
