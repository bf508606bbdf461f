# SPDX-License-Identifier: Apache-2.0
"""Paths and URLs: which are local, what serves the others, which are one place, and names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import xxhash

from thresher.errors import StorageError

LOCAL_SCHEMES = ("file", "local")
NAME_BYTES = 200
"""Bytes of a portable name at most; file systems take 255, and suffixes need some of them."""

_ALIASES = {"s3a": "s3", "gcs": "gs"}
_SCHEME = re.compile(r"[A-Za-z][0-9A-Za-z_+.:-]*")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_EXTENSIONS = re.compile(r"(?:\.[0-9A-Za-z_-]{1,16}){1,2}\Z")
_CUT_ESCAPE = re.compile(r"%[0-9A-F]?\Z")


def scheme_of(path: str) -> str:
    """The scheme of a URL in lower case; ``""`` for a plain path."""
    scheme, separator, _ = path.partition("://")
    return scheme.lower() if separator and _SCHEME.fullmatch(scheme) else ""


def is_local(path: str) -> bool:
    """Whether ``path`` is served by the operating system."""
    scheme = scheme_of(path)
    return scheme == "" or scheme in LOCAL_SCHEMES


def absolute(path: str) -> str:
    """A local path made absolute and free of ``file://``, ``~`` and ``..``; a URL as it is."""
    if not is_local(path):
        return path
    if scheme_of(path):
        path = path.partition("://")[2]
    found = os.path.abspath(os.path.expanduser(path))
    return found[1:] if found.startswith("//") else found


def filesystem(path: str, options: dict[str, Any] | None = None) -> tuple[Any, str]:
    """The fsspec file system that serves a URL, and the URL's path in it.

    Raises
    ------
    StorageError
        If no such file system is known or installed.
    """
    import fsspec

    scheme = scheme_of(path)
    try:
        fs = fsspec.filesystem(scheme, **(options or {}))
    except (ImportError, ValueError) as error:
        raise StorageError(
            f"no file system for {scheme}:// paths: {error}",
            where=path,
            todo="install the fsspec package that serves it, e.g. pip install 'thresher[s3]'",
        ) from error
    return fs, str(fs._strip_protocol(path))


# -- places -----------------------------------------------------------------------------------


def resolved(path: str) -> str:
    """The one spelling of a place: links followed; of a URL, without slashes that say nothing."""
    return Places().resolved(path)


def is_same_or_below(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it, however both are spelled."""
    return Places().is_same_or_below(path, folder)


class Places:
    """Compares places. Folders are looked up once, so that many files are compared quickly.

    Folders that the file system identifies as one are one place: bind mounts, and names in upper
    and lower case where it makes no difference. Of a place that does not exist yet, the folders
    above it are compared, and the rest by name.
    """

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._identities: dict[str, tuple[int, int] | None] = {}

    def resolved(self, path: str) -> str:
        """See :func:`resolved`."""
        path = absolute(path)
        if not is_local(path):
            scheme = scheme_of(path)
            parts = [part for part in path.partition("://")[2].split("/") if part]
            return f"{_ALIASES.get(scheme, scheme)}://{'/'.join(parts)}"
        if os.path.islink(path):
            return _real(path)
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = _real(folder)
        return os.path.join(self._folders[folder], name) if name else self._folders[folder]

    def is_same_or_below(self, path: str, folder: str) -> bool:
        """See :func:`is_same_or_below`."""
        path, folder = self.resolved(path), self.resolved(folder)
        if path == folder or path.startswith(folder.rstrip("/") + "/"):
            return True
        if not (is_local(path) and is_local(folder)):
            return False
        anchor, missing = next(self._existing(folder), (None, ()))
        return any(
            identity == anchor and tail[: len(missing)] == missing
            for identity, tail in self._existing(path)
        )

    def _existing(self, path: str) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
        """(identity, the names below it) of a path and the folders above it that exist."""
        tail: tuple[str, ...] = ()
        while True:
            if path not in self._identities:
                self._identities[path] = _identity(path)
            identity = self._identities[path]
            if identity is not None:
                yield identity, tail
            parent, name = os.path.split(path)
            if parent == path:
                return
            path, tail = parent, (name, *tail)


def _real(path: str) -> str:
    found = os.path.realpath(path)
    return found[1:] if found.startswith("//") else found


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None  # some systems number nothing


# -- names ------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Text as valid UTF-8 that prints on one line: what does neither is percent-escaped.

    Those are bytes of file names that are no UTF-8, control characters, line separators, and
    characters without a width, except the joiners that scripts and emoji need.
    """
    return _UNPRINTABLE.sub(lambda match: _escaped(match[0]), text)


def portable_name(name: str) -> str:
    """A file's or folder's name as one that every store takes and that no reader passes by.

    It is :func:`printable`, begins with no ``_``, ``.`` or blank, ends with no blank, and has at
    most ``NAME_BYTES`` bytes: of a longer name the beginning and the extensions are kept, with a
    hash of the whole name between them. It depends on nothing but the name.
    """
    shown = printable(name)
    if shown[:1] in ("_", ".") or shown[:1].isspace():
        shown = _escaped(shown[0]) + shown[1:]
    if shown[-1:].isspace():
        shown = shown[:-1] + _escaped(shown[-1])
    encoded = shown.encode()
    if len(encoded) <= NAME_BYTES:
        return shown
    found = _EXTENSIONS.search(shown)
    whole = xxhash.xxh3_64_hexdigest(b"".join(map(_bytes_of, name)))
    end = f"-{whole}{found[0] if found else ''}"
    beginning = encoded[: NAME_BYTES - len(end)].decode(errors="ignore")
    return _CUT_ESCAPE.sub("", beginning) + end


def portable_path(path: str) -> str:
    """A relative path of portable names."""
    return "/".join(portable_name(part) for part in path.split("/") if part)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes_of(character))


def _bytes_of(character: str) -> bytes:
    """UTF-8, but for a byte of a file name that is no UTF-8 that byte."""
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00])
    return character.encode("utf-8", "surrogatepass")
