# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""What C4's rules ask of a single line."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.c4_marks import BRACE, PLACEHOLDER, POLICIES, SCRIPT
from thresher.kernels.compiled import part
from thresher.kernels.marks import as_rows
from thresher.kernels.unicode_classes import DIGITS, members
from thresher.kernels.white_space import space_width

_PHRASES, _LENGTHS = as_rows([PLACEHOLDER, SCRIPT, BRACE, *POLICIES])
_WORDS, _WORD_LENGTHS = as_rows(["edit]", "citation needed]"])

# By phrase: the setting that switches it on, and the count of what has it.
_SWITCH = np.array([4, 5, 6] + [7] * len(POLICIES), np.int64)
_FATE = np.array([3, 8, 4] + [9] * len(POLICIES), np.int64)


@part
def has_long_word(data, begin, end, most):
    """Whether a word of ``data[begin:end]`` has more than ``most`` characters."""
    n_characters = 0
    place = begin
    while place < end:
        width = space_width(data, place, end)
        if width > 0:
            n_characters = 0
            place += width
            continue
        n_characters += data[place] & 0xC0 != 0x80
        if n_characters > most:
            return True
        place += 1
    return False


@part
def put(data, begin, end, text, at):
    """Copy ``data[begin:end]`` without citations to ``at``; int64 where it ends."""
    place = begin
    while place < end:
        width = 0
        if data[place] == 0x5B:
            width = _citation(data, place + 1, end)
        if width > 0:
            place += 1 + width
        else:
            text[at] = data[place]
            at += 1
            place += 1
    return at


@part
def _citation(data, begin, end):
    """int64: bytes of what makes a citation of the bracket before ``begin``; 0 if nothing does."""
    for word in range(_WORD_LENGTHS.size):
        length = _WORD_LENGTHS[word]
        if begin + length <= end:
            k = 0
            while k < length and data[begin + k] == _WORDS[word, k]:
                k += 1
            if k == length:
                return length
    place = begin
    one = types.uint64(1)
    while place < end:
        byte = data[place]
        if byte == 0x5D:
            return place + 1 - begin
        if 0x30 <= byte <= 0x39:
            place += 1
        elif byte >= 0xC2 and members(data, place, end, one, DIGITS) != 0:
            place += 2 + (byte >= 0xE0) + (byte >= 0xF0)
        else:
            return 0
    return 0


@part
def ends_well(text, begin, end):
    """Whether a line ends as a sentence or a quotation does, and not with an ellipsis."""
    if end == begin:
        return False
    last = text[end - 1]
    if last != 0x2E:
        return last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27
    return end - begin < 3 or text[end - 2] != 0x2E or text[end - 3] != 0x2E


@part
def ends_sentence(text, begin, end):
    """Whether ``text[begin:end]`` ends with a stop, but for what closes quotations and brackets."""
    last = end - 1
    while last >= begin and _closes(text[last]):
        last -= 1
    return last >= begin and (text[last] == 0x2E or text[last] == 0x3F or text[last] == 0x21)


@part
def _closes(byte):
    return byte == 0x22 or byte == 0x27 or byte == 0x29 or byte == 0x5D


@part
def count_sentences(text, begin, end):
    """int64: words that end a sentence, and the last word of the line in any case."""
    n_sentences = 0
    first = begin  # of the word
    place = begin
    ended = True
    while place < end:
        width = space_width(text, place, end)
        if width == 0:
            place += 1
            if place < end:
                continue
        if place > first:
            ended = ends_sentence(text, first, place)
            n_sentences += ended
        place += width
        first = place
    return n_sentences + (not ended)


@part
def fate_by_phrase(text, begin, end, settings):
    """int64: the number of the count of lines that have such a phrase, 1 if it has none."""
    for phrase in range(_LENGTHS.size):
        if settings[_SWITCH[phrase]] and _has(text, begin, end, phrase):
            return _FATE[phrase]
    return 1


@part
def _has(text, begin, end, phrase):
    """Whether ``text[begin:end]``, in lower case, has a phrase."""
    for start in range(begin, end):
        place = start
        k = 0
        while k < _LENGTHS[phrase] and place < end:
            byte = text[place]
            width = 1
            if 0x41 <= byte <= 0x5A:
                byte |= 0x20
            elif byte == 0xE2 and _is_kelvin_sign(text, place, end):  # a k in lower case
                byte = 0x6B
                width = 3
            if byte != _PHRASES[phrase, k]:
                break
            place += width
            k += 1
        if k == _LENGTHS[phrase]:
            return True
    return False


@part
def _is_kelvin_sign(text, place, end):
    return place + 2 < end and text[place + 1] == 0x84 and text[place + 2] == 0xAA
