# SPDX-License-Identifier: Apache-2.0
"""Store: what the ledger and publishing ask of a file system."""

from __future__ import annotations

from typing import Any, Protocol

from thresher.storage.paths import filesystem, is_local, scheme_of


class Store(Protocol):
    """Durable files by full path. Everything else that can go wrong is a StorageError."""

    @property
    def is_local(self) -> bool:
        """Whether the operating system serves it."""

    @property
    def process_local(self) -> bool:
        """Whether other processes cannot see its files."""

    def read(self, path: str) -> bytes:
        """The whole file."""

    def write(self, path: str, data: bytes) -> None:
        """Make or replace a file, whole or not at all, durably."""

    def create(self, path: str, data: bytes) -> bool:
        """Make a new file, whole or not at all, durably; False if one is there already."""

    def list(self, folder: str) -> list[str]:
        """Names in a folder, sorted; none if the folder is missing."""

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is missing."""

    def replace(self, source: str, target: str) -> None:
        """Move a file over ``target``, making its folder if need be."""

    def publish(self, source: str, target: str) -> bool:
        """Move a file to a name that no file has, making its folder; False if one has it."""

    def remove(self, path: str) -> None:
        """Remove a file; a missing one is fine."""

    def retire(self, path: str, folder: str) -> None:
        """Remove a file by way of ``folder``, which must be there; a missing file is fine.

        Where files can be moved, it is left alone once somebody has taken ``folder`` away, and
        that is an error; elsewhere this is a plain removal.
        """

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all in it; a missing one is fine."""

    def sweep(self, folder: str) -> None:
        """Remove half-written files of processes that are gone."""

    def make_folder(self, path: str, *, is_private: bool = False) -> None:
        """Make a folder and those above it, durably; one that is there is fine.

        Only its owner can look into one that ``is_private``, where folders have owners.
        """

    def sync_folder(self, path: str) -> None:
        """Make what was added to or removed from a folder durable."""

    def digest(self, path: str) -> str:
        """Hexadecimal xxh3_128 of a file's bytes."""


def store_for(path: str, options: dict[str, Any] | None = None) -> Store:
    """The store that serves ``path``."""
    from thresher.storage.fsspec_store import FsspecStore
    from thresher.storage.local_store import LocalStore

    if is_local(path):
        return LocalStore()
    fs, _ = filesystem(path, options)
    return FsspecStore(fs, scheme_of(path))
