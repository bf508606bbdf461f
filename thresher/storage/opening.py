# SPDX-License-Identifier: Apache-2.0
"""Open files for reading and writing, local ones without detours."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import Any, BinaryIO, cast

from thresher.storage.failures import failures
from thresher.storage.paths import absolute, filesystem, is_local


def open_read(path: str, start: int = 0, options: dict[str, Any] | None = None) -> BinaryIO:
    """Open a file for reading bytes from ``start`` on; it has ``readinto``."""
    with failures("read", path):
        if is_local(path):
            place = absolute(path)
            if stat.S_ISFIFO(os.stat(place).st_mode):
                raise _is_a_pipe(path)
            # The caller reads into large buffers of its own.
            source: Any = open(place, "rb", buffering=0)  # noqa: SIM115
        else:
            fs, inner = filesystem(path, options)
            source = fs.open(inner, "rb")
        if start:
            source.seek(start)
        return cast("BinaryIO", source)


def _is_a_pipe(path: str) -> OSError:
    """One that was put in a file's place: whoever opens it waits, maybe for ever."""
    return OSError(errno.EINVAL, "it is a named pipe, not a file", path)


def open_write(path: str, options: dict[str, Any] | None = None) -> BinaryIO:
    """Open a new or emptied file for writing bytes. Nothing is synced."""
    with failures("write", path):
        if is_local(path):
            return cast("BinaryIO", WholeWrites(absolute(path), "w"))
        fs, inner = filesystem(path, options)
        return cast("BinaryIO", fs.open(inner, "wb"))


class WholeWrites(io.FileIO):
    """A file without a buffer that takes all of what it is given, or raises an error.

    One call of the operating system takes 2 GiB at most, and on a full disk what there is room
    for; libraries do not look at how much it was.
    """

    def write(self, data: Any, /) -> int:
        """Write all of ``data``."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += super().write(view[done:]) or 0
        return done


def open_arrow(path: str, options: dict[str, Any] | None = None) -> Any:
    """Open a file as a seekable ``pyarrow.NativeFile``, for Parquet and the like."""
    import pyarrow as pa

    with failures("read", path):
        if is_local(path):
            place = absolute(path)
            if stat.S_ISFIFO(os.stat(place).st_mode):
                raise _is_a_pipe(path)
            return pa.OSFile(os.fsencode(place), "rb")
        fs, inner = filesystem(path, options)
        return pa.PythonFile(fs.open(inner, "rb"), mode="r")
