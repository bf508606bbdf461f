# SPDX-License-Identifier: Apache-2.0
"""Patterns of paths, and the walk through local folders."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from glob import has_magic

from thresher.storage.failures import failures

ANY_FOLDERS = "**"


@dataclass
class Links:
    """What became of links to folders: paths of those searched, and of those passed by."""

    searched: set[str] = field(default_factory=set)
    leading_back: set[str] = field(default_factory=set)


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


def local_matches(folder: str, pattern: Sequence[str], links: Links) -> Iterator[str]:
    """Paths below a local folder that match, as :func:`matches` tells; some more than once.

    ``**`` at the end stands for the folder, and so for all that is in it. ``links`` is added to.
    """
    head, rest = pattern[0], pattern[1:]
    if not is_folder(folder):
        return
    if head != ANY_FOLDERS:
        for path in _children(folder, head, links):
            if rest:
                yield from local_matches(path, rest, links)
            else:
                yield path
    elif not rest:
        yield folder
    else:
        for inner, _ in visible_folders(folder, links):
            yield from local_matches(inner, rest, links)


def _children(folder: str, component: str, links: Links) -> list[str]:
    if has_magic(component):
        children: list[str] = []
        for entry in _scan(folder):
            if not _matches(entry.name, component):
                continue
            is_link = entry.is_symlink() and _is_folder_entry(entry)
            if is_link and _contains(entry.path, folder):
                links.leading_back.add(entry.path)
                continue
            if is_link:
                links.searched.add(entry.path)
            children.append(entry.path)
        return children
    path = os.path.join(folder, component)
    with failures("read", path):
        try:
            os.lstat(path)
        except FileNotFoundError:
            return []
        if os.path.islink(path) and is_folder(path):
            links.searched.add(path)
        return [path]


def visible_folders(top: str, links: Links) -> Iterator[tuple[str, list[str]]]:
    """A local folder and those below it that are not hidden, each with its visible files.

    Symbolic links to folders are followed, but not to a folder that they lie in, be it above
    ``top``. Links within a linked folder are not followed to a folder that was walked before: the
    number of paths would grow exponentially where folders are linked to one another.

    ``links`` is added to; a link that leads back is told of only if it leads above ``top``, as
    everything else is walked anyway.
    """
    walked: set[tuple[int, int]] = set()
    waiting: list[tuple[str, frozenset[tuple[int, int]], int]] = [(top, frozenset(), 0)]
    while waiting:
        folder, above, n_links = waiting.pop()
        with failures("list", folder):
            here = os.stat(folder)
        identity = (here.st_dev, here.st_ino)
        if identity in above or (n_links > 1 and identity in walked):
            continue
        if n_links and os.path.islink(folder):
            links.searched.add(folder)
        walked.add(identity)
        above |= {identity}
        files: list[str] = []
        leading_back: list[tuple[str, str]] = []
        for entry in _scan(folder):
            if is_hidden(entry.name):
                continue
            if not _is_folder_entry(entry):
                files.append(entry.path)
            elif not entry.is_symlink():
                waiting.append((entry.path, above, n_links))
            elif _contains(target := os.path.realpath(entry.path), folder):
                leading_back.append((entry.path, target))
            else:
                waiting.append((entry.path, above, n_links + 1))
        yield folder, files
        links.leading_back.update(
            path for path, target in leading_back if not _contains(top, target)
        )


def _scan(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, so that every machine walks in one order."""
    with failures("list", folder), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _contains(folder: str, path: str) -> bool:
    """Whether a path lies in a folder, or is that folder, once links are followed."""
    folder, path = os.path.realpath(folder), os.path.realpath(path)
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


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
