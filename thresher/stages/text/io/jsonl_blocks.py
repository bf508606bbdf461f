# SPDX-License-Identifier: Apache-2.0
"""Cut files and slices of files into blocks of whole lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from thresher import storage
from thresher.stages.reading import SourceError
from thresher.stages.text.io import reused_buffers
from thresher.stages.text.io.decompress import (
    BOM,
    HEAD,
    CutOff,
    Reading,
    check_beginning,
    compression_in,
    compression_of,
    members,
    with_long_first,
)
from thresher.stages.text.io.jsonl_scan import PADDING
from thresher.tasks import FileSlice

LARGEST_LINE = 2**31 - 1
STEP = 1 << 18
"""Bytes read at once where it is not known how many are wanted."""

_LF = 10
_WINDOW = 1 << 16


@dataclass
class Piece:
    """A stretch of a block that comes from one file.

    Parameters
    ----------
    path : str
        The file.
    at : int
        Where in the block it begins.
    offset : int
        Where in the (decompressed) file it begins.
    line : int
        Number of its first line in the file, from 1; 0 where it has not been counted.
    is_stream : bool
        Whether it is compressed: then its lines cannot be counted again from any offset.
    """

    path: str
    at: int
    offset: int
    line: int
    is_stream: bool = False


@dataclass
class Block:
    """Whole lines, ``buffer[:stop]``, each ended by LF, and where they come from.

    ``buffer`` is uint8 and has ``PADDING`` bytes or more beyond ``stop``.
    """

    buffer: NDArray[np.uint8]
    stop: int
    pieces: list[Piece] = field(default_factory=list)


class _Filling:
    """A block while it is filled; ``whole`` is where its last, unended line begins."""

    def __init__(self, capacity: int) -> None:
        self.buffer = reused_buffers.empty(capacity + PADDING)
        self.stop = 0
        self.whole = 0
        self.pieces: list[Piece] = []

    def begin(self, path: str, offset: int, line: int, is_stream: bool = False) -> None:
        """Say where the following bytes come from."""
        self.pieces.append(Piece(path, self.stop, offset, line, is_stream))

    def room(self, n_bytes: int) -> memoryview:
        """Writable memory for ``n_bytes`` more."""
        needed = self.stop + n_bytes + 1 + PADDING  # one for a line end that the file lacks
        if self.stop - self.whole > LARGEST_LINE:
            place = self.pieces[-1]
            raise SourceError(
                f"the line at byte {place.offset + self.whole - place.at} is longer than 2 GiB",
                place.path,
                todo="check that the file is JSONL, one record per line",
            )
        if needed > len(self.buffer):
            larger = reused_buffers.empty(needed + needed // 4)
            larger[: self.stop] = self.buffer[: self.stop]
            self.buffer = larger
        return self.buffer.data[self.stop : self.stop + n_bytes]

    def advance(self, n_bytes: int) -> None:
        """Count ``n_bytes`` that were written to :meth:`room`."""
        low = high = self.stop + n_bytes
        while low > self.stop:
            low = max(self.stop, high - _WINDOW)
            found = self.buffer[low:high].tobytes().rfind(b"\n")
            if found >= 0:
                self.whole = low + found + 1
                break
            high = low
        self.stop += n_bytes

    def add(self, data: bytes | memoryview) -> None:
        """Copy bytes in."""
        self.room(len(data))[:] = data
        self.advance(len(data))

    def truncate(self, stop: int) -> None:
        """Forget what comes after ``stop``, a line's end."""
        self.stop = self.whole = stop

    def end_line(self) -> None:
        """Give the last line the end that its file lacks."""
        if self.whole < self.stop:
            self.add(b"\n")

    def place(self, at: int) -> tuple[str, int, int, bool]:
        """Path, offset and line of a position in the last piece, and whether that is a stream.

        Only the lines of streams are counted on the way.
        """
        piece = self.pieces[-1]
        line = 0
        if piece.is_stream:
            line = piece.line + int(np.count_nonzero(self.buffer[piece.at : at] == _LF))
        return piece.path, piece.offset + at - piece.at, line, piece.is_stream


