# SPDX-License-Identifier: Apache-2.0
"""List and stat files, always afresh: caches of listings are passed by."""

from __future__ import annotations

import errno
import os
import re
import stat as st
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from glob import has_magic
from typing import Any

from thresher.errors import StorageError
from thresher.storage.failures import failures, from_os_error
from thresher.storage.globbing import (
    ANY_FOLDERS,
    Links,
    is_folder,
    is_hidden,
    is_in_match,
    local_matches,
    matches,
    split_pattern,
    visible_folders,
)
from thresher.storage.opening import open_read
from thresher.storage.paths import absolute, filesystem, is_local

COMPRESSION_ENDINGS = {
    ".gz": ".gz",
    ".gzip": ".gz",
    ".zst": ".zst",
    ".zstd": ".zst",
    ".bz2": ".bz2",
    ".xz": ".xz",
}
"""Endings of compressed files, and the ending that is usual for their format."""

_COMPRESSED = re.compile(
    rb"\x1f\x8b|\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18|BZh[0-9]|\xfd7zXZ\x00"
)
"""How files of gzip, zstd (which may begin with a frame to skip), bzip2 and xz begin."""

_ENDING = re.compile(r"(?:\.[0-9a-z_-]{1,16}){1,2}")

_CHANGED = ", changed "
_VERSION_KEYS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated")
_SPECIAL = {
    st.S_IFIFO: "named pipe",
    st.S_IFSOCK: "socket",
    st.S_IFCHR: "character device",
    st.S_IFBLK: "block device",
}


@dataclass(frozen=True, order=True)
class FileInfo:
    """A file as listed: ``version`` is its entity tag or modification time; size -1 is unknown."""

    path: str
    size: int
    version: str


@dataclass
class Listing:
    """What an entry stands for.

    Parameters
    ----------
    base : str
        The folder that names below the entry are counted from; the entry if it names a file.
    is_file : bool
        Whether the entry names a file.
    files : list[FileInfo]
        The files, sorted by path.
    other_endings : list[str]
        Paths that were passed by because they have none of the endings.
    special : list[str]
        Paths that were passed by because they are pipes, sockets or devices.
    linked : list[str]
        Links to folders that were searched, whether or not files are in them.
    leading_back : list[str]
        Links that were passed by because they lead to a folder that they lie in, and with it to
        what is not searched otherwise.
    """

    base: str
    is_file: bool = False
    files: list[FileInfo] = field(default_factory=list)
    other_endings: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    leading_back: list[str] = field(default_factory=list)


def is_glob(path: str) -> bool:
    """Whether ``path`` has wildcards; it is literal all the same if it exists."""
    return has_magic(path)


def base_of(entry: str, options: dict[str, Any] | None = None) -> str:
    """The folder that names below ``entry`` are counted from.

    The folder itself, for a file the file, for a pattern the part before the first component that
    has wildcards and does not exist literally.
    """
    return _split(entry, options)[0]


def _split(entry: str, options: dict[str, Any] | None) -> tuple[str, list[str]]:
    if is_local(entry):
        return split_pattern(absolute(entry), os.path.lexists)

    def exists(url: str) -> bool:
        fs, inner = filesystem(url, options)
        fs.invalidate_cache()
        return bool(fs.exists(inner))

    scheme, _, rest = entry.partition("://")
    return split_pattern(f"{scheme}://{rest.rstrip('/')}", exists)


def stat(path: str, options: dict[str, Any] | None = None) -> FileInfo:
    """Size and version of a file now."""
    with failures("read", path):
        if is_local(path):
            found = os.stat(absolute(path))
            return _local_info(path, found)
        fs, inner = filesystem(path, options)
        fs.invalidate_cache()
        return _remote_info(path, fs.info(inner))


def list_files(
    entry: str,
    extensions: Sequence[str] | None = None,
    recursive: bool = True,
    options: dict[str, Any] | None = None,
) -> list[FileInfo]:
    """Files that an entry stands for, sorted by path; see :func:`list_entry`."""
    return list_entry(entry, extensions, recursive, options).files


