# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Documents cut down to the lines that C4's rules keep."""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    count_bits,
    highest_bit,
    lowest_bit,
)
from thresher.kernels.c4_line import (
    count_sentences,
    ends_sentence,
    ends_well,
    fate_by_phrase,
    has_long_word,
    put,
)
from thresher.kernels.c4_marks import COUNTS, SWITCHES
from thresher.kernels.compiled import jit, part
from thresher.kernels.line_breaks import breaks, ends_in_break
from thresher.kernels.scratch import longest
from thresher.kernels.white_space import space_width, spaces

_stops = byte_mask((tuple((ord(c), ord(c)) for c in ".?!"),))
_closers = byte_mask((tuple((ord(c), ord(c)) for c in "\"')]"),))
_brackets = byte_mask((((0x5B, 0x5B),),))


def _both(letter: str) -> tuple[tuple[int, int], ...]:
    return (ord(letter), ord(letter)), (ord(letter.upper()), ord(letter.upper()))


# Three rare letters of each phrase, and the Kelvin sign, which is a k in lower case.
_phrases = byte_mask(
    (((0x7B, 0x7B),),),
    *(tuple(map(_both, part)) for part in ("psu", "jav", "rms", "vac", "kie")),
    tuple(((b, b),) for b in "\u212a".encode()),
)


def clean(
    data: Bytes, offsets: Integers, settings: dict[str, int]
) -> tuple[Bytes, Integers, dict[str, Integers]]:
    """uint8[n_bytes], int64[n+1] -> the cleaned documents in the same form, and counts.

    ``settings`` are those named in ``SWITCHES``, counts int64[n] those named in ``COUNTS``. What is
    done is told by :func:`thresher.kernels.c4_plain.clean`.
    """
    n_bytes = int(offsets[-1] - offsets[0])
    text = np.empty(n_bytes + 1, np.uint8)
    same = text[:]  # as read-only as the data, so that kernels read both alike
    same.flags.writeable = False
    ends = np.zeros(len(offsets), np.int64)
    counts = np.zeros((len(COUNTS), len(offsets) - 1), np.int64)
    chosen = np.array([settings[name] for name in SWITCHES], np.int64)
    lines = np.empty((5, longest(offsets) + 2), np.int64)
    _clean(data, offsets, chosen, lines, text, same, ends, counts)
    return text[: ends[-1]], ends, dict(zip(COUNTS, counts, strict=True))


def compile_all() -> None:
    """Compile the kernel."""
    clean(*sample(), dict.fromkeys(SWITCHES, 1))


@jit
def _clean(data, offsets, settings, lines, text, same, ends, counts):
    at = types.int64(0)  # a literal would have its callees compiled twice
    for document in range(offsets.size - 1):
        begin = offsets[document]
        n_lines = _split(data, begin, offsets[document + 1], lines)
        counts[0, document] = n_lines
        end = _keep(data, n_lines, lines, settings, text, same, at, counts, document)
        if counts[3, document] + counts[4, document] > 0:
            end = at
        at = _strip(text, same, at, end)
        ends[document + 1] = at


@part
def _split(data, begin, stop, lines):
    """int64 lines found; of each fills the columns of ``lines`` int64[5, room] with

    where its ink begins and ends, its words, its words that end a sentence, and flags: 1 it may
    have a phrase, 2 it has a bracket.
    """
    one = types.uint64(1)
    zero = types.uint64(0)
    before = one
    carried = returned = stopped = zero
    n_lines = 0
    for row in range(5):
        lines[row, 0] = 0
    for place in range(begin, stop + 1, BLOCK):  # white space stands behind the text
        address = block_at(data, place)
        own = bits_below(stop - place)
        space, carried = spaces(address, carried)
        ink = ~space & own
        starts = ink & (~ink << one | before)
        before = ~ink >> types.uint64(63)
        ended, returned = breaks(address, returned)
        ended &= own
        # From a stop a bit is carried over what closes quotations to the end of the word.
        closers = _closers(address) & own
        stops = _stops(address) & own
        behind = stops << one | stopped
        total = closers + (behind & closers)
        stopped = stops >> types.uint64(63) | types.uint64(total < closers)
        stops = (total & ~closers | behind & ~closers) & ~ink
        phrases = _phrases(address) & own
        brackets = _brackets(address) & own
        while True:
            end = lowest_bit(ended)  # 64 when the line goes on in the next block
            below = bits_below(end)
            inked = ink & below
            if inked != 0:
                if lines[1, n_lines] == 0:
                    lines[0, n_lines] = place + lowest_bit(inked)
                lines[1, n_lines] = place + highest_bit(inked) + 1
                lines[2, n_lines] += count_bits(starts & below)
                lines[4, n_lines] |= (phrases & below != 0) + 2 * (brackets & below != 0)
            lines[3, n_lines] += count_bits(stops & bits_below(end + 1))
            if ended == 0:
                break
            n_lines += 1
            for row in range(5):
                lines[row, n_lines] = 0
            ended &= ended - one
            ink &= ~below
            stops &= ~bits_below(end + 1)
            starts &= ~below
            phrases &= ~below
            brackets &= ~below
    return n_lines + (stop > begin and not ends_in_break(data, begin, stop))


@part
def _keep(data, n_lines, lines, settings, text, same, at, counts, document):
    """Put the lines that are kept at ``at`` and behind; int64 where they end."""
    end = at
    for line in range(n_lines):
        first = lines[0, line]
        last = lines[1, line]
        flags = lines[4, line]
        if 0 < settings[0] < last - first and has_long_word(data, first, last, settings[0]):
            counts[5, document] += 1
            continue
        source = data
        start = end + (counts[1, document] > 0)
        cut = settings[1] and flags & 2
        if cut:
            last = put(data, first, last, text, start)
            first = start
            source = same
        if settings[2] and not ends_well(source, first, last):  # most lines end here
            counts[6, document] += 1
            continue
        fate = _fate(source, first, last, lines[2, line], cut or flags & 1, settings)
        counts[fate, document] += 1
        if fate == 3 or fate == 4:
            break
        if fate != 1:
            continue
        if cut:
            counts[2, document] += count_sentences(source, first, last)
        else:
            ended = ends_sentence(source, first, last)
            counts[2, document] += lines[3, line] + (lines[2, line] > 0 and not ended)
            for k in range(last - first):
                text[start + k] = data[first + k]
        if start > end:
            text[end] = 10
        end = start + last - first
    return end


@part
def _fate(source, first, last, n_words, may_have_phrase, settings):
    """int64: the number of the count that a line which ends well adds to; 1 is of those kept."""
    if n_words < settings[3]:
        return 7
    if may_have_phrase:
        return fate_by_phrase(source, first, last, settings)
    return 1


@part
def _strip(text, same, begin, end):
    """Take white space around ``text[begin:end]`` away; int64 where it ends now."""
    width = 1
    while end > begin and width > 0:
        last = end - 1
        while last > begin and same[last] & 0xC0 == 0x80:
            last -= 1
        width = space_width(same, last, end)
        end -= width
    first = begin
    width = 1
    while first < end and width > 0:
        width = space_width(same, first, end)
        first += width
    if first > begin:
        for place in range(first, end):
            text[begin + place - first] = same[place]
    return begin + end - first
