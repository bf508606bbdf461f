# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Where the words and the lines of a document are."""

from __future__ import annotations

from numba import types

from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    count_bits,
    highest_bit,
    lowest_bit,
)
from thresher.kernels.compiled import jit
from thresher.kernels.white_space import spaces

SPARE_EDGES = 8

_line_feeds = byte_mask((((0x0A, 0x0A),),))


@jit
def split_words(data, begin, stop, edges):
    """uint8[n_bytes], int64, int64 -> int64 words found: word i is data[edges[2i]:edges[2i + 1]].

    ``edges`` int64[room] has ``SPARE_EDGES`` more than there are.
    """
    one = types.uint64(1)
    n_edges = 0
    before = one  # white space stands before the document
    carried = types.uint64(0)
    for place in range(begin, stop, BLOCK):
        space, carried = spaces(block_at(data, place), carried)
        found = (space ^ (space << one | before)) & bits_below(stop - place)
        before = space >> types.uint64(63)
        known = n_edges + count_bits(found)
        while n_edges < known:  # eight at a time: fewer branches to guess wrong
            for i in range(SPARE_EDGES):
                edges[n_edges + i] = place + lowest_bit(found)
                found &= found - one
            n_edges += SPARE_EDGES
        n_edges = known
    edges[n_edges] = stop
    return (n_edges + 1) >> 1


@jit
def split_lines(data, begin, stop, starts, ends, first, last):
    """uint8[n_bytes], int64, int64 -> int64 lines found that are more than white space.

    Line i is ``data[starts[i]:ends[i]]``, without its line feed, and without the white space
    around it ``data[first[i]:last[i]]``. All are int64, and have room for one line more than
    there are line feeds.
    """
    one = types.uint64(1)
    n_lines = 0
    starts[0] = begin
    first[0] = -1
    carried = types.uint64(0)
    for place in range(begin, stop, BLOCK):
        address = block_at(data, place)
        space, carried = spaces(address, carried)
        own = bits_below(stop - place)
        ink = ~space & own
        feeds = _line_feeds(address) & own
        while True:
            end = lowest_bit(feeds)  # 64 when the line goes on in the next block
            inked = ink & bits_below(end)
            if inked != 0:
                if first[n_lines] < 0:
                    first[n_lines] = place + lowest_bit(inked)
                last[n_lines] = place + highest_bit(inked) + 1
            if feeds == 0:
                break
            ends[n_lines] = place + end
            n_lines += first[n_lines] >= 0
            starts[n_lines] = place + end + 1
            first[n_lines] = -1
            feeds &= feeds - one
            ink &= ~bits_below(end)
    ends[n_lines] = stop
    return n_lines + (first[n_lines] >= 0)
