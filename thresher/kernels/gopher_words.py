# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""What Gopher's quality rules count of words, and of symbols anywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
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
from thresher.kernels.gopher_marks import SYMBOLS
from thresher.kernels.unicode_classes import LETTERS, LIMIT, first_members, leads, members
from thresher.kernels.white_space import spaces

NAMES = (
    "gopher_words",
    "content_words",
    "content_characters",
    "letter_words",
    "hashes",
    "ellipses",
)

_ascii_letters = byte_mask((((0x41, 0x5A), (0x61, 0x7A)),))
_ascii_digits = byte_mask((((0x30, 0x39),),))
_hashes = byte_mask((((0x23, 0x23),),))
_dots = byte_mask(tuple([((0x2E, 0x2E),)] * 3))
_ellipsis = byte_mask(tuple(((b, b),) for b in "…".encode()))


def _symbol_bits() -> npt.NDArray[np.uint64]:
    flags = np.zeros(LIMIT, np.bool_)
    flags[[ord(c) for c in SYMBOLS]] = True
    return np.packbits(flags, bitorder="little").view("<u8").astype(np.uint64)


_SYMBOLS = _symbol_bits()


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``gopher_words``; of these ``content_words``, which are not made of symbols alone, with
    ``content_characters``, and ``letter_words``, which have a letter; ``hashes`` (``#``) and
    ``ellipses`` (``...`` and ``…``) wherever they are.
    """
    counts = np.empty((len(NAMES), len(offsets) - 1), np.int64)
    _count(data, offsets, counts)
    return dict(zip(NAMES, counts, strict=True))


@jit
def _count(data, offsets, counts):
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        _count_words(data, begin, stop, counts, document)
        _count_marks(data, begin, stop, counts, document)


@part
def _count_words(data, begin, stop, counts, document):
    # A word is a run of ones. Added to it, marks inside carry a bit to the place behind it, over
    # the end of a block into the next: so words with a mark are counted without looking at each.
    one = types.uint64(1)
    zero = types.uint64(0)
    before = one  # white space stands before the document
    carried = lettered = filled = zero
    n_words = n_characters = n_lettered = n_bare = n_bare_characters = 0
    known = 0  # characters of words that end before the last white space
    for place in range(begin, stop + 1, BLOCK):  # white space stands behind it, too
        address = block_at(data, place)
        space, carried = spaces(address, carried)
        words = ~space & bits_below(stop - place)
        letters = _ascii_letters(address) & words
        content = _ascii_digits(address) & words
        others = leads(address) & words
        if others != 0:
            found, others = first_members(data, place, stop, others, words, LETTERS)
            letters |= found
            content |= others & ~members(data, place, stop, others, _SYMBOLS)
        content |= letters
        ends = ~words & (words << one | one ^ before)
        partial = words + letters
        total = partial + lettered
        lettered = types.uint64(partial < words) | types.uint64(total < partial)
        n_lettered += count_bits(total & ~words)
        partial = words + content
        total = partial + filled
        filled = types.uint64(partial < words) | types.uint64(total < partial)
        bare = ends & ~total
        inked = words & ~continuations(address)
        n_words += count_bits(ends)
        while bare != 0:
            end = lowest_bit(bare)
            bare &= bare - one
            n_bare += 1
            start = highest_bit(~words & bits_below(end))  # -1: in a block before
            n_bare_characters += count_bits(inked & bits_below(end) & ~bits_below(start + 1))
            if start < 0:
                n_bare_characters += n_characters - known
        last = highest_bit(~words)
        if last >= 0:
            known = n_characters + count_bits(inked & bits_below(last))
        n_characters += count_bits(inked)
        before = ~words >> types.uint64(63)
    counts[0, document] = n_words
    counts[1, document] = n_words - n_bare
    counts[2, document] = n_characters - n_bare_characters
    counts[3, document] = n_lettered


@part
def _count_marks(data, begin, stop, counts, document):
    one = types.uint64(1)
    n_hashes = n_ellipses = 0
    free = begin  # where the next three dots may begin
    for place in range(begin, stop, BLOCK):
        address = block_at(data, place)
        left = stop - place
        own = bits_below(left)
        n_hashes += count_bits(_hashes(address) & own)
        n_ellipses += count_bits(_ellipsis(address) & own)
        dots = _dots(address) & bits_below(left - 2 if left > 2 else 0)
        while dots != 0:
            start = place + lowest_bit(dots)
            dots &= dots - one
            if start >= free:
                n_ellipses += 1
                free = start + 3
    counts[4, document] = n_hashes
    counts[5, document] = n_ellipses
