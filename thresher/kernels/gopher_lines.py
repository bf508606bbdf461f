# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How lines begin and end, as Gopher's quality rules count them.

Lines are those of ``text.splitlines()``, blank ones included.
"""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, count_bits
from thresher.kernels.compiled import jit, part
from thresher.kernels.line_breaks import breaks, ends_in_break
from thresher.kernels.white_space import spaces

NAMES = ("split_lines", "dash_lines", "cut_lines")

_dashes = byte_mask((((0x2D, 0x2D),),), tuple(((b, b),) for b in "•".encode()))
_dots = byte_mask(tuple([((0x2E, 0x2E),)] * 3))
_ellipsis = byte_mask(tuple(((b, b),) for b in "…".encode()))


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``split_lines``; of these ``dash_lines``, whose first character that is no white space is ``-``
    or ``•``, and ``cut_lines``, which end with ``...`` or ``…`` and maybe white space.
    """
    counts = np.empty((len(NAMES), len(offsets) - 1), np.int64)
    _count(data, offsets, counts)
    return dict(zip(NAMES, counts, strict=True))


@jit
def _count(data, offsets, counts):
    for document in range(offsets.size - 1):
        _count_lines(data, offsets[document], offsets[document + 1], counts, document)


@part
def _count_lines(data, begin, stop, counts, document):
    # White space within a line is a run of ones. A bit added at its beginning is carried to the
    # place behind it: from the start of a line to its first ink, from an ellipsis to the break.
    one = types.uint64(1)
    zero = types.uint64(0)
    last = types.uint64(63)
    starting = one
    carried = returned = ended = zero
    n_breaks = n_dashes = n_cut = 0
    for place in range(begin, stop + 1, BLOCK):  # the end of the text is the last line's
        address = block_at(data, place)
        left = stop - place
        own = bits_below(left)
        space, carried = spaces(address, carried)
        broken, returned = breaks(address, returned)
        broken &= own
        blank = space & own & ~broken
        n_breaks += count_bits(broken)
        starts = broken << one | starting
        total = blank + (starts & blank)
        starting = broken >> last | types.uint64(total < blank)
        n_dashes += count_bits((total | starts) & ~blank & ~space & own & _dashes(address))
        marks = _dots(address) & bits_below(left - 2 if left > 2 else 0) | _ellipsis(address) & own
        behind = marks << types.uint64(3) | ended
        total = blank + (behind & blank)
        ended = marks >> types.uint64(61) | types.uint64(total < blank)
        ends = broken | (own + one) & ~own
        n_cut += count_bits((total & ~blank | behind & ~blank) & ends)
    counts[0, document] = n_breaks + (stop > begin and not ends_in_break(data, begin, stop))
    counts[1, document] = n_dashes
    counts[2, document] = n_cut
