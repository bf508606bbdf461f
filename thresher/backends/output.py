# SPDX-License-Identifier: Apache-2.0
"""Closed temporaries: the files a call leaves for the driver to record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Any

from thresher import storage
from thresher.backends.context import Attempt, RunContext
from thresher.backends.quarantine import Rejected, rows_in_file
from thresher.backends.whole_tasks import of_writing
from thresher.errors import StorageError
from thresher.runs.crash_points import crash_point
from thresher.runs.part import OUT, QUARANTINE, SPILL, Path, WrittenFile
from thresher.runs.task_file import count_items, write_task
from thresher.stages.writing import BaseWriter, WriteStream
from thresher.storage.failures import from_os_error
from thresher.storage.temporaries import make_parent, sync_file
from thresher.tasks import DocumentBatch, FileGroupTask, Task
from thresher.tasks.types import Types, encode


class LazyStream:
    """A writer's stream that opens its file with the first batch."""

    def __init__(self, writer: BaseWriter, full: str) -> None:
        self._writer = writer
        self._full = full
        self.opened: WriteStream | None = None

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise a DataError and append none."""
        if self.opened is None:
            self.opened = self._writer.stream(self._full)
        self.opened.write(task)

    def close(self) -> None:
        """Finish the file."""
        try:
            if self.opened is not None:
                self.opened.close()
        except Exception as error:
            raise of_writing(self._writer, error) from error


class OutputFiles:
    """The temporaries of one call, below ``<temporaries>/<token>/``.

    They are opened exclusively, synced, counted and hashed before they are told to anyone.
    """

    def __init__(self, context: RunContext, attempt: Attempt, path: Path) -> None:
        self.context = context
        self.attempt = attempt
        self.written: list[WrittenFile] = []
        # An engine may run a call again behind our back while the first one's files are in use.
        self._stem = f"{'-'.join(map(str, path)) or 'root'}-{token_hex(4)}"
        self._n = 0
        self._opened: list[str] = []

    @contextmanager
    def writing(self, writer: BaseWriter, path: Path) -> Iterator[LazyStream]:
        """A stream to a temporary on port ``out``; no file if no row is written to it."""
        temp, full = self._temp(OUT)
        beside = {ending: writer.companion(full, ending) for ending in writer.companions}
        self._opened += beside.values()
        crash_point("before-write")
        stream = LazyStream(writer, full)
        try:
            yield stream
        except BaseException:
            with suppress(Exception):  # what went wrong first says more
                stream.close()
            raise
        stream.close()
        if stream.opened is None:
            return
        rows = writer.count_rows(full) if storage.store_for(full).size(full) is not None else 0
        if not rows:  # the format has refused all of them
            for path_of in (full, *beside.values()):
                storage.store_for(path_of).remove(path_of)
            return
        types = getattr(stream.opened, "types", None) if writer.typed else None
        self._close(OUT, path, temp, full, rows, writer.file_extension, types)
        for ending, other in beside.items():
            self._close(OUT, path, writer.companion(temp, ending), other, 0, ending)
        crash_point("after-write")

    def spill(self, path: Path, task: Task[Any], source: FileGroupTask | None = None) -> None:
        """Keep a task for the next Segment, or for the run's result.

        ``source`` is what it was read from.
        """
        temp, full = self._temp(SPILL)
        with _named(full), storage.open_write(full) as file:
            write_task(task, file, source)
        self._close(SPILL, path, temp, full, count_items(full), "arrow")

    def reject(self, path: Path, rejected: list[Rejected]) -> None:
        """Write rows that go to quarantine."""
        temp, full = self._temp(QUARANTINE)
        lines = [entry.to_json() for entry in rejected]
        with _named(full), storage.open_write(full) as file:
            file.writelines(lines)
        self._close(QUARANTINE, path, temp, full, rows_in_file(full), "ndjson")

    def _temp(self, port: str) -> tuple[str, str]:
        """(path below the port's root, full path) of the next temporary."""
        out = port == OUT
        folder = self.context.temp_output if out else self.context.temp_run
        root = self.context.output if out else self.context.run_dir
        name = f"{folder}/{self.attempt.token}/{port}-{self._stem}-{self._n}"
        self._n += 1
        full = f"{root}/{name}"
        make_parent(full)
        self._opened.append(full)
        return name, full

    def discard(self) -> None:
        """Remove what this call has written: it failed, or was only a probe."""
        self.written = []
        for full in self._opened:
            with suppress(StorageError):
                storage.store_for(full).remove(full)

    def _close(
        self,
        port: str,
        path: Path,
        temp: str,
        full: str,
        rows: int,
        extension: str,
        types: tuple[Types, Types] | None = None,
    ) -> None:
        if self.context.durable:
            sync_file(full)
        store = storage.store_for(full)
        size = store.size(full) or 0
        digest = store.digest(full)
        holds, columns = ("", "") if types is None else map(encode, types)
        columns = "" if columns == holds else columns
        self.written.append(
            WrittenFile(port, path, temp, rows, size, digest, extension, holds, columns)
        )


@contextmanager
def _named(full: str) -> Iterator[None]:
    """Name the file in what the system fails to do: a full disk says nothing of where it is."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, "write", full) from error
