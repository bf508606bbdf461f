# SPDX-License-Identifier: Apache-2.0
"""The contract between writers and the runner: one file per call, counted after it is closed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import pyarrow as pa

from thresher.errors import PlanError
from thresher.stages.base import ProcessingStage
from thresher.tasks import DocumentBatch, FileGroupTask

Self = TypeVar("Self", bound="BaseWriter")

MODES = ("ignore", "overwrite", "error", "append")


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

    def stream(self, file_path: str) -> WriteStream:
        """Open the new file ``file_path`` for batches that follow one another.

        Formats that cannot be appended to gather the batches and write them when closed.
        """
        return _Gathered(self, file_path)

    def companion(self, file_path: str, extension: str) -> str:
        """Path of the file with one of ``companions`` that belongs to ``file_path``."""
        return f"{file_path.removesuffix(f'.{self.file_extension}')}.{extension}"

    def with_schema(self: Self, schema: pa.Schema) -> Self:
        """A copy that holds to the columns and types planned; JSONL needs none."""
        return self

    @abstractmethod
    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""

    @abstractmethod
    def count_rows(self, file_path: str) -> int:
        """Rows in a closed file, counted from the file itself."""

    def process(self, task: DocumentBatch) -> FileGroupTask:
        """Write one task straight to ``path``; for use outside a pipeline."""
        from pathlib import Path

        target = Path(self.path)
        target.mkdir(parents=True, exist_ok=True)
        name = (task.task_id or "task-000000").replace("/", "-")
        file_path = str(target / f"{name}.{self.file_extension}")
        self.write_data(task, file_path)
        return FileGroupTask(dataset_name=task.dataset_name, data=[file_path])


class _Gathered:
    """A stream for writers that only know how to write a file at once."""

    def __init__(self, writer: BaseWriter, file_path: str) -> None:
        self._writer = writer
        self._file_path = file_path
        self._tasks: list[DocumentBatch] = []

    def write(self, task: DocumentBatch) -> None:
        """Keep the batch."""
        self._tasks.append(task)

    def close(self) -> None:
        """Write all batches as one."""
        tables = [task.data for task in self._tasks]
        carried = frozenset.intersection(*(task._carried for task in self._tasks))
        joined = pa.concat_tables(tables, promote_options="permissive")
        task = self._tasks[0].evolve(data=joined, _carried=carried)
        self._writer.write_data(task, self._file_path)
