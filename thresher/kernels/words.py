# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Words and their characters.

Words are what stands between white space, as ``text.split()`` has it.
"""

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
)
from thresher.kernels.compiled import jit
from thresher.kernels.white_space import spaces


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``words``, ``word_characters``: int64[n] each."""
    words = np.empty(len(offsets) - 1, np.int64)
    characters = np.empty_like(words)
    _count_words(data, offsets, words, characters)
    return {"words": words, "word_characters": characters}


@jit
def _count_words(data, offsets, words, characters):
    one = types.uint64(1)
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_words = 0
        n_characters = 0
        before = one  # white space stands before the document
        carried = types.uint64(0)
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            space, carried = spaces(address, carried)
            inside = ~space & bits_below(stop - place)
            n_words += count_bits(inside & (space << one | before))
            n_characters += count_bits(inside & ~continuations(address))
            before = space >> types.uint64(63)
        words[document] = n_words
        characters[document] = n_characters
