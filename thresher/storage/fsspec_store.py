# SPDX-License-Identifier: Apache-2.0
"""FsspecStore: files of object stores and other remote file systems."""

from __future__ import annotations

from glob import has_magic
from threading import Lock
from typing import Any

import xxhash

from thresher.errors import StorageError
from thresher.storage.failures import failures

CONDITIONAL = frozenset(("memory", "s3", "s3a", "gs", "gcs"))
"""Schemes whose file systems put an object only if there is none of that name."""

_CHUNK = 1 << 22
_memory_lock = Lock()


class FsspecStore:
    """Files of one fsspec file system.

    Parameters
    ----------
    fs : fsspec.AbstractFileSystem
        The file system.
    scheme : str
        Its scheme, e.g. ``"s3"``.
    """

    is_local = False

    def __init__(self, fs: Any, scheme: str) -> None:
        self.fs = fs
        self.scheme = scheme

    @property
    def process_local(self) -> bool:
        """Whether other processes cannot see its files."""
        return self.scheme == "memory"

    def read(self, path: str) -> bytes:
        """The whole file."""
        with failures("read", path):
            return bytes(self.fs.cat_file(self._inner(path)))

    def write(self, path: str, data: bytes) -> None:
        """Make or replace a file; object stores show it whole or not at all."""
        with failures("write", path):
            self.fs.pipe_file(self._inner(path), data)

    def create(self, path: str, data: bytes) -> bool:
        """Make a new file, whole or not at all; False if one is there already."""
        if self.scheme not in CONDITIONAL:
            raise StorageError(
                f"cannot create: {self.scheme}:// cannot make a file only if there is none",
                where=path,
                todo="put the run directory on a local disk or an object store with conditional "
                "puts such as s3:// or gs:// (run_dir=, --run-dir)",
            )
        with failures("create", path), _memory_lock:
            inner = self._inner(path)
            self.fs.invalidate_cache()
            if self.fs.exists(inner):
                return False
            try:
                self.fs.pipe_file(inner, data, mode="create")
            except FileExistsError:
                return False
            return True

    def list(self, folder: str) -> list[str]:
        """Names in a folder, sorted; none if the folder is missing."""
        with failures("list", folder):
            self.fs.invalidate_cache()
            inner = self._inner(folder).rstrip("/")
            try:
                found = self.fs.ls(inner, detail=False)
            except FileNotFoundError:
                return []
            return sorted(path.rstrip("/").rpartition("/")[2] for path in found if path != inner)

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is missing."""
        with failures("stat", path):
            self.fs.invalidate_cache()
            try:
                return int(self.fs.info(self._inner(path))["size"])
            except FileNotFoundError:
                return None

    def replace(self, source: str, target: str) -> None:
        """Copy on the server, verify the size, then remove ``source``."""
        size = self.size(source)
        if size is None:
            raise StorageError(
                "cannot publish: the temporary file is gone",
                where=source,
                todo="run again: its part is done afresh",
            )
        with failures("publish", target):
            inner = self._inner(target)
            self.fs.makedirs(inner.rpartition("/")[0], exist_ok=True)
            self.fs.cp_file(self._inner(source), inner)
        copied = self.size(target)
        if copied != size:
            raise StorageError(
                f"cannot publish: the copy has {copied} bytes, not {size}",
                where=target,
                todo="run again; if it happens again the store is at fault",
            )
        self.remove(source)

    def publish(self, source: str, target: str) -> bool:
        """Copy to a name that no object has, then remove ``source``; False if one has it."""
        if self.size(target) is not None:
            return False
        self.replace(source, target)
        return True

    def remove(self, path: str) -> None:
        """Remove a file; a missing one is fine."""
        with failures("remove", path):
            try:
                self.fs.rm_file(self._inner(path))
            except FileNotFoundError:
                return

    def retire(self, path: str, folder: str) -> None:
        """Remove a file: object stores have no folder that could be missing."""
        self.remove(path)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all in it; a missing one is fine."""
        with failures("remove", folder):
            self.fs.invalidate_cache()
            inner = self._inner(folder)
            try:
                if not has_magic(inner):
                    self.fs.rm(inner, recursive=True)
                    return
                for path in self.fs.find(inner):  # rm would take the name for a pattern
                    self.fs.rm_file(path)
            except FileNotFoundError:
                return

    def sweep(self, folder: str) -> None:
        """Nothing to do: an object is there whole or not at all."""

    def make_folder(self, path: str, *, is_private: bool = False) -> None:
        """Make a folder where the store has folders; who may look into it, the store decides."""
        with failures("make", path):
            self.fs.makedirs(self._inner(path), exist_ok=True)

    def sync_folder(self, path: str) -> None:
        """Nothing to do: what the store confirmed is durable."""

    def digest(self, path: str) -> str:
        """Hexadecimal xxh3_128 of a file's bytes."""
        state = xxhash.xxh3_128()
        with failures("read", path), self.fs.open(self._inner(path), "rb") as source:
            while chunk := source.read(_CHUNK):
                state.update(chunk)
        return state.hexdigest()

    def _inner(self, path: str) -> str:
        return str(self.fs._strip_protocol(path))
