# SPDX-License-Identifier: Apache-2.0
"""A file in shared memory that moves to disk when shared memory is full."""

from __future__ import annotations

import errno
import io
import os
import shutil
from typing import Any


class OverflowingFile(io.RawIOBase):
    """A new file that is written from its beginning to its end.

    Parameters
    ----------
    path : str
        Where it begins.
    instead : str
        Where it goes on, with all that was written, when the device of ``path`` is full.
    """

    def __init__(self, path: str, instead: str) -> None:
        super().__init__()
        self.path = path
        self._instead = instead
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by close

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes written."""
        return self._file.tell()

    def write(self, data: Any, /) -> int:
        """Write all of ``data``."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            try:
                done += self._file.write(view[done:])
            except OSError as error:
                if error.errno != errno.ENOSPC or self.path == self._instead:
                    raise
                self._move()
        return done

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
        super().close()

    def _move(self) -> None:
        self._file.close()
        try:
            with open(self.path, "rb") as full, open(self._instead, "xb") as disk:
                shutil.copyfileobj(full, disk)
        finally:
            os.unlink(self.path)
        self.path = self._instead
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
