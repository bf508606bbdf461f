# SPDX-License-Identifier: Apache-2.0
"""Patterns of paths, and the walk through local folders."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from glob import has_magic

from thresher.storage.failures import failures

ANY_FOLDERS = "**"


def is_hidden(name: str) -> bool:
    """Whether readers pass by a file or folder of this name."""
    return name.startswith(("_", "."))


def split_pattern(path: str, exists: Callable[[str], bool]) -> tuple[str, list[str]]:
    """A path as the part that is taken literally, and the components of the pattern below it.

    A component with wildcards is literal as long as it exists literally; none of the folders
    above it is a pattern then. The pattern is empty if the whole path is literal.
    """
    parts = path.split("/")
    for i, part in enumerate(parts):
        if has_magic(part) and not exists("/".join(parts[: i + 1])):
            base = "/".join(parts[:i])
            is_root = base in ("", f"{parts[0]}/")  # "/", or a URL without a path
            return f"{base}/" if is_root else base, parts[i:]
    return path, []


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the components of a path match those of a pattern; ``**`` stands for any folders.

    Components that a wildcard matches must not be hidden; those written out may be.
    """
    if not pattern:
        return not names
    if pattern[0] == ANY_FOLDERS:
        deeper = bool(names) and not is_hidden(names[0]) and matches(names[1:], pattern)
        return deeper or matches(names, pattern[1:])
    return bool(names) and _matches(names[0], pattern[0]) and matches(names[1:], pattern[1:])


def _matches(name: str, component: str) -> bool:
    if not has_magic(component):
        return name == component
    return not is_hidden(name) and fnmatchcase(name, component)


def is_in_match(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path matches, or lies below a folder that matches and is not hidden there."""
    return any(
        matches(names[:i], pattern) and not any(map(is_hidden, names[i:]))
        for i in range(len(names) + 1)
    )


def local_matches(folder: str, pattern: Sequence[str]) -> Iterator[str]:
    """Paths below a local folder that match, as :func:`matches` tells; some more than once.

    ``**`` at the end stands for the folder, and so for all that is in it.
    """
    head, rest = pattern[0], pattern[1:]
    if not is_folder(folder):
        return
    if head != ANY_FOLDERS:
        for path in _children(folder, head):
            if rest:
                yield from local_matches(path, rest)
            else:
                yield path
    elif not rest:
        yield folder
    else:
        for inner, _ in visible_folders(folder):
            yield from local_matches(inner, rest)


def _children(folder: str, component: str) -> list[str]:
    if has_magic(component):
        found = [entry for entry in _scan(folder) if _matches(entry.name, component)]
        return [entry.path for entry in found if not _leads_back(entry)]
    path = os.path.join(folder, component)
    with failures("read", path):
        try:
            os.lstat(path)
        except FileNotFoundError:
            return []
        return [path]


def visible_folders(top: str) -> Iterator[tuple[str, list[str]]]:
    """A local folder and those below it that are not hidden, each with its visible files.

    Symbolic links to folders are followed, but not to a folder that they lie in, be it above
    ``top``. Links within a
    linked folder are not followed to a folder that was walked before: the number of paths would
    grow exponentially where folders are linked to one another.
    """
    walked: set[tuple[int, int]] = set()
    waiting: list[tuple[str, frozenset[tuple[int, int]], int]] = [(top, frozenset(), 0)]
    while waiting:
        folder, above, links = waiting.pop()
        with failures("list", folder):
            here = os.stat(folder)
        identity = (here.st_dev, here.st_ino)
        if identity in above or (links > 1 and identity in walked):
            continue
        walked.add(identity)
        above |= {identity}
        files: list[str] = []
        for entry in _scan(folder):
            if is_hidden(entry.name):
                continue
            if not _is_folder_entry(entry):
                files.append(entry.path)
            elif not _leads_back(entry):
                waiting.append((entry.path, above, links + entry.is_symlink()))
        yield folder, files


def _scan(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, so that every machine walks in one order."""
    with failures("list", folder), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to a folder that it lies in."""
    if not entry.is_symlink() or not _is_folder_entry(entry):
        return False
    here, target = os.path.realpath(os.path.dirname(entry.path)), os.path.realpath(entry.path)
    return f"{here}/".startswith(f"{target.rstrip('/')}/")


def _is_folder_entry(entry: os.DirEntry[str]) -> bool:
    with failures("read", entry.path):
        try:
            return entry.is_dir()
        except OSError as error:
            if error.errno == errno.ELOOP:
                return False
            raise


def is_folder(path: str) -> bool:
    """Whether a local path is a folder; raises if that cannot be told."""
    with failures("read", path):
        try:
            return stat.S_ISDIR(os.stat(path).st_mode)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return False
            raise
