# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""The characters of a document's longest word."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    continuations,
    count_bits,
    count_characters,
    highest_bit,
    lowest_bit,
)
from thresher.kernels.compiled import jit
from thresher.kernels.white_space import spaces


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``longest_word``: int64[n], 0 where there are no words."""
    found = np.empty(len(offsets) - 1, np.int64)
    _measure(data, offsets, found)
    return {"longest_word": found}


@jit
def _measure(data, offsets, found):
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        begin = offsets[document]  # of the word that the block before ended with
        longest = 0
        carried = types.uint64(0)
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            space, carried = spaces(address, carried)
            space |= ~bits_below(stop - place)
            if space == 0:
                continue
            # A word has no more characters than bytes, so only those of more bytes are measured.
            end = place + lowest_bit(space)
            if end - begin > longest:
                longest = max(longest, count_characters(data, begin, end))
            begin = place + highest_bit(space) + 1
            words = ~space & bits_below(begin - place) & ~bits_below(end - place)
            likely = _runs(words, longest + 1)
            if likely != 0:
                heads = ~continuations(address)
            while likely != 0:
                start = lowest_bit(likely)
                behind = lowest_bit(~words & ~bits_below(start))
                word = count_bits(heads & bits_below(behind) & ~bits_below(start))
                longest = max(longest, word)
                words &= ~bits_below(behind)
                likely = _runs(words, longest + 1)
        if stop - begin > longest:
            longest = max(longest, count_characters(data, begin, stop))
        found[document] = longest


@jit
def _runs(bits, length):
    """uint64, int64 -> uint64: the bits at which runs of at least so many bits begin or go on."""
    left = length - 1
    have = 1
    while left > 0 and bits != 0:
        step = min(have, left)
        bits &= bits >> types.uint64(min(step, BLOCK - 1))
        have += step
        left -= step
    return bits
