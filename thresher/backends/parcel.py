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
from thresher.tasks.joining import join

INLINE_BYTES = 32_768
TASK_BYTES = 128 * 1024 * 1024
"""Size up to which the batches that a reader streams leave its Step as one task."""

SHARED = Path("/dev/shm")
_PREFIX = "thresher-"


@dataclass(frozen=True)
class Parcel:
    """A task on its way to another worker: ``data`` itself, or files.

    ``path`` is a task's file. ``tables`` are the files of batches that make up one task, each with
    what a table alone lacks: neighbouring batches of one schema share a file.
    """

    data: bytes | None = None
    path: str = ""
    size: int = 0
    task: Task[Any] | None = None
    tables: tuple[tuple[str, bytes], ...] = ()

    def open(self) -> Task[Any]:
        """The task inside."""
        if self.task is not None:
            return self.task
        if self.tables:
            return join([_batch(path, rest) for path, rest in self.tables])
        return read_task(self.path) if self.data is None else from_bytes(self.data)

    def pieces(self) -> Iterator[Task[Any]]:
        """The batches that were joined, one after another, each in memory of its own."""
        for path, rest in self.tables:
            task = pickle.loads(rest)
            with pa.OSFile(os.fsencode(path)) as source:
                batches = pa.ipc.open_file(source)
                for index in range(batches.num_record_batches):
                    yield task.with_data(pa.Table.from_batches([batches.get_batch(index)]))

    def discard(self) -> None:
        """Remove the files, if there are any."""
        for path in [*([self.path] if self.path else []), *(path for path, _ in self.tables)]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _batch(path: str, rest: bytes) -> DocumentBatch:
    batch = read_table(path, rest)
    assert isinstance(batch, DocumentBatch)
    return batch


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
            if gathered and not _follows(task, size, most):
                yield self.pack(join(gathered))
                gathered, size = [], 0
            if not isinstance(task, DocumentBatch):
                yield self.pack(task)
                continue
            gathered.append(task)
            size += max(task.size_bytes, 1)
        if gathered:
            yield self.pack(join(gathered))


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
            if stream.size and not _follows(task, stream.size, most):
                yield stream.close()
                stream = _Stream(self)
            if isinstance(task, DocumentBatch):
                stream.add(task)
            else:
                yield self.pack(task)
        if stream.size:
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
    """Batches on their way into one parcel; those of one schema go to one file."""

    def __init__(self, folders: ParcelFolders) -> None:
        self._folders = folders
        self._small: list[DocumentBatch] = []
        self._tables: list[tuple[str, bytes]] = []
        self._first: DocumentBatch | None = None  # of the open file
        self._file: OverflowingFile | None = None
        self._writer: Any = None
        self._carried: frozenset[str] = frozenset()
        self.size = 0

    def add(self, task: DocumentBatch) -> None:
        """Write a batch, or keep it while all of them are small."""
        self.size += max(task.size_bytes, 1)
        if self._first is None and not self._tables and self.size <= INLINE_BYTES:
            self._small.append(task)
            return
        for batch in [*self._small, task]:
            self._write(batch)
        self._small = []

    def close(self) -> Parcel:
        """The finished parcel."""
        if self._small:
            data = to_bytes(join(self._small))
            return Parcel(data=data, size=len(data))
        self._end_file()
        size = sum(os.path.getsize(path) for path, _ in self._tables)
        return Parcel(size=size, tables=tuple(self._tables))

    def _write(self, batch: DocumentBatch) -> None:
        if self._first is not None and not _alike(batch, self._first):
            self._end_file()
        if self._first is None:
            self._first, self._carried = batch, batch._carried
            self._file = self._folders.open(TASK_BYTES)
            self._writer = pa.ipc.new_file(self._file, batch.data.schema)
        self._carried &= batch._carried
        self._writer.write_table(batch.data)

    def _end_file(self) -> None:
        assert self._first is not None
        assert self._file is not None
        self._writer.close()
        self._file.close()
        rest = without_data(self._first, _carried=self._carried)
        self._tables.append((self._file.path, rest))
        self._first = None


def _alike(batch: DocumentBatch, first: DocumentBatch) -> bool:
    """Whether batches can share a file: one schema, made of the same columns of records."""
    same = batch.data.schema.equals(first.data.schema, check_metadata=True)
    return bool(same) and batch._parsed == first._parsed


def _follows(task: Task[Any], size: int, most: int) -> bool:
    """Whether a task may join those before it, which have ``size`` bytes."""
    return isinstance(task, DocumentBatch) and size + task.size_bytes <= most


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
