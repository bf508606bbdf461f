# SPDX-License-Identifier: Apache-2.0
"""SimStore: the Store protocol over a simulated disk, as one process sees it.

It promises what LocalStore and FsspecStore promise, and nothing more; between any two of its steps
the process may be killed, paused, or lose its power.
"""

from __future__ import annotations

from collections.abc import Callable

import xxhash

from tests.simulation.disk import Disk
from thresher.errors import StorageError

Step = Callable[[str, str], None]
"""Called before every step of an operation, with its name and path."""


class SimStore:
    """A local file system.

    Parameters
    ----------
    step : callable
        May raise: the process is killed there, or the disk is full.
    """

    is_local = True
    process_local = False

    def __init__(self, disk: Disk, step: Step) -> None:
        self.disk = disk
        self.step = step

    def read(self, path: str) -> bytes:
        """The whole file."""
        self.step("read", path)
        if path not in self.disk.files:
            raise StorageError("cannot read: there is no such file", where=path)
        return self.disk.files[path].data

    def write(self, path: str, data: bytes) -> None:
        """Make or replace a file, whole or not at all, durably."""
        self.step("write", path)
        self.disk.add(path, data, synced=True)
        self.step("write: sync", path)
        self.disk.sync_folder(_parent(path))

    def create(self, path: str, data: bytes) -> bool:
        """Make a new file, whole or not at all, durably."""
        self.step("create", path)
        if path in self.disk.files:
            return False
        self.disk.add(path, data, synced=True)
        self.step("create: sync", path)
        self.disk.sync_folder(_parent(path))
        return True

    def list(self, folder: str) -> list[str]:
        """Names in a folder."""
        self.step("list", folder)
        return self.disk.names(folder)

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is missing."""
        self.step("size", path)
        inode = self.disk.files.get(path)
        return None if inode is None else len(inode.data)

    def replace(self, source: str, target: str) -> None:
        """Move a file over ``target``."""
        self.step("replace", target)
        if source not in self.disk.files:
            raise StorageError("cannot publish: the temporary file is gone", where=source)
        self.disk.move(source, target)

    def publish(self, source: str, target: str) -> bool:
        """Move a file to a name that no file has, by a link and a removal."""
        self.step("publish", target)
        if target in self.disk.files:
            return False
        if source not in self.disk.files:
            raise StorageError("cannot publish: the temporary file is gone", where=source)
        self.disk.link(source, target)
        self.step("publish: remove", source)
        self.disk.remove(source)
        return True

    def remove(self, path: str) -> None:
        """Remove a file."""
        self.step("remove", path)
        self.disk.remove(path)

    def retire(self, path: str, folder: str) -> None:
        """Remove a file by way of a folder that must be there."""
        self.step("retire", path)
        if path not in self.disk.files:
            return
        if folder not in self.disk.folders:
            raise StorageError("cannot remove: the folder is gone", where=path)
        self.disk.remove(path)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder, file by file."""
        self.step("remove_tree", folder)
        for index, path in enumerate(self.disk.below(folder)):
            if index:
                self.step("remove_tree: next", path)
            self.disk.remove(path)
        self.disk.remove_folder(folder)

    def sweep(self, folder: str) -> None:
        """Nothing to do: half-written files are hidden from everybody."""
        self.step("sweep", folder)

    def make_folder(self, path: str, *, is_private: bool = False) -> None:
        """Make a folder."""
        self.step("make_folder", path)
        self.disk.make_folder(path)

    def sync_folder(self, path: str) -> None:
        """Make changes of a folder durable."""
        self.step("sync_folder", path)
        if path not in self.disk.folders:
            raise StorageError("cannot sync: there is no such folder", where=path)
        self.disk.sync_folder(path)

    def digest(self, path: str) -> str:
        """Hexadecimal xxh3_128 of a file's bytes."""
        self.step("digest", path)
        if path not in self.disk.files:
            raise StorageError("cannot read: there is no such file", where=path)
        return xxhash.xxh3_128_hexdigest(self.disk.files[path].data)


class SimObjectStore(SimStore):
    """An object store: durable at once, but it moves by copy and delete.

    With ``stale`` its listings may lack the newest objects.
    """

    is_local = False
    stale: Callable[[], bool] = staticmethod(lambda: False)

    def list(self, folder: str) -> list[str]:
        """Names in a folder, perhaps not the newest ones."""
        self.step("list", folder)
        return self.disk.names(folder, self.disk.young if self.stale() else ())

    def replace(self, source: str, target: str) -> None:
        """Copy, then delete."""
        self.step("replace", target)
        if source not in self.disk.files:
            raise StorageError("cannot publish: the temporary file is gone", where=source)
        self.disk.add(target, self.disk.files[source].data, synced=True)
        self.disk.sync_all()
        self.step("replace: delete", source)
        self.disk.remove(source)
        self.disk.sync_all()

    def publish(self, source: str, target: str) -> bool:
        """Look for an object of that name, copy, then delete."""
        self.step("publish", target)
        if target in self.disk.files:
            return False
        self.replace(source, target)
        return True

    def retire(self, path: str, folder: str) -> None:
        """Remove an object; that one sleeps after the look at the fence is not simulated."""
        self.disk.remove(path)
        self.disk.sync_all()

    def remove(self, path: str) -> None:
        """Remove an object, durably."""
        super().remove(path)
        self.disk.sync_all()

    def sync_folder(self, path: str) -> None:
        """Nothing to do."""
        self.disk.sync_all()


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
