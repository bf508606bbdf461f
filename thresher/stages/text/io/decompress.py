# SPDX-License-Identifier: Apache-2.0
"""Read compressed files as streams, in bounded memory."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from thresher import storage

_CHUNK = 1 << 18
_STEP = 1 << 22
"""Decompressed bytes at most per step: a small file may decompress to a huge one."""


class CutOff(Exception):
    """A compressed stream that ends early or is corrupt; what came before it is good."""


def compression_of(path: str) -> str:
    """The compression a file name tells: ``".gz"``, ``".zst"``, ``".bz2"``, ``".xz"`` or ``""``."""
    return next((ending for ending in _OPENERS if path.lower().endswith(ending)), "")


def decompressed(
    path: str, options: dict[str, Any] | None = None, compression: str = ""
) -> Iterator[bytes]:
    """Decompressed bytes of a file, in order; its name tells the compression if nothing else does.

    Raises
    ------
    CutOff
        After all that could be decompressed, if the stream is truncated or corrupt.
    """
    with storage.open_read(path, options=options) as source:
        yield from _OPENERS[compression or compression_of(path)](source)


def _members(source: BinaryIO, start: Callable[[], Any]) -> Iterator[bytes]:
    """Concatenated members of a format whose decompressors follow bz2's interface."""
    waiting = source.read(_CHUNK)
    while waiting:
        member = start()
        while not member.eof:
            try:
                data = member.decompress(waiting, _STEP)
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise CutOff(f"the compressed data is corrupt: {error}") from None
            if data:
                yield data
            waiting = b""
            if member.needs_input and not member.eof:
                waiting = source.read(_CHUNK)
                if not waiting:
                    raise CutOff("the compressed file ends early")
        waiting = (member.unused_data or source.read(_CHUNK)).lstrip(b"\0")


class _GzipMember:
    """zlib's decompressor with bz2's interface."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, limit: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, limit)
        self.needs_input = not self._zlib.unconsumed_tail and len(out) < limit
        return out


def _gzip(source: BinaryIO) -> Iterator[bytes]:
    return _members(source, _GzipMember)


def _bz2(source: BinaryIO) -> Iterator[bytes]:
    return _members(source, bz2.BZ2Decompressor)


def _xz(source: BinaryIO) -> Iterator[bytes]:
    return _members(source, lzma.LZMADecompressor)


def _zstd(source: BinaryIO) -> Iterator[bytes]:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")
    while True:
        try:
            data = stream.read(_CHUNK)
        except (OSError, pa.ArrowException) as error:
            raise CutOff(f"the compressed data is corrupt or ends early: {error}") from None
        if not data:
            return
        yield data


_OPENERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    ".gz": _gzip,
    ".zst": _zstd,
    ".bz2": _bz2,
    ".xz": _xz,
}
