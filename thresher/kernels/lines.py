# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Lines, and how they begin and end.

Lines are what stands between line feeds; those of nothing but white space do not count. Each is
looked at without the white space around it.
"""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.marks import BULLETS, ELLIPSES, ENDS, as_rows
from thresher.kernels.scratch import longest
from thresher.kernels.split import split_lines

_BULLETS, _BULLET_LENGTHS = as_rows(BULLETS)
_ELLIPSES, _ELLIPSIS_LENGTHS = as_rows(ELLIPSES)

# Whether a line may begin with a bullet, ends as a sentence does, may end with an ellipsis: told by
# one byte, in either case of a letter.
_BEGINS, _ENDED, _CUT = np.zeros((3, 256), np.bool_)
_BEGINS[[mark.encode()[0] for mark in BULLETS]] = True
_ENDED[[ord(mark) for mark in ENDS]] = True
_CUT[[case.encode()[-1] for mark in ELLIPSES for case in (mark, mark.upper())]] = True


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``lines``, ``bullet_lines`` that begin with a bullet, ``unended_lines`` that do not end as a
    sentence does, and ``ellipsis_lines`` that end with an ellipsis in whatever case.
    """
    names = ("lines", "bullet_lines", "unended_lines", "ellipsis_lines")
    counts = np.empty((len(names), len(offsets) - 1), np.int64)
    _count_lines(data, offsets, longest(offsets) + 2, counts)
    return dict(zip(names, counts, strict=True))


@jit
def _count_lines(data, offsets, room, counts):
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    first = np.empty(room, np.int64)
    last = np.empty(room, np.int64)
    for document in range(offsets.size - 1):
        n_lines = split_lines(
            data, offsets[document], offsets[document + 1], starts, ends, first, last
        )
        bullets = unended = ellipses = 0
        for line in range(n_lines):
            begin = first[line]
            end = last[line]
            unended += not _ENDED[data[end - 1]]
            if _BEGINS[data[begin]]:
                bullets += _matches(data, begin, end, _BULLETS, _BULLET_LENGTHS, False)
            if _CUT[data[end - 1]]:
                ellipses += _matches(data, begin, end, _ELLIPSES, _ELLIPSIS_LENGTHS, True)
        counts[0, document] = n_lines
        counts[1, document] = bullets
        counts[2, document] = unended
        counts[3, document] = ellipses


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
