# SPDX-License-Identifier: Apache-2.0
"""The lines of downloaded files, compressed ones too, in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterator

from thresher import storage
from thresher.stages.text.io.decompress import (
    BOM,
    HEAD,
    Reading,
    check_beginning,
    compression_in,
    members,
    with_long_first,
)

LONGEST = 1 << 26
"""Bytes of a line; a longer one comes in pieces."""


def lines_of(path: str, opening: bytes = b"") -> Iterator[bytes]:
    """The lines of a file, each with its line feed; a byte order mark is left out.

    A file is known to be compressed by its first bytes, whatever it is called.

    Parameters
    ----------
    opening : bytes
        What the first line begins with, if that is known.

    Raises
    ------
    CutOff
        After the last line that could be decompressed.
    SourceError
        If the file is in another format; see :func:`check_beginning`.
    """
    with storage.open_read(path) as raw:
        with storage.failures("read", path):
            head = raw.read(HEAD)
            raw.seek(0)
        if kind := compression_in(head):
            yield from _without_mark(_lines(_checked(members(Reading(raw, path), kind), path)))
            return
        check_beginning(head, path, is_text=True, opening=opening)
        with io.BufferedReader(raw, 1 << 20) as file:  # type: ignore[type-var]
            yield from _without_mark(iter(lambda: file.readline(LONGEST), b""))


def _checked(blocks: Iterator[bytes], path: str) -> Iterator[bytes]:
    whole = with_long_first(blocks, HEAD)
    for first in whole:
        check_beginning(first, path, is_text=False)
        yield first
        break
    yield from whole


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line.removeprefix(BOM)
        break
    yield from lines


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line + b"\n"
        while len(rest) > LONGEST:
            yield rest[:LONGEST]
            rest = rest[LONGEST:]
    if rest:
        yield rest
