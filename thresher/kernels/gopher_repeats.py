# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Lines and paragraphs that were there before, as Gopher's repetition rules count them.

Lines are what stands between runs of line feeds, paragraphs what stands between runs of two and
more once white space around the text is gone; an empty one at an end counts.
"""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    continuations,
    count_bits,
    highest_bit,
    lowest_bit,
)
from thresher.kernels.compiled import jit, part
from thresher.kernels.repeats import count_repeats
from thresher.kernels.scratch import longest, slots_for
from thresher.kernels.white_space import spaces

NAMES = (
    "text_characters",
    "feed_lines",
    "repeated_lines",
    "repeated_line_characters",
    "blank_line_paragraphs",
    "repeated_paragraphs",
    "repeated_paragraph_characters",
)

_feeds = byte_mask((((0x0A, 0x0A),),))


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``text_characters``; ``feed_lines``, ``repeated_lines`` that equal an earlier one, and
    ``repeated_line_characters``; ``blank_line_paragraphs`` and the same of them.
    """
    counts = np.empty((len(NAMES), len(offsets) - 1), np.int64)
    room = longest(offsets) // 2 + 2
    starts, lengths = np.empty((2, room), np.int64)
    hashes = np.empty(room, np.uint64)
    slots = np.empty(slots_for(room), np.uint64)
    _count(data, offsets, starts, lengths, hashes, slots, counts)
    return dict(zip(NAMES, counts, strict=True))


@jit
def _count(data, offsets, starts, lengths, hashes, slots, counts):
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        first, last = _ink(data, begin, stop, counts, document)
        n_lines = _split(data, begin, stop, types.int64(1), starts, lengths)
        counts[1, document] = n_lines
        counts[2, document], counts[3, document] = count_repeats(
            data, n_lines, starts, lengths, hashes, slots
        )
        n_paragraphs = _split(data, first, last, types.int64(2), starts, lengths)
        counts[4, document] = n_paragraphs
        counts[5, document], counts[6, document] = count_repeats(
            data, n_paragraphs, starts, lengths, hashes, slots
        )


@part
def _ink(data, begin, stop, counts, document):
    """(int64, int64): where the text without white space around it lies; counts characters."""
    n_characters = 0
    first = last = begin
    carried = types.uint64(0)
    for place in range(begin, stop, BLOCK):
        address = block_at(data, place)
        own = bits_below(stop - place)
        space, carried = spaces(address, carried)
        n_characters += count_bits(own & ~continuations(address))
        ink = ~space & own
        if ink != 0:
            if last == begin:
                first = place + lowest_bit(ink)
            last = place + highest_bit(ink) + 1
    counts[0, document] = n_characters
    return first, last


@part
def _split(data, begin, stop, least, starts, lengths):
    """int64 pieces between runs of ``least`` and more line feeds; their int64 starts, lengths."""
    one = types.uint64(1)
    n_pieces = 0
    starts[0] = begin
    run = begin  # where the run of line feeds began that ``behind`` is just behind of
    behind = begin - 1
    for place in range(begin, stop, BLOCK):
        feeds = _feeds(block_at(data, place)) & bits_below(stop - place)
        while feeds != 0:
            feed = place + lowest_bit(feeds)
            feeds &= feeds - one
            if feed != behind:
                run = feed
            behind = feed + 1
            if behind - run == least:
                lengths[n_pieces] = run - starts[n_pieces]
                n_pieces += 1
            if behind - run >= least:
                starts[n_pieces] = behind
    lengths[n_pieces] = stop - starts[n_pieces]
    return n_pieces + 1
