# SPDX-License-Identifier: Apache-2.0
"""Errors of the operating system as StorageErrors that say what to do."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from thresher.errors import StorageError, ThresherError, error_text
from thresher.storage.paths import is_local

_ADVICE = {
    errno.ENOSPC: "free some space, then run again: what is committed is not done twice",
    errno.EDQUOT: "free some of your quota, then run again: what is committed is not done twice",
    errno.EACCES: "check the owner and the permissions of the path and of its folders",
    errno.EPERM: "check the owner and the permissions of the path and of its folders",
    errno.EROFS: "the file system is read-only; choose another path",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; close some programs",
    errno.ENAMETOOLONG: "the file system takes no such long names; shorten the input's",
    errno.EISDIR: "the path is a folder; name a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EXDEV: "source and target lie on different file systems; keep them on one",
    errno.ESTALE: "the network file system lost the file; run again",
    errno.EIO: "the device failed to read or write; check the disk and its log",
}


@contextmanager
def failures(doing: str, path: str) -> Iterator[None]:
    """Turn what goes wrong inside into a StorageError; ``doing`` is e.g. ``"read"``."""
    try:
        yield
    except ThresherError:
        raise
    except OSError as error:
        raise from_os_error(error, doing, path) from error
    except Exception as error:
        # Object stores raise exceptions of their own clients.
        if is_local(path):
            raise
        raise StorageError(
            f"cannot {doing}: {error_text(error)}",
            where=path,
            todo="check the address, the credentials and the network",
        ) from error


def from_os_error(error: OSError, doing: str, path: str) -> StorageError:
    """The StorageError for one OSError."""
    if isinstance(error, FileNotFoundError) or error.errno == errno.ENOENT:
        return StorageError(
            f"cannot {doing}: there is no such file or folder", where=path, todo=suggestion(path)
        )
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    known = _ADVICE.get(error.errno or 0, "")
    if not known and isinstance(error, PermissionError):
        known = _ADVICE[errno.EACCES]
    return StorageError(f"cannot {doing}: {reason}", where=path, todo=known)


def suggestion(path: str) -> str:
    """What may have been meant by a local path that does not exist."""
    if not is_local(path):
        return "check the address"
    folder, name = os.path.split(path.rstrip("/"))
    while folder and not os.path.isdir(folder):
        parent, name = os.path.split(folder)
        if parent == folder:
            break
        folder = parent
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return "check the path"
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(os.path.join(folder, other) for other in close) + "?"
    if not names:
        return f"{folder or '.'} is empty; check the path"
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{folder or '.'} holds {shown}"
