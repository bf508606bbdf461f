# SPDX-License-Identifier: Apache-2.0
"""Read compressed files as streams: in bounded memory, with every checksum verified.

A file is one or several members (gzip, RFC 1952; bzip2 and xz streams; zstd frames, RFC 8878). What
follows the last one may be padding, zeros or white space, and nothing else.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from thresher import storage
from thresher.stages.reading import SourceError

BOM = b"\xef\xbb\xbf"
HEAD = 512
"""First bytes of a file that tell what it is."""

_CHUNK = 1 << 18
_STEP = 1 << 22
"""Decompressed bytes at most per step: a small file may decompress to a huge one."""

_SMALL_STEP = 1 << 9

_BLANK = b" \t\r\n"
_PADDING = b"\0" + _BLANK
_LARGEST_WINDOW = 31

_MAGIC = {
    ".gz": b"\x1f\x8b",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
}
_SKIPPABLE = b"\x2a\x4d\x18"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"\xff\x06\0\0sNaPpY": "compressed by Snappy",
    b"]\0\0": "compressed in the old format of lzma",
    b"LZIP\x01": "compressed by lzip",
    b"\x1f\x9d": "compressed by compress",
    b"\xff\xfe\0\0": "text in UTF-32",
    b"\0\0\xfe\xff": "text in UTF-32",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
_TAR_AT, _TAR = 257, b"ustar"
"""Where a tar archive says that it is one (POSIX.1, pax): in the header of its first member."""

_UNMARKED = {
    re.compile(rb"(\0\0\0[^\0]){2}|([^\0]\0\0\0){2}"): "text in UTF-32",
    re.compile(rb"(\0[^\0]){2}|([^\0]\0){2}"): "text in UTF-16",
}
"""Text without a byte order mark: it begins with characters of ASCII, as JSON does."""

_LONGEST_MAGIC = max(map(len, _MAGIC.values()))


class CutOff(Exception):
    """A compressed file that ends early or is corrupt.

    Parameters
    ----------
    consumed : int
        Compressed bytes that were read.
    """

    def __init__(self, reason: str, consumed: int) -> None:
        super().__init__(reason)
        self.consumed = consumed


def compression_of(path: str) -> str:
    """The compression that a file name tells: ``.gz``, ``.zst``, ``.bz2``, ``.xz`` or none."""
    lower = path.lower()
    endings = storage.COMPRESSION_ENDINGS.items()
    return next((kind for ending, kind in endings if lower.endswith(ending)), "")


def compression_in(head: bytes) -> str:
    """The compression that a file's first bytes tell; ``""`` for none."""
    if head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F:
        return ".zst"
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "")


def check_beginning(head: bytes, path: str, *, is_text: bool, opening: bytes = b"") -> None:
    """Refuse a file that its first bytes, decompressed, show to be no text as it is read here.

    Otherwise its bytes would be cut at line feeds, and the pieces counted as records.

    Parameters
    ----------
    is_text : bool
        Whether the file was not compressed, whatever its name says.
    opening : bytes
        What the first line of such a file begins with.

    Raises
    ------
    SourceError
        If it is in another format; if it is compressed once more; or if its name says that it is
        compressed, and it neither is nor begins with ``opening``.
    """
    found = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), "")
    found = found or next((what for form, what in _UNMARKED.items() if form.match(head)), "")
    if head[_TAR_AT:].startswith(_TAR) and b"\0" in head[:_TAR_AT]:  # which no text has
        found = "a tar archive"
    if not found and not is_text and compression_in(head):
        found = "compressed more than once"
    if found:
        todo = "convert it to UTF-8" if "UTF" in found else "unpack it"
        raise SourceError(f"the file is {found}", path, todo=f"{todo}, or remove it")
    first = head.removeprefix(BOM).lstrip(_BLANK)[: len(opening)]
    if is_text and first != opening and first and compression_of(path):
        raise SourceError(
            "its name says that the file is compressed, but it does not begin so",
            path,
            todo="replace it if it is damaged; if it is text, give it a name that says so",
        )


def with_long_first(pieces: Iterator[bytes], n_bytes: int) -> Iterator[bytes]:
    """The same bytes; the first piece has ``n_bytes``, or all that there are."""
    first = b""
    try:
        while len(first) < n_bytes and (piece := next(pieces, None)) is not None:
            first += piece
    except CutOff:
        yield first
        raise
    yield first
    yield from pieces


