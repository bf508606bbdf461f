# SPDX-License-Identifier: Apache-2.0
"""JSONL kernels for writing; their plain definitions are in ``jsonl_write_plain``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from thresher.kernels.arrow_text import sample
from thresher.kernels.blocks import BLOCK, address_of, block_at, lowest_bit
from thresher.kernels.compiled import jit
from thresher.kernels.json_tokens import copy_block, string_stops

_QUOTE, _BACKSLASH = 34, 92
_LONGEST = 6  # bytes of one escape


def _short_escapes() -> Any:
    letters = np.zeros(256, np.uint8)
    for byte, letter in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True):
        letters[ord(byte)] = ord(letter)
    return letters


_SHORT = _short_escapes()


def compile_all() -> None:
    """Compile :func:`escape` and :func:`gather` by calling them."""
    data, offsets = sample()
    out, ends = np.empty(1024, np.uint8), np.zeros(len(offsets), np.int64)
    escape(data, offsets, 0, out, ends)
    pieces = np.zeros(1, np.int64)
    gather(data, data, np.zeros(1, np.bool_), pieces, pieces + 1, out)


@jit
def escape_one(byte: Any, out: Any, at: Any) -> Any:
    """uint8, uint8[m], int64 -> int64: write one escape to ``out[at:]``; the place behind it."""
    out[at] = _BACKSLASH
    if _SHORT[byte] != 0:
        out[at + 1] = _SHORT[byte]
        return at + 2
    out[at + 1] = 117  # u
    out[at + 2] = out[at + 3] = 48
    out[at + 4] = 48 + (byte >> 4)
    low = byte & 15
    out[at + 5] = low + 48 if low < 10 else low + 87
    return at + 6


@jit
def escape(data: Any, offsets: Any, first: Any, out: Any, ends: Any) -> Any:
    """As the plain ``escape``; asks for room of a block and an escape more than it needs."""
    target = address_of(out)
    at = ends[first]
    for row in range(first, offsets.size - 1):
        place = offsets[row]
        stop = offsets[row + 1]
        if at + BLOCK >= out.size:
            return row
        out[at] = _QUOTE
        at += 1
        while place < stop:
            if at + BLOCK + _LONGEST >= out.size:
                return row
            block = block_at(data, place)
            copy_block(block, target + types.uint64(at))
            step = min(lowest_bit(string_stops(block)), stop - place)
            place += step
            at += step
            if step < BLOCK and place < stop:
                at = escape_one(data[place], out, at)
                place += 1
        out[at] = _QUOTE
        at += 1
        ends[row + 1] = at
    return offsets.size - 1


@jit
def gather(first: Any, second: Any, from_second: Any, starts: Any, stops: Any, out: Any) -> Any:
    """As the plain ``gather``; reads nothing beyond the pieces."""
    target = address_of(out)
    at = types.int64(0)
    for piece in range(starts.size):
        length = stops[piece] - starts[piece]
        source = address_of(second) if from_second[piece] else address_of(first)
        source += types.uint64(starts[piece])
        if length < BLOCK:
            data = second if from_second[piece] else first
            for i in range(length):
                out[at + i] = data[starts[piece] + i]
        else:
            done = types.int64(0)
            while done + BLOCK <= length:
                copy_block(source + types.uint64(done), target + types.uint64(at + done))
                done += BLOCK
            last = length - BLOCK  # overlaps what is copied already
            copy_block(source + types.uint64(last), target + types.uint64(at + last))
        at += length
