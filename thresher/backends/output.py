# SPDX-License-Identifier: Apache-2.0
"""Closed temporaries: the files a call leaves for the driver to record."""

from __future__ import annotations

import contextlib
from typing import Any

from thresher import storage
from thresher.backends.context import Attempt, RunContext
from thresher.backends.quarantine import Rejected
from thresher.errors import StorageError
from thresher.runs.crash_points import crash_point
from thresher.runs.part import OUT, QUARANTINE, SPILL, Path, WrittenFile
from thresher.runs.task_file import write_task
from thresher.stages.writing import BaseWriter
from thresher.storage.temporaries import count_lines, make_parent, sync_file
from thresher.tasks import DocumentBatch, Task


class OutputFiles:
    """The temporaries of one call, below ``<temporaries>/<token>/``.

    They are opened exclusively, synced, counted and hashed before they are told to anyone.
    """

    def __init__(self, context: RunContext, attempt: Attempt, path: Path) -> None:
        self.context = context
        self.attempt = attempt
        self.written: list[WrittenFile] = []
        self._stem = "-".join(map(str, path)) or "root"
        self._n = 0

    def write(self, writer: BaseWriter, path: Path, task: DocumentBatch) -> None:
        """Have ``writer`` write one batch to a temporary on port ``out``."""
        crash_point("before-write")
        temp, full = self._temp(OUT)
        writer.write_data(task, full)
        rows = writer.count_rows(full)
        self._close(OUT, path, temp, full, rows, writer.file_extension)
        crash_point("after-write")

    def try_write(self, writer: BaseWriter, task: DocumentBatch) -> None:
        """Find out whether ``writer`` takes a batch; leaves nothing behind."""
        _, full = self._temp(OUT)
        try:
            writer.write_data(task, full)
        finally:
            with contextlib.suppress(StorageError):
                storage.store_for(full).remove(full)

    def spill(self, path: Path, task: Task[Any]) -> None:
        """Keep a task for the next Segment, or for the run's result."""
        temp, full = self._temp(SPILL)
        with storage.open_write(full) as file:
            rows = write_task(task, file)
        self._close(SPILL, path, temp, full, rows, "arrow")

    def reject(self, path: Path, rejected: list[Rejected]) -> None:
        """Write rows that go to quarantine."""
        temp, full = self._temp(QUARANTINE)
        lines = [entry.to_json() for entry in rejected]
        with storage.open_write(full) as file:
            file.writelines(lines)
        rows = count_lines(full)
        self._close(QUARANTINE, path, temp, full, rows, "ndjson")

    def _temp(self, port: str) -> tuple[str, str]:
        """(path below the port's root, full path) of the next temporary."""
        out = port == OUT
        folder = self.context.temp_output if out else self.context.temp_run
        root = self.context.output if out else self.context.run_dir
        name = f"{folder}/{self.attempt.token}/{port}-{self._stem}-{self._n}"
        self._n += 1
        full = f"{root}/{name}"
        make_parent(full)
        return name, full

    def _close(
        self, port: str, path: Path, temp: str, full: str, rows: int, extension: str
    ) -> None:
        if self.context.durable:
            sync_file(full)
        store = storage.store_for(full)
        size = store.size(full) or 0
        self.written.append(
            WrittenFile(port, path, temp, rows, size, store.digest(full), extension)
        )
