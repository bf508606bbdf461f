# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Words that English text is sure to have."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    count_bits,
    letters_of,
    lowest_bit,
)
from thresher.kernels.compiled import jit
from thresher.kernels.hashing import up_to_eight
from thresher.kernels.marks import COMMON_WORDS
from thresher.kernels.white_space import space_width, spaces

# The words with ASCII white space behind them, and with what may be the beginning of other white
# space. All are of four letters at most, so that neither looks farther than five bytes.
_ASCII = ((0x09, 0x0D), (0x1C, 0x20))
_OTHER = ((0xC2, 0xC2), (0xE1, 0xE3))
_common = byte_mask(*((*letters_of(word), _ASCII) for word in COMMON_WORDS))
_likely = byte_mask(*((*letters_of(word), _OTHER) for word in COMMON_WORDS))
_MOST = max(map(len, COMMON_WORDS))
_LENGTHS = np.array([len(word) for word in COMMON_WORDS], np.int64)
# The words as numbers of up to eight bytes, and the bits that count.
_CODES = np.array([int.from_bytes(word.encode(), "little") for word in COMMON_WORDS], np.uint64)
_MASKS = np.array([(1 << 8 * len(word)) - 1 for word in COMMON_WORDS], np.uint64)


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``common_words``: int64[n]."""
    found = np.empty(len(offsets) - 1, np.int64)
    _count_words(data, offsets, found)
    return {"common_words": found}


@jit
def _count_words(data, offsets, found):
    one = types.uint64(1)
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_found = 0
        before = one
        carried = types.uint64(0)
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            space, carried = spaces(address, carried)
            starts = ~space & (space << one | before) & bits_below(stop - place)
            before = space >> types.uint64(63)
            # Words whose end may be that of the document are looked at one by one.
            inner = bits_below(stop - place - _MOST) if stop - place > _MOST else types.uint64(0)
            n_found += count_bits(starts & inner & _common(address))
            left = starts & (_likely(address) | ~inner)
            while left != 0:
                n_found += _is_common(data, place + lowest_bit(left), stop)
                left &= left - one
        found[document] = n_found


@jit
def _is_common(data, start, stop):
    """Whether the word that begins at ``start`` is one of the common ones."""
    value = up_to_eight(data, start, stop - start)
    for word in range(_CODES.size):
        if value & _MASKS[word] == _CODES[word]:
            end = start + _LENGTHS[word]
            if end == stop or (end < stop and space_width(data, end, stop) > 0):
                return True
    return False
