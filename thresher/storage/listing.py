# SPDX-License-Identifier: Apache-2.0
"""List and stat files, always afresh: caches of listings are passed by."""

from __future__ import annotations

import os
import stat as st
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic
from typing import Any

from thresher.errors import StorageError
from thresher.storage.failures import failures
from thresher.storage.globbing import local_matches
from thresher.storage.paths import absolute, filesystem, is_local

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_VERSION_KEYS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated")


@dataclass(frozen=True, order=True)
class FileInfo:
    """A file as listed: ``version`` is its entity tag or modification time; size -1 is unknown."""

    path: str
    size: int
    version: str


def is_glob(path: str) -> bool:
    """Whether ``path`` is a pattern."""
    return has_magic(path)


def base_of(entry: str) -> str:
    """The folder that names below ``entry`` are counted from.

    The folder itself, a file's folder is its parent, a pattern's the part before the first
    wildcard.
    """
    entry = absolute(entry)
    return _parent_of_pattern(entry) if is_glob(entry) else entry


def _parent_of_pattern(pattern: str) -> str:
    parts = pattern.split("/")
    wild = next(i for i, part in enumerate(parts) if has_magic(part))
    return "/".join(parts[:wild]) or "/"


def stat(path: str, options: dict[str, Any] | None = None) -> FileInfo:
    """Size and version of a file now."""
    with failures("read", path):
        if is_local(path):
            found = os.stat(absolute(path))
            return FileInfo(path, found.st_size, str(found.st_mtime_ns))
        fs, inner = filesystem(path, options)
        fs.invalidate_cache()
        return _remote_info(path, fs.info(inner))


def list_files(
    entry: str,
    extensions: Sequence[str] | None = None,
    recursive: bool = True,
    options: dict[str, Any] | None = None,
) -> list[FileInfo]:
    """Files that a folder, file or pattern stands for, sorted by path.

    A file named outright is taken whatever its extension. Below a folder or in the matches of a
    pattern, names need one of ``extensions`` (any, if None; upper and lower case alike; a suffix
    of compression may follow), and no part of the path may begin with ``_`` or ``.``.

    Raises
    ------
    StorageError
        If the entry does not exist or cannot be read.
    """
    wanted = None if extensions is None else tuple(_suffix(extension) for extension in extensions)
    with failures("list", entry):
        lister = _local if is_local(entry) else _remote
        found = {info.path: info for info in lister(entry, wanted, recursive, options or {})}
    return [found[path] for path in sorted(found)]


def _suffix(extension: str) -> str:
    return "." + extension.lower().lstrip(".")


def has_extension(path: str, wanted: tuple[str, ...] | None) -> bool:
    """Whether a name ends in one of the suffixes, alone or followed by one of compression."""
    if wanted is None:
        return True
    name = path.lower()
    for compressed in COMPRESSED:
        if name.endswith(compressed) and not name.endswith(wanted):
            name = name.removesuffix(compressed)
            break
    return name.endswith(wanted)


def is_hidden(name: str) -> bool:
    """Whether readers pass by a file or folder of this name."""
    return name.startswith(("_", "."))


def _local(
    entry: str, wanted: tuple[str, ...] | None, recursive: bool, options: dict[str, Any]
) -> Iterator[FileInfo]:
    path = absolute(entry)
    if os.path.isdir(path):
        yield from _walk(path, wanted, recursive, frozenset())
    elif is_glob(path) and not os.path.exists(path):
        for match in local_matches(path, is_hidden):
            if os.path.isdir(match):
                yield from _walk(match, wanted, recursive, frozenset())
            elif has_extension(match, wanted):
                yield stat(match)
    else:
        yield stat(path)


def _walk(
    folder: str, wanted: tuple[str, ...] | None, recursive: bool, above: frozenset[tuple[int, int]]
) -> Iterator[FileInfo]:
    here = os.stat(folder)
    identity = (here.st_dev, here.st_ino)
    if identity in above:  # a symbolic link to a folder it lies in
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_dir():
                if recursive:
                    yield from _walk(entry.path, wanted, recursive, above | {identity})
            elif has_extension(entry.name, wanted):
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    raise StorageError(
                        "cannot read: the symbolic link leads nowhere",
                        where=entry.path,
                        todo="mend or remove the link",
                    ) from None
                if st.S_ISREG(found.st_mode):
                    yield FileInfo(entry.path, found.st_size, str(found.st_mtime_ns))


def _remote(
    entry: str, wanted: tuple[str, ...] | None, recursive: bool, options: dict[str, Any]
) -> Iterator[FileInfo]:
    fs, inner = filesystem(entry, options)
    fs.invalidate_cache()
    if is_glob(inner):
        base, url = _parent_of_pattern(inner), _parent_of_pattern(entry)
        listing = fs.glob(inner, detail=True)
    else:
        info = fs.info(inner)
        if info["type"] != "directory":
            yield _remote_info(entry, info)
            return
        base, url = inner, entry
        listing = fs.find(inner, detail=True, maxdepth=None if recursive else 1)
    for path, info in listing.items():
        if info["type"] == "directory":
            continue
        below = path.removeprefix(base).strip("/")
        if not any(map(is_hidden, below.split("/"))) and has_extension(path, wanted):
            yield _remote_info(f"{url.rstrip('/')}/{below}", info)


def _remote_info(url: str, info: dict[str, Any]) -> FileInfo:
    version = next((str(info[key]) for key in _VERSION_KEYS if info.get(key)), "")
    size = info.get("size")
    return FileInfo(url, -1 if size is None else int(size), version)
