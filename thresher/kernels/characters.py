# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Characters (code points), and those of some kinds."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    bits_below,
    block_at,
    byte_mask,
    continuations,
    count_bits,
)
from thresher.kernels.compiled import jit
from thresher.kernels.marks import BLANKS, PARENTHESES
from thresher.kernels.unicode_classes import DIGITS, maybe_digits, members

# ASCII digits and letters, line feed, and ! , . ?
_plain = byte_mask(
    (((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), *((ord(c), ord(c)) for c in "\n!,.?")),)
)
_digits = byte_mask((((0x30, 0x39),),))
_blanks = byte_mask((tuple((ord(c), ord(c)) for c in BLANKS),))
_parentheses = byte_mask(*(tuple(((b, b),) for b in c.encode()) for c in PARENTHESES))

_NAMES = ("characters", "plain_characters", "digits", "blanks", "parentheses")


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``characters``, ``plain_characters`` (ASCII letters and digits, line feeds, ``! , . ?``),
    ``digits`` of any script, ``blanks`` and ``parentheses`` as ``marks`` lists them.
    """
    counts = np.empty((len(_NAMES), len(offsets) - 1), np.int64)
    _count_characters(data, offsets, counts)
    return dict(zip(_NAMES, counts, strict=True))


@jit
def _count_characters(data, offsets, counts):
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_characters = n_plain = n_digits = n_blanks = n_parentheses = 0
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            own = bits_below(stop - place)
            n_characters += count_bits(own & ~continuations(address))
            n_plain += count_bits(own & _plain(address))
            n_digits += count_bits(own & _digits(address))
            n_blanks += count_bits(own & _blanks(address))
            n_parentheses += count_bits(own & _parentheses(address))
            others = own & maybe_digits(address)
            if others != 0:
                n_digits += count_bits(members(data, place, stop, others, DIGITS))
        counts[0, document] = n_characters
        counts[1, document] = n_plain
        counts[2, document] = n_digits
        counts[3, document] = n_blanks
        counts[4, document] = n_parentheses
