# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Words that are symbols: ellipses, and words made mostly of number signs."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    lowest_bit,
)
from thresher.kernels.compiled import jit
from thresher.kernels.marks import ELLIPSES, as_rows
from thresher.kernels.white_space import space_width, spaces

# More than half of a word's characters can only be runs of '#' if it begins with one.
_HASH = ord("#")
_candidates = byte_mask(
    (tuple((ord(c), ord(c)) for c in "#.[(-"),), *(tuple(((b, b),) for b in "…".encode()),)
)
_MARKS, _LENGTHS = as_rows([mark for mark in ELLIPSES if " " not in mark])


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``symbol_words``: int64[n]."""
    found = np.empty(len(offsets) - 1, np.int64)
    _count_symbol_words(data, offsets, found)
    return {"symbol_words": found}


@jit
def _count_symbol_words(data, offsets, found):
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
            left = starts & _candidates(address)
            while left != 0:
                n_found += _is_symbol(data, place + lowest_bit(left), stop)
                left &= left - one
        found[document] = n_found


@jit
def _is_symbol(data, start, stop):
    """Whether the word that begins at ``start`` is a symbol."""
    if data[start] == _HASH:
        return _is_mostly_hashes(data, start, stop)
    for mark in range(_MARKS.shape[0]):
        end = start + _LENGTHS[mark]
        if end > stop:
            continue
        k = 0
        while k < _LENGTHS[mark] and data[start + k] == _MARKS[mark, k]:
            k += 1
        if k == _LENGTHS[mark] and (end == stop or space_width(data, end, stop) > 0):
            return True
    return False


@jit
def _is_mostly_hashes(data, start, stop):
    """Whether the runs of '#' of a word are more than half as many as its characters."""
    n_characters = 0
    n_runs = 0
    inside = False
    place = start
    while place < stop and space_width(data, place, stop) == 0:
        n_characters += data[place] & 0xC0 != 0x80
        n_runs += data[place] == _HASH and not inside
        inside = data[place] == _HASH
        place += 1
    return 2 * n_runs > n_characters
