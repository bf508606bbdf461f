# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""The letters of a document, of whatever script."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, count_bits
from thresher.kernels.compiled import jit
from thresher.kernels.unicode_classes import LETTERS, leads, members

_ascii_letters = byte_mask((((0x41, 0x5A), (0x61, 0x7A)),))


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``letters``: int64[n], those for which str.isalpha holds."""
    found = np.empty(len(offsets) - 1, np.int64)
    _count_letters(data, offsets, found)
    return {"letters": found}


@jit
def _count_letters(data, offsets, found):
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_letters = 0
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            own = bits_below(stop - place)
            letters = _ascii_letters(address) & own
            others = leads(address) & own
            if others != 0:
                letters |= members(data, place, stop, others, LETTERS)
            n_letters += count_bits(letters)
        found[document] = n_letters
