# SPDX-License-Identifier: Apache-2.0
"""Parcels: tasks between Steps, as bytes in the message or as an Arrow file that is passed by path.

Files go to shared memory while there is room, then to disk. They are written plainly, never
through a memory map: a full shared memory is an error there, and a dead process otherwise.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa

from thresher.backends.bisect import join
from thresher.backends.overflow import OverflowingFile
from thresher.runs.task_file import (
    from_bytes,
    read_table,
    read_task,
    to_bytes,
    without_data,
    write_task,
)
from thresher.tasks import DocumentBatch, Task

INLINE_BYTES = 32_768
TASK_BYTES = 128 * 1024 * 1024
"""Size up to which the batches that a reader streams leave its Step as one task."""

SHARED = Path("/dev/shm")
_PREFIX = "thresher-"


@dataclass(frozen=True)
class Parcel:
    """A task on its way to another worker: ``data`` itself, or the ``path`` of its file.

    ``rest`` is what a file that holds nothing but a table lacks.
    """

    data: bytes | None = None
    path: str = ""
    size: int = 0
    task: Task[Any] | None = None
    rest: bytes = b""

    def open(self) -> Task[Any]:
        """The task inside."""
        if self.task is not None:
            return self.task
        if self.rest:
            return read_table(self.path, self.rest)
        return read_task(self.path) if self.data is None else from_bytes(self.data)

    def pieces(self) -> Iterator[Task[Any]]:
        """The batches that were joined, one after another, each in memory of its own."""
        task = pickle.loads(self.rest)
        with pa.OSFile(self.path) as source:
            batches = pa.ipc.open_file(source)
            for index in range(batches.num_record_batches):
                yield task.with_data(pa.Table.from_batches([batches.get_batch(index)]))

    def discard(self) -> None:
        """Remove the file, if there is one."""
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


class Packer(Protocol):
    """Makes parcels of a call's tasks."""

    def pack(self, task: Task[Any]) -> Parcel:
        """Put a task into a parcel."""

    def pack_joined(self, tasks: Iterable[Task[Any]], most: int) -> Iterator[Parcel]:
        """Put neighbouring batches of one schema into parcels of up to ``most`` bytes.

        All packers cut at the same places: they decide on how many files there are.
        """


class Handed:
    """The packer of workers in one process: tasks are handed over as they are."""

    def pack(self, task: Task[Any]) -> Parcel:
        """Hand a task over."""
        return Parcel(task=task)

    def pack_joined(self, tasks: Iterable[Task[Any]], most: int) -> Iterator[Parcel]:
        """Hand neighbouring batches over, joined."""
        gathered: list[DocumentBatch] = []
        size = 0
        for task in tasks:
            if gathered and not _follows(task, gathered[0], size, most):
                yield from map(self.pack, join(gathered))
                gathered, size = [], 0
            if not isinstance(task, DocumentBatch):
                yield self.pack(task)
                continue
            gathered.append(task)
            size += task.size_bytes
        yield from map(self.pack, join(gathered))


@dataclass(frozen=True)
class ParcelFolders:
    """Where parcels go: shared memory first, disk when it is half full."""

    shared: str
    disk: str

    @classmethod
    def create(cls, disk: str) -> ParcelFolders:
        """Make this process's folders, and sweep those of processes that are gone."""
        sweep_orphans()
        sweep_orphans(Path(disk))
        name = f"{_PREFIX}{os.getpid()}-{uuid4().hex[:8]}"
        shared = ""
        if os.access(SHARED, os.W_OK):
            shared = str(SHARED / name)
            Path(shared).mkdir()
        folder = Path(disk) / name
        folder.mkdir(parents=True, exist_ok=True)
        return cls(shared, str(folder))

    def pack(self, task: Task[Any]) -> Parcel:
        """Put a task into a parcel."""
        size = task.data.nbytes if isinstance(task, DocumentBatch) else 0
        if size <= INLINE_BYTES:
            data = to_bytes(task)
            return Parcel(data=data, size=len(data))
        with self.open(size) as file:
            write_task(task, file)
        return Parcel(path=file.path, size=os.path.getsize(file.path))

    def pack_joined(self, tasks: Iterable[Task[Any]], most: int) -> Iterator[Parcel]:
        """Put neighbouring batches into few parcels.

        They are written as they come: no more than one of them is held.
        """
        stream = _Stream(self)
        for task in tasks:
            if stream.first is not None and not _follows(task, stream.first, stream.size, most):
                yield stream.close()
                stream = _Stream(self)
            if isinstance(task, DocumentBatch):
                stream.add(task)
            else:
                yield self.pack(task)
        if stream.first is not None:
            yield stream.close()

    def open(self, size: int) -> OverflowingFile:
        """The file of a new parcel of about ``size`` bytes."""
        name = uuid4().hex
        folder = self.shared if _has_room(self.shared, size) else self.disk
        return OverflowingFile(f"{folder}/{name}", f"{self.disk}/{name}")

    def remove(self) -> None:
        """Remove both folders."""
        for folder in (self.shared, self.disk):
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


class _Stream:
    """Batches of one schema on their way into one parcel."""

    def __init__(self, folders: ParcelFolders) -> None:
        self._folders = folders
        self._small: list[DocumentBatch] = []
        self._file: OverflowingFile | None = None
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self.size = 0
        self._carried: frozenset[str] = frozenset()
        self.first: DocumentBatch | None = None

    def add(self, task: DocumentBatch) -> None:
        """Write a batch, or keep it while all of them are small."""
        if self.first is None:
            self.first, self._carried = task, task._carried
        self._carried &= task._carried
        self.size += task.size_bytes
        self._small.append(task)
        if self.size <= INLINE_BYTES:
            return
        if self._writer is None:
            self._file = self._folders.open(TASK_BYTES)
            self._writer = pa.ipc.new_file(self._file, task.data.schema)
        for batch in self._small:
            self._writer.write_table(batch.data)
        self._small = []

    def close(self) -> Parcel:
        """The finished parcel."""
        assert self.first is not None
        if self._writer is None or self._file is None:
            data = to_bytes(join(self._small)[0])
            return Parcel(data=data, size=len(data))
        self._writer.close()
        self._file.close()
        rest = without_data(self.first, _carried=self._carried)
        return Parcel(path=self._file.path, size=os.path.getsize(self._file.path), rest=rest)


def _follows(task: Task[Any], first: DocumentBatch, size: int, most: int) -> bool:
    """Whether a task may join those that begin with ``first`` and have ``size`` bytes."""
    return (
        isinstance(task, DocumentBatch)
        and size + task.size_bytes <= most
        and bool(task.data.schema.equals(first.data.schema, check_metadata=True))
    )


def sweep_orphans(folder: Path | None = None) -> None:
    """Remove parcel folders whose process is gone; from shared memory if not told otherwise."""
    folder = folder or SHARED
    if not folder.is_dir():
        return
    for found in folder.glob(f"{_PREFIX}*-*"):
        pid = found.name[len(_PREFIX) :].partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(found, ignore_errors=True)


def _has_room(folder: str, size: int) -> bool:
    """Whether shared memory stays at most half full with ``size`` bytes more."""
    if not folder:
        return False
    usage = shutil.disk_usage(folder)
    return usage.free - size >= usage.total // 2
