# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Words that have a letter, of whatever script."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, count_bits
from thresher.kernels.compiled import jit
from thresher.kernels.unicode_classes import LETTERS, first_members, leads
from thresher.kernels.white_space import spaces

_ascii_letters = byte_mask((((0x41, 0x5A), (0x61, 0x7A)),))


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``alphabetic_words``: int64[n]."""
    found = np.empty(len(offsets) - 1, np.int64)
    _count_words(data, offsets, found)
    return {"alphabetic_words": found}


@jit
def _count_words(data, offsets, found):
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_found = 0
        carried = types.uint64(0)
        # A word is a run of ones. Added to it, its letters carry a bit to the place behind it,
        # over the end of a block into the next.
        carry = types.uint64(0)
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            space, carried = spaces(address, carried)
            own = bits_below(stop - place)
            words = ~space & own
            letters = _ascii_letters(address) & own
            others = leads(address) & words
            if others != 0:
                found_letters, _ = first_members(data, place, stop, others, words, LETTERS)
                letters |= found_letters
            partial = words + letters
            total = partial + carry
            carry = types.uint64(partial < words) | types.uint64(total < partial)
            n_found += count_bits(total & ~words)
        found[document] = n_found + types.int64(carry)