def list_entry(
    entry: str,
    extensions: Sequence[str] | None = None,
    recursive: bool = True,
    options: dict[str, Any] | None = None,
) -> Listing:
    """What a folder, file or pattern stands for.

    An entry that exists is taken literally, whatever characters it has; so is the longest part of
    a pattern that exists, and a folder that a pattern matches. A file named outright is taken
    whatever its extension. Below a folder or in the matches of a pattern, names need one of
    ``extensions`` (any, if None; upper and lower case alike; a suffix of compression may follow),
    and no part of the path that is not written out may begin with ``_`` or ``.``.

    Raises
    ------
    StorageError
        If the entry does not exist, is no regular file, or cannot be read; or if that is true of
        a link or a folder below it.
    """
    wanted = None if extensions is None else tuple(_suffix(extension) for extension in extensions)
    with failures("list", entry):
        base, pattern = _split(entry, options)
        if is_local(entry):
            lister: _Lister = _LocalLister(base, wanted, recursive)
        else:
            lister = _RemoteLister(base, wanted, recursive, entry, options)
        lister.gather(pattern)
        return lister.listing()


def _suffix(extension: str) -> str:
    return "." + extension.lower().lstrip(".")


def has_extension(path: str, wanted: tuple[str, ...] | None) -> bool:
    """Whether a name ends in one of the suffixes, alone or followed by one of compression."""
    if wanted is None:
        return True
    name = path.lower()
    for compressed in COMPRESSION_ENDINGS:
        if name.endswith(compressed) and not name.endswith(wanted):
            name = name.removesuffix(compressed)
            break
    return name.endswith(wanted)


def begins_compressed(path: str, options: dict[str, Any] | None = None) -> bool:
    """Whether a file's first bytes are those of a compressed file, whatever its name says."""
    with open_read(path, options=options) as source:
        return _COMPRESSED.match(source.read(6)) is not None


def frequent_endings(paths: Sequence[str], n: int) -> str:
    """The ``n`` most frequent endings of files, the commonest first."""
    found = Counter(_ending_of(path) for path in paths)
    ranked = sorted(found, key=lambda ending: (-found[ending], ending))
    return ", ".join(ranked[:n]) + (", ..." if len(ranked) > n else "")


def _ending_of(path: str) -> str:
    """A file's ending, before a suffix of compression too, in lower case."""
    stem, ending = os.path.splitext(path.lower())
    if ending in COMPRESSION_ENDINGS:
        ending = os.path.splitext(stem)[1] + ending
    return ending if _ENDING.fullmatch(ending) else "none"


class _Lister:
    """Gathers what an entry stands for; a path that is found twice counts once."""

    def __init__(self, base: str, wanted: tuple[str, ...] | None, recursive: bool) -> None:
        self._base = base
        self._wanted = wanted
        self._recursive = recursive
        self._is_file = False
        self._files: dict[str, FileInfo] = {}
        self._other_endings: set[str] = set()
        self._special: set[str] = set()
        self._links = Links()

    def gather(self, pattern: Sequence[str]) -> None:
        """Gather the matches of a pattern below the base, or what is at the base."""
        raise NotImplementedError

    def listing(self) -> Listing:
        """What was gathered."""
        return Listing(
            self._base,
            self._is_file,
            [self._files[path] for path in sorted(self._files)],
            sorted(self._other_endings),
            sorted(self._special),
            sorted(self._links.searched),
            sorted(self._links.leading_back),
        )


class _LocalLister(_Lister):
    def gather(self, pattern: Sequence[str]) -> None:
        if pattern:
            for match in local_matches(self._base, pattern, self._links):
                if is_folder(match):
                    self._walk(match)
                else:
                    self._add(match)
        elif os.path.isdir(self._base):
            self._walk(self._base)
        else:
            self._is_file = True
            found = _local_stat(self._base)
            if not st.S_ISREG(found.st_mode):
                raise _special(self._base, _SPECIAL.get(st.S_IFMT(found.st_mode), "special file"))
            self._files[self._base] = _local_info(self._base, found)

    def _walk(self, folder: str) -> None:
        for _, files in visible_folders(folder, self._links):
            for path in files:
                self._add(path)
            if not self._recursive:
                return

    def _add(self, path: str) -> None:
        if not has_extension(path, self._wanted):
            self._other_endings.add(path)
            return
        found = _local_stat(path)
        if st.S_ISREG(found.st_mode):
            self._files[path] = _local_info(path, found)
        else:
            self._special.add(path)


def _local_stat(path: str) -> os.stat_result:
    with failures("read", path):
        try:
            return os.stat(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP) or not os.path.islink(path):
                raise
            where = "nowhere" if error.errno == errno.ENOENT else "in a circle"
            raise StorageError(
                f"cannot read: the symbolic link leads {where}",
                where=path,
                todo="mend or remove the link",
            ) from None


