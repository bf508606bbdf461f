# SPDX-License-Identifier: Apache-2.0
"""Parcels: tasks between Steps, as bytes in the message or as an Arrow file that is passed by path.

Files go to shared memory while there is room, then to disk. They are written plainly, never
through a memory map: a full shared memory is an error there, and a dead process otherwise.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from thresher.runs.task_file import from_bytes, read_task, to_bytes, write_task
from thresher.tasks import DocumentBatch, Task

INLINE_BYTES = 32_768
SHARED = Path("/dev/shm")
_PREFIX = "thresher-"


@dataclass(frozen=True)
class Parcel:
    """A task on its way to another worker: ``data`` itself, or the ``path`` of its file."""

    data: bytes | None = None
    path: str = ""
    size: int = 0
    task: Task[Any] | None = None

    def open(self) -> Task[Any]:
        """The task inside."""
        if self.task is not None:
            return self.task
        return read_task(self.path) if self.data is None else from_bytes(self.data)

    def discard(self) -> None:
        """Remove the file, if there is one."""
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


@dataclass(frozen=True)
class ParcelFolders:
    """Where parcels go: shared memory first, disk when it is half full."""

    shared: str
    disk: str

    @classmethod
    def create(cls, disk: str) -> ParcelFolders:
        """Make this process's folders, and sweep those of processes that are gone."""
        sweep_orphans()
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
        for folder in (self.shared, self.disk):
            if folder == self.shared and not _has_room(folder, size):
                continue
            path = f"{folder}/{uuid4().hex}"
            try:
                with open(path, "xb") as file:
                    write_task(task, file)
            except OSError:
                if folder == self.disk:
                    raise
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                continue
            return Parcel(path=path, size=os.path.getsize(path))
        raise AssertionError("the disk folder either takes a parcel or raises")

    def remove(self) -> None:
        """Remove both folders."""
        for folder in (self.shared, self.disk):
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


def sweep_orphans() -> None:
    """Remove parcel folders whose process is gone."""
    if not SHARED.is_dir():
        return
    for folder in SHARED.glob(f"{_PREFIX}*"):
        pid = folder.name[len(_PREFIX) :].partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: str, size: int) -> bool:
    """Whether shared memory stays at most half full with ``size`` bytes more."""
    if not folder:
        return False
    usage = shutil.disk_usage(folder)
    return usage.free - size >= usage.total // 2