class _Blocks:
    """Fills block after block from slice after slice."""

    def __init__(
        self, target: int, options: dict[str, Any] | None, warn: Callable[[str], None]
    ) -> None:
        self.target = target
        self.options = options
        self.warn = warn
        self.filling = _Filling(target)

    def read(self, slices: Sequence[FileSlice]) -> Iterator[Block]:
        for piece in slices:
            for _ in self._steps(piece):
                if self.filling.stop >= self.target and self.filling.whole:
                    yield self._whole_lines()
            self.filling.end_line()
            verify_unchanged(piece, self.options)
        if self.filling.stop:
            yield Block(self.filling.buffer, self.filling.stop, self.filling.pieces)

    def _whole_lines(self) -> Block:
        """All whole lines as a block; the rest begins the next one."""
        full = self.filling
        rest = full.buffer.data[full.whole : full.stop]
        self.filling = _Filling(self.target)
        self.filling.begin(*full.place(full.whole))
        self.filling.add(rest)
        return Block(full.buffer, full.whole, full.pieces)

    def _steps(self, piece: FileSlice) -> Iterator[None]:
        """Read a slice into the filling, giving way after every step."""
        with storage.open_read(piece.path, options=self.options) as source:
            with storage.failures("read", piece.path):
                head = source.read(HEAD) if piece.start == 0 else b""
                source.seek(0)
            if kind := compression_in(head):
                yield from self._compressed(piece, source, kind)
                return
            check_beginning(head, piece.path, is_text=True, opening=b"{")
            if compression_of(piece.path) and not head and not piece.start:
                self.warn(f"{piece.path}: the file is empty, not even compressed")
            with storage.failures("read", piece.path):
                yield from self._plain(piece, source)

    def _compressed(self, piece: FileSlice, source: BinaryIO, kind: str) -> Iterator[None]:
        first = True
        self.filling.begin(piece.path, 0, 1, is_stream=True)
        stream = members(
            Reading(source, piece.path), kind, lambda text: self.warn(f"{piece.path}: {text}")
        )
        try:
            for data in with_long_first(stream, HEAD):
                if first:
                    check_beginning(data, piece.path, is_text=False)
                if first and data.startswith(BOM):
                    data = data[len(BOM) :]
                    self.filling.pieces[-1].offset = len(BOM)
                first = False
                self.filling.add(data)
                yield
        except CutOff as error:
            raise self._damaged(piece, error) from None

    def _damaged(self, piece: FileSlice, error: CutOff) -> SourceError:
        """Nothing of a damaged file is used: what a checksum does not confirm may be anything."""
        _, offset, line, _ = self.filling.place(self.filling.whole)
        lines = max(line - 1, 0)
        estimate = lines
        if 0 < error.consumed < piece.size:
            estimate = round(lines * piece.size / error.consumed)
        of_all = f" of {piece.size}" if piece.size >= 0 else ""
        what = (
            f"{error} (after {error.consumed}{of_all} bytes; what could be read before ends with "
            f"line {lines}, byte {offset})"
        )
        return SourceError(what, piece.path, estimate, todo="mend or replace the file")

    def _plain(self, piece: FileSlice, source: BinaryIO) -> Iterator[None]:
        start = _first_line(source, piece, self.filling)
        if start is None:
            return
        if piece.stop is None:
            while self._step(source, max(STEP, self.target - self.filling.stop)):
                yield
            return
        left = max(1, piece.stop - start)  # a byte order mark may fill the slice
        while left > 0:
            n_bytes = self._step(source, min(left, max(STEP, self.target - self.filling.stop)))
            if not n_bytes:
                return
            left -= n_bytes
            yield
        yield from self._last_line(source)

    def _last_line(self, source: BinaryIO) -> Iterator[None]:
        """Read on to the end of the line that a slice ends in."""
        while (before := self.filling.stop) > self.filling.whole:
            if not self._step(source, _WINDOW):
                return
            if self.filling.whole > before:
                added = self.filling.buffer[before : self.filling.stop].tobytes()
                self.filling.truncate(before + added.find(b"\n") + 1)
            yield

    def _step(self, source: BinaryIO, n_bytes: int) -> int:
        got = int(source.readinto(self.filling.room(n_bytes)) or 0)  # type: ignore[attr-defined]
        self.filling.advance(got)
        return got


def blocks(
    slices: Sequence[FileSlice],
    target: int,
    options: dict[str, Any] | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[Block]:
    """Blocks of about ``target`` bytes, more where a line is longer; across files.

    Files are known to be compressed by their first bytes, whatever they are called. ``warn`` is
    told what is odd about them, and harmless.

    Raises
    ------
    SourceError
        If a file is damaged, has a line longer than 2 GiB, or changed while it was read.
    StorageError
        If a file cannot be read.
    """
    return _Blocks(target, options, warn).read(slices)


def _first_line(source: BinaryIO, piece: FileSlice, filling: _Filling) -> int | None:
    """Seek to the first line that begins in the slice; its offset, None if there is none."""
    if piece.start == 0:
        head = source.read(len(BOM))
        offset = len(BOM) if head == BOM else 0
        source.seek(offset)
        filling.begin(piece.path, offset, 1)
        return offset
    at = piece.start - 1
    source.seek(at)
    while piece.stop is None or at < piece.stop:
        window = source.read(_WINDOW)
        found = window.find(b"\n")
        if found >= 0:
            start = at + found + 1
            if piece.stop is not None and start >= piece.stop:
                return None
            source.seek(start)
            filling.begin(piece.path, start, 0)
            return start
        if not window:
            return None
        at += len(window)
    return None


def verify_unchanged(piece: FileSlice, options: dict[str, Any] | None) -> None:
    """Refuse a file that is not what it was when it was listed."""
    if piece.size < 0 and not piece.version:
        return
    now = storage.stat(piece.path, options)
    size_differs = piece.size >= 0 and now.size >= 0 and now.size != piece.size
    known = piece.version and now.version
    if size_differs or (known and not storage.is_version(piece.version, now.version)):
        raise SourceError(
            "the file changed while it was read",
            piece.path,
            todo="run again when nothing writes to it any more",
        )
