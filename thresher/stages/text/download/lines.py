# SPDX-License-Identifier: Apache-2.0
"""The lines of downloaded files, compressed ones too, in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterator

from thresher import storage
from thresher.stages.text.io.decompress import MAGIC_BYTES, Reading, compression_in, members
from thresher.stages.text.io.jsonl_blocks import BOM

LONGEST = 1 << 26
"""Bytes of a line; a longer one comes in pieces."""


def lines_of(path: str) -> Iterator[bytes]:
    """The lines of a file, each with its line feed; a byte order mark is left out.

    A file is known to be compressed by its first bytes, whatever it is called.

    Raises
    ------
    CutOff
        After the last line that could be decompressed.
    """
    with storage.open_read(path) as raw:
        with storage.failures("read", path):
            kind = compression_in(raw.read(MAGIC_BYTES))
            raw.seek(0)
        if kind:
            yield from _without_mark(_lines(members(Reading(raw, path), kind)))
            return
        with io.BufferedReader(raw, 1 << 20) as file:  # type: ignore[type-var]
            yield from _without_mark(iter(lambda: file.readline(LONGEST), b""))


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
