# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""What FineWeb's rules count of lines; those of nothing but white space do not count."""

from __future__ import annotations

import functools

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    continuations,
    count_bits,
    count_characters,
)
from thresher.kernels.compiled import jit, part
from thresher.kernels.gopher_marks import TERMINALS
from thresher.kernels.repeats import count_repeats
from thresher.kernels.scratch import longest, slots_for
from thresher.kernels.split import split_lines
from thresher.kernels.white_space import spaces

NAMES = (
    "inked_lines",
    "ended_lines",
    "short_lines",
    "repeated_inked_line_characters",
    "feeds",
    "unbroken_characters",
    "fineweb_words",
)

_feeds = byte_mask((((0x0A, 0x0A),),))


def signals(
    data: Bytes, offsets: Integers, ends: str = TERMINALS, short: int = 30
) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``inked_lines``, which are more than white space; of these ``ended_lines``, whose last character
    is in ``ends``, ``short_lines`` of at most ``short`` characters, and
    ``repeated_inked_line_characters`` of those that equal an earlier one; ``feeds``, which are line
    feeds, and ``unbroken_characters``, which are not; ``fineweb_words`` between white space.
    """
    counts = np.empty((len(NAMES), len(offsets) - 1), np.int64)
    room = longest(offsets) + 1
    starts, lengths, first, last = np.empty((4, room), np.int64)
    hashes = np.empty(room, np.uint64)
    slots = np.empty(slots_for(room), np.uint64)
    codes = _sorted_codes(ends)
    _count(data, offsets, codes, short, starts, lengths, first, last, hashes, slots, counts)
    return dict(zip(NAMES, counts, strict=True))


def compile_all() -> None:
    """Compile the kernel."""
    signals(*sample())


@functools.cache
def _sorted_codes(characters: str) -> Integers:
    return np.array(sorted(map(ord, characters)), np.int64)


@jit
def _count(data, offsets, ends, short, starts, lengths, first, last, hashes, slots, counts):
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_lines = split_lines(data, begin, stop, starts, lengths, first, last)
        n_ended = n_short = 0
        for line in range(n_lines):
            end = lengths[line]
            lengths[line] -= starts[line]
            n_ended += _ends_with(data, starts[line], end, ends)
            n_short += _is_short(data, starts[line], end, short)
        counts[0, document] = n_lines
        counts[1, document] = n_ended
        counts[2, document] = n_short
        _, counts[3, document] = count_repeats(data, n_lines, starts, lengths, hashes, slots)
        _count_words_and_feeds(data, begin, stop, counts, document)


@part
def _ends_with(data, begin, end, codes):
    """Whether the last character of a line is one of the sorted code points."""
    place = end - 1
    code = np.int64(data[place])
    if code >= 0x80:
        while place > begin and data[place] & 0xC0 == 0x80:
            place -= 1
        width = end - place
        code = np.int64(data[place]) & (0xFF >> (width + 1))
        for k in range(place + 1, end):
            code = code << 6 | np.int64(data[k]) & 0x3F
    low = 0
    high = codes.size
    while low < high:
        middle = (low + high) // 2
        if codes[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low < codes.size and codes[low] == code


@part
def _is_short(data, begin, end, most):
    n_bytes = end - begin
    if n_bytes <= most:
        return True
    return n_bytes <= 4 * most and count_characters(data, begin, end) <= most


@part
def _count_words_and_feeds(data, begin, stop, counts, document):
    one = types.uint64(1)
    before = one  # white space stands before the document
    carried = types.uint64(0)
    n_feeds = n_words = n_characters = 0
    for place in range(begin, stop, BLOCK):
        address = block_at(data, place)
        own = bits_below(stop - place)
        space, carried = spaces(address, carried)
        n_feeds += count_bits(_feeds(address) & own)
        n_words += count_bits(~space & (space << one | before) & own)
        n_characters += count_bits(own & ~continuations(address))
        before = space >> types.uint64(63)
    counts[4, document] = n_feeds
    counts[5, document] = n_characters - n_feeds
    counts[6, document] = n_words
