# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Paragraphs: those that web sites put around their text, and how many are distinct.

Paragraphs are what ``text.split("\\n\\n")`` gives, empty ones included.
"""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, lowest_bit
from thresher.kernels.compiled import jit
from thresher.kernels.marks import PLACEHOLDER, POLICY_PHRASES, as_rows
from thresher.kernels.scratch import longest
from thresher.kernels.unique_strings import measure, working_memory

_PHRASES = (PLACEHOLDER, *POLICY_PHRASES)
_ROWS, _LENGTHS = as_rows(_PHRASES)
_FEED = 0x0A


def _both_cases(letter: str) -> tuple[tuple[int, int], ...]:
    return tuple((ord(case), ord(case)) for case in sorted({letter, letter.upper()}))


# Two line feeds, or how a phrase begins: three letters, none of which is the lower case of
# anything but ASCII.
_candidates = byte_mask(
    (((_FEED, _FEED),), ((_FEED, _FEED),)),
    *(tuple(map(_both_cases, three)) for three in sorted({phrase[:3] for phrase in _PHRASES})),
)


# What the fourth and the fifth byte of a phrase may be, in either case; where the first byte of the
# Kelvin sign stands for a k, the fifth may be anything.
_FOURTH, _FIFTH = np.zeros((2, 256), np.bool_)
_FOURTH[[ord(case) for phrase in _PHRASES for case in (phrase[3], phrase[3].upper())]] = True
_FIFTH[[ord(case) for phrase in _PHRASES for case in (phrase[4], phrase[4].upper())]] = True
_KELVIN = "\u212a".encode()[0]
_FOURTH[_KELVIN] = _FIFTH[_KELVIN] = True


_PHRASED = ("paragraphs", "policy_paragraphs", "placeholders")
_REPEATS = ("unique_paragraphs", "paragraph_characters", "unique_paragraph_characters")


def signals(data: Bytes, offsets: Integers, *names: str) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1], names -> int64[n] each of those named, or of all:

    ``paragraphs``, ``policy_paragraphs`` that have a policy phrase in whatever case, and
    ``placeholders``, how often the text has the beginning of a filler text;
    ``unique_paragraphs``, ``paragraph_characters`` of all paragraphs without what parts them, and
    ``unique_paragraph_characters`` of the distinct ones.
    """
    asked = set(names or _PHRASED + _REPEATS)
    apart = not asked.isdisjoint(_REPEATS)
    counts = np.empty((len(_PHRASED + _REPEATS), len(offsets) - 1), np.int64)
    _count_paragraphs(data, offsets, longest(offsets) + 2, apart, counts)
    rows = zip(_PHRASED + _REPEATS, counts, strict=True)
    return {name: row for name, row in rows if name in asked}


@jit
def _count_paragraphs(data, offsets, room, apart, counts):
    starts = np.empty(room, np.int64)
    lengths = np.empty(room, np.int64)
    work = working_memory(room if apart else 1)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        starts[0] = free = begin  # where the next two line feeds may begin
        n_paragraphs = 1
        n_policies = n_placeholders = 0
        known = 0  # of what paragraph it is known that it has a policy phrase
        for place in range(begin, stop, BLOCK):
            left = _candidates(block_at(data, place)) & bits_below(stop - 1 - place)
            while left != 0:
                start = place + lowest_bit(left)
                left &= left - types.uint64(1)
                if data[start] == _FEED:
                    if start >= free:
                        lengths[n_paragraphs - 1] = start - free
                        free = start + 2
                        starts[n_paragraphs] = free
                        n_paragraphs += 1
                    continue
                if start + 5 > stop or not _FOURTH[data[start + 3]]:
                    continue
                if not _FIFTH[data[start + 4]] and data[start + 3] != _KELVIN:
                    continue
                phrase = _phrase_at(data, start, stop)
                n_placeholders += phrase == 0
                if phrase > 0 and known < n_paragraphs:
                    n_policies += 1
                    known = n_paragraphs
        counts[0, document] = n_paragraphs
        counts[1, document] = n_policies
        counts[2, document] = n_placeholders
        if apart:
            lengths[n_paragraphs - 1] = stop - free
            found = measure(data, begin, stop, n_paragraphs, starts, lengths, work)
            counts[3, document], counts[4, document], counts[5, document] = found


@jit
def _phrase_at(data, start, stop):
    """int64: the number of the phrase that begins at ``start`` in whatever case; -1 if none does.

    Beside the ASCII letters the Kelvin sign, U+212A, has an ASCII letter as its lower case: k.
    """
    for phrase in range(_LENGTHS.size):
        place = start
        k = 0
        while k < _LENGTHS[phrase] and place < stop:
            byte = data[place]
            place += 1
            if 0x41 <= byte <= 0x5A:
                byte |= 0x20
            elif byte == _KELVIN and place + 1 < stop and data[place] == 0x84:
                byte = 0x6B if data[place + 1] == 0xAA else byte
                place += 2
            if byte != _ROWS[phrase, k]:
                break
            k += 1
        if k == _LENGTHS[phrase]:
            return phrase
    return -1
