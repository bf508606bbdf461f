# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Lines: how they begin and end, and how many are distinct.

Lines are what stands between line feeds; those of nothing but white space do not count. Their ends
are looked at without the white space around them; they are compared with it.
"""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit, part
from thresher.kernels.marks import BULLETS, ELLIPSES, ENDS, as_rows
from thresher.kernels.scratch import longest
from thresher.kernels.split import split_lines
from thresher.kernels.unique_strings import measure, working_memory

_BULLETS, _BULLET_LENGTHS = as_rows(BULLETS)
_ELLIPSES, _ELLIPSIS_LENGTHS = as_rows(ELLIPSES)

# Whether a line may begin with a bullet, ends as a sentence does, may end with an ellipsis: told by
# one byte, in either case of a letter.
_BEGINS, _ENDED, _CUT = np.zeros((3, 256), np.bool_)
_BEGINS[[mark.encode()[0] for mark in BULLETS]] = True
_ENDED[[ord(mark) for mark in ENDS]] = True
_CUT[[case.encode()[-1] for mark in ELLIPSES for case in (mark, mark.upper())]] = True


_ENDS = ("lines", "bullet_lines", "unended_lines", "ellipsis_lines")
_REPEATS = ("unique_lines", "line_characters", "unique_line_characters")


def signals(data: Bytes, offsets: Integers, *names: str) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1], names -> int64[n] each of those named, or of all:

    ``lines``, ``bullet_lines`` that begin with a bullet, ``unended_lines`` that do not end as a
    sentence does, and ``ellipsis_lines`` that end with an ellipsis in whatever case;
    ``unique_lines``, ``line_characters`` of all lines without their line feeds, and
    ``unique_line_characters`` of the distinct ones.
    """
    asked = set(names or _ENDS + _REPEATS)
    apart = not asked.isdisjoint(_REPEATS)
    counts = np.empty((len(_ENDS + _REPEATS), len(offsets) - 1), np.int64)
    _count_lines(data, offsets, longest(offsets) + 2, apart, counts)
    return {name: row for name, row in zip(_ENDS + _REPEATS, counts, strict=True) if name in asked}


@jit
def _count_lines(data, offsets, room, apart, counts):
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    first = np.empty(room, np.int64)
    last = np.empty(room, np.int64)
    work = working_memory(room if apart else 1)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_lines = split_lines(data, begin, stop, starts, ends, first, last)
        counts[0, document] = n_lines
        counts[1, document], counts[2, document], counts[3, document] = _look_at_ends(
            data, n_lines, first, last
        )
        if apart:
            lengths = ends
            for line in range(n_lines):
                lengths[line] -= starts[line]
            found = measure(data, begin, stop, n_lines, starts, lengths, work)
            counts[4, document], counts[5, document], counts[6, document] = found


@part
def _look_at_ends(data, n_lines, first, last):
    """(int64, int64, int64): lines with a bullet, without a sentence's end, with an ellipsis."""
    bullets = unended = ellipses = 0
    for line in range(n_lines):
        begin = first[line]
        end = last[line]
        unended += not _ENDED[data[end - 1]]
        if _BEGINS[data[begin]]:
            bullets += _matches(data, begin, end, _BULLETS, _BULLET_LENGTHS, False)
        if _CUT[data[end - 1]]:
            ellipses += _matches(data, begin, end, _ELLIPSES, _ELLIPSIS_LENGTHS, True)
    return bullets, unended, ellipses


@jit
def _matches(data, begin, end, marks, lengths, at_end):
    """Whether ``[begin, end)`` begins, or ends, with one of the marks, in whatever case.

    Only ASCII letters need lowering: no other character becomes a letter of a mark.
    """
    for mark in range(lengths.size):
        length = lengths[mark]
        start = end - length if at_end else begin
        k = 0
        while k < length and length <= end - begin:
            byte = data[start + k]
            if 0x41 <= byte <= 0x5A:
                byte |= 0x20
            if byte != marks[mark, k]:
                break
            k += 1
        if k == length:
            return True
    return False