def _local_info(path: str, found: os.stat_result) -> FileInfo:
    # rsync, tar and cp -p give a new file an old time of modification, never one of change.
    return FileInfo(path, found.st_size, f"{found.st_mtime_ns}{_CHANGED}{found.st_ctime_ns}")


def is_version(listed: str, now: str) -> bool:
    """Whether a file's version is still the one that was listed.

    A file whose mode or number of links has changed was not written to.
    """
    return listed.partition(_CHANGED)[0] == now.partition(_CHANGED)[0]


class _RemoteLister(_Lister):
    def __init__(
        self,
        base: str,
        wanted: tuple[str, ...] | None,
        recursive: bool,
        entry: str,
        options: dict[str, Any] | None,
    ) -> None:
        super().__init__(base, wanted, recursive)
        self._fs, self._entry = filesystem(entry, options)
        self._fs.invalidate_cache()

    def gather(self, pattern: Sequence[str]) -> None:
        if pattern:
            self._add_matches(pattern)
            return
        info = self._fs.info(self._entry)
        if info["type"] == "directory":
            self._walk(self._entry, self._base)
        elif info["type"] == "other":
            raise _special(self._base, "special file")
        else:
            self._is_file = True
            self._files[self._base] = _remote_info(self._base, info)

    def _add_matches(self, pattern: Sequence[str]) -> None:
        root = str(self._fs._strip_protocol(self._base))
        depth = None if ANY_FOLDERS in pattern else len(pattern)
        try:
            found = self._find(root, depth, withdirs=depth is not None)
        except FileNotFoundError:
            if self._fs.exists(root):
                raise
            return
        for path, info in found.items():
            below = _below(path, root)
            names, url = below.split("/"), _joined(self._base, below)
            if info["type"] != "directory":
                if is_in_match(names, pattern):
                    self._add(url, info)
            elif depth is not None and matches(names, pattern):
                self._walk(path, url)

    def _walk(self, folder: str, url: str) -> None:
        for path, info in self._find(folder, None if self._recursive else 1).items():
            below = _below(path, folder)
            if info["type"] != "directory" and not any(map(is_hidden, below.split("/"))):
                self._add(_joined(url, below), info)

    def _add(self, url: str, info: dict[str, Any]) -> None:
        if url.endswith("/"):  # an object that stands for a folder
            return
        if not has_extension(url, self._wanted):
            self._other_endings.add(url)
        elif info["type"] == "other":
            self._special.add(url)
        else:
            self._files[url] = _remote_info(url, info)

    def _find(self, folder: str, depth: int | None, withdirs: bool = False) -> dict[str, Any]:
        from fsspec import AbstractFileSystem

        if type(self._fs).find is AbstractFileSystem.find:
            return self._find_by_folder(folder, depth)
        return dict(self._fs.find(folder, maxdepth=depth, withdirs=withdirs, detail=True))

    def _find_by_folder(self, folder: str, depth: int | None) -> dict[str, Any]:
        """As fsspec's own find, which passes by folders that it cannot list in silence."""
        found: dict[str, Any] = {}
        waiting = [(folder, 1)]
        while waiting:
            here, level = waiting.pop()
            try:
                infos = self._fs.ls(here, detail=True)
            except PermissionError as error:
                url = str(self._fs.unstrip_protocol(here))
                raise from_os_error(error, "list", url) from error
            for info in infos:
                path = info["name"].rstrip("/")
                found[path] = info
                if info["type"] == "directory" and (depth is None or level < depth):
                    waiting.append((path, level + 1))
        return found


def _below(path: str, folder: str) -> str:
    """A path as its components below a folder; object names may have empty ones."""
    return path.removeprefix(folder).removeprefix("/")


def _joined(folder: str, below: str) -> str:
    return f"{folder}{below}" if folder.endswith("/") else f"{folder}/{below}"


def _special(path: str, kind: str) -> StorageError:
    return StorageError(
        f"cannot read: it is a {kind}, not a regular file",
        where=path,
        todo="write what it delivers to a file, and name that file",
    )


def _remote_info(url: str, info: dict[str, Any]) -> FileInfo:
    version = next((str(info[key]) for key in _VERSION_KEYS if info.get(key)), "")
    size = info.get("size")
    return FileInfo(url, -1 if size is None else int(size), version)
