# SPDX-License-Identifier: Apache-2.0
"""A disk that can lose power: what was synced stays, of the rest nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random


@dataclass(eq=False)
class Inode:
    """A file's bytes, and whether they have been forced to disk."""

    data: bytes
    synced: bool = False


@dataclass(frozen=True)
class Change:
    """A change of folders that is not durable yet: an entry added, removed or moved."""

    source: str
    target: str
    inode: Inode | None

    @property
    def folders(self) -> set[str]:
        """Folders any of which, when synced, makes the change durable."""
        place = self.target or self.source
        return {place.rpartition("/")[0]}


@dataclass
class Disk:
    """Files as running processes see them, and as they would be after a power cut.

    ``changed`` is called after every change of what processes see, with the path.
    """

    changed: Callable[[str], None] = lambda path: None
    files: dict[str, Inode] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    young: list[str] = field(default_factory=list)
    _durable: dict[str, Inode] = field(default_factory=dict)
    _pending: list[Change] = field(default_factory=list)

    def add(self, path: str, data: bytes, *, synced: bool) -> None:
        """Make or replace a file; its entry is durable once its folder is synced."""
        inode = Inode(data, synced)
        self._enter(path, inode)
        self._pending.append(Change("", path, inode))
        self.changed(path)

    def move(self, source: str, target: str) -> None:
        """Rename."""
        inode = self.files.pop(source)
        self._enter(target, inode)
        self._pending.append(Change(source, target, inode))
        self.changed(source)
        self.changed(target)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name."""
        inode = self.files[source]
        self._enter(target, inode)
        self._pending.append(Change("", target, inode))
        self.changed(target)

    def remove(self, path: str) -> None:
        """Unlink; a missing file is fine."""
        if path in self.files:
            del self.files[path]
            self._pending.append(Change(path, "", None))
            self.changed(path)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; folders survive power cuts."""
        while path and path not in self.folders:
            self.folders.add(path)
            path = path.rpartition("/")[0]

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder and the empty ones in it."""
        inner = path + "/"
        self.folders -= {folder for folder in self.folders if (folder + "/").startswith(inner)}

    def sync_folder(self, path: str) -> None:
        """Make the changes of a folder durable."""
        kept = []
        for change in self._pending:
            if path in change.folders:
                self._settle(change)
            else:
                kept.append(change)
        gone = {change.source for change in self._pending if path in change.folders}
        self._pending = [c for c in kept if not (c.target in gone and c.inode is not None)]

    def sync_all(self) -> None:
        """Make everything durable."""
        for change in self._pending:
            self._settle(change)
        self._pending = []
        for inode in self.files.values():
            inode.synced = True

    def lose_power(self, rng: Random) -> None:
        """Keep what is durable; of all else, some survives and some does not."""
        share = rng.choice((0.0, 0.5, 1.0))
        for change in self._pending:
            if rng.random() < share:
                self._settle(change)
        self._pending = []
        for inode in self._durable.values():
            if not inode.synced:
                inode.data = _torn(inode.data, rng)
                inode.synced = True
        self.files = dict(self._durable)
        for path in self.files:  # a file whose removal is lost comes back with its folder
            self.make_folder(path.rpartition("/")[0])

    def below(self, folder: str) -> list[str]:
        """Paths of all files below a folder, sorted."""
        inner = folder + "/"
        return sorted(path for path in self.files if path.startswith(inner))

    def names(self, folder: str, without: Iterable[str] = ()) -> list[str]:
        """Names in a folder; files in ``without`` have not reached the listing yet."""
        inner = folder + "/"
        start = len(inner)
        missing = set(without)
        found = {
            path[start:].partition("/")[0]
            for places in (self.files, self.folders)
            for path in places
            if path.startswith(inner) and path not in missing
        }
        return sorted(found)

    def _enter(self, path: str, inode: Inode) -> None:
        self.make_folder(path.rpartition("/")[0])
        self.files[path] = inode
        self.young = [*self.young[-3:], path]

    def _settle(self, change: Change) -> None:
        if change.source:
            self._durable.pop(change.source, None)
        if change.target:
            assert change.inode is not None
            self._durable[change.target] = change.inode


def _torn(data: bytes, rng: Random) -> bytes:
    """What a power cut makes of bytes that were never synced."""
    kind = rng.randrange(3)
    if kind == 0:
        return data
    if kind == 1:
        return data[: rng.randrange(len(data) + 1)]
    return bytes(len(data))
