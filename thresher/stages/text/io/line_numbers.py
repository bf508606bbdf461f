# SPDX-License-Identifier: Apache-2.0
"""Line numbers of places in files, counted when somebody asks: broken records are rare."""

from __future__ import annotations

from typing import Any

from thresher import storage

_CHUNK = 1 << 20


class LineNumbers:
    """Counts line ends before an offset, going on from the last question where it can."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        self._options = options
        self._path = ""
        self._offset = 0
        self._lines = 0

    def at(self, path: str, offset: int) -> int:
        """The number, from 1, of the line that begins at ``offset`` of an uncompressed file."""
        if path != self._path or offset < self._offset:
            self._path, self._offset, self._lines = path, 0, 0
        with (
            storage.failures("read", path),
            storage.open_read(path, self._offset, self._options) as file,
        ):
            while self._offset < offset:
                data = file.read(min(_CHUNK, offset - self._offset))
                if not data:
                    break
                self._lines += data.count(b"\n")
                self._offset += len(data)
        return self._lines + 1