def decompressed(
    path: str,
    options: dict[str, Any] | None = None,
    compression: str = "",
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[bytes]:
    """Decompressed bytes of a file, in order.

    Parameters
    ----------
    compression : str
        The format; the one that the file's name tells if not given.
    warn : Callable
        Is told what is odd about the file, and harmless.

    Raises
    ------
    CutOff
        After all that could be decompressed, if the file is truncated or corrupt.
    StorageError
        If the file cannot be read.
    """
    kind = compression or compression_of(path)
    with storage.open_read(path, options=options) as source:
        yield from members(Reading(source, path), kind, warn)


class Reading:
    """An open file whose failures are those of the storage, and never faults of the data."""

    def __init__(self, source: BinaryIO, path: str) -> None:
        self._source = source
        self._path = path

    def read(self, n_bytes: int) -> bytes:
        """At most ``n_bytes`` more."""
        with storage.failures("read", self._path):
            return self._source.read(n_bytes)


def members(
    source: Reading | BinaryIO, compression: str, warn: Callable[[str], None] = lambda text: None
) -> Iterator[bytes]:
    """Decompressed bytes of an open file; see :func:`decompressed`."""
    start, magic = _DECOMPRESSORS[compression], _MAGIC[compression]
    waiting = source.read(_CHUNK)
    consumed = len(waiting)
    is_first = True
    while waiting:
        if not is_first:
            waiting, consumed = _after_member(source, waiting, consumed, magic, warn)
            if not waiting:
                return
        is_first = False
        member = start()
        beginning = waiting
        while not member.eof:
            try:
                data = member.decompress(waiting, _STEP)
            except MemoryError:
                raise
            except Exception as error:  # each format has errors of its own
                yield from _before_the_damage(start(), waiting if waiting is beginning else b"")
                raise CutOff(f"the compressed data is corrupt: {error}", consumed) from None
            if data:
                yield data
            waiting = b""
            if member.needs_input and not member.eof:
                waiting = source.read(_CHUNK)
                consumed += len(waiting)
                if not waiting:
                    raise CutOff("the compressed file ends early", consumed)
        waiting = member.unused_data or source.read(_CHUNK)
        consumed += 0 if member.unused_data else len(waiting)


def _before_the_damage(member: Any, data: bytes) -> Iterator[bytes]:
    """What the first bytes of a damaged member hold, in pieces: it tells how much is lost."""
    for _ in range(_STEP // _SMALL_STEP if data else 0):
        try:
            yield member.decompress(data, _SMALL_STEP)
        except Exception:
            return
        data = b""


def _after_member(
    source: Reading | BinaryIO,
    waiting: bytes,
    consumed: int,
    magic: bytes,
    warn: Callable[[str], None],
) -> tuple[bytes, int]:
    """What follows a whole member: the next one, or nothing behind padding.

    Raises
    ------
    CutOff
        If it is neither: a damaged member looks like that.
    """
    padding = 0
    while True:
        rest = waiting if _begins(waiting, magic) else waiting.lstrip(_PADDING)
        padding += len(waiting) - len(rest)
        if len(rest) >= _LONGEST_MAGIC:
            break
        more = source.read(_CHUNK)
        consumed += len(more)
        if not more:
            break
        waiting = rest + more
    if rest and not _begins(rest, magic):
        what = "the compressed data is followed by bytes that are neither padding nor compressed"
        raise CutOff(what, consumed)
    if padding:
        bytes_follow = "byte of padding follows" if padding == 1 else "bytes of padding follow"
        warn(f"{padding} {bytes_follow} the compressed data")
    return rest, consumed


def _begins(data: bytes, magic: bytes) -> bool:
    is_skippable = magic == _MAGIC[".zst"] and compression_in(data) == ".zst"
    return data.startswith(magic) or is_skippable


class _GzipMember:
    """zlib's decompressor with bz2's interface; it checks CRC and length at the member's end."""

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


def _zstd_frame() -> Any:
    from backports import zstd

    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW}
    )


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    ".gz": _GzipMember,
    ".zst": _zstd_frame,
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
}
