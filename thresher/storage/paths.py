# SPDX-License-Identifier: Apache-2.0
"""Paths and URLs: which are local, and the file system that serves the others."""

from __future__ import annotations

import os
from typing import Any

from thresher.errors import StorageError

LOCAL_SCHEMES = ("file", "local")


def scheme_of(path: str) -> str:
    """The scheme of a URL in lower case; ``""`` for a plain path."""
    scheme, separator, _ = path.partition("://")
    return scheme.lower() if separator else ""


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
    return os.path.abspath(os.path.expanduser(path))


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
