# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Characters (code points), and those of plain text."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import (
    BLOCK,
    REACH,
    bits_below,
    block_at,
    byte_mask,
    continuations,
    count_bits,
)
from thresher.kernels.compiled import jit

# ASCII digits and letters, line feed, and ! , . ?
_plain = byte_mask(
    (((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), *((ord(c), ord(c)) for c in "\n!,.?")),)
)


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``characters``, ``plain_characters``: int64[n] each."""
    characters = np.empty(len(offsets) - 1, np.int64)
    plain = np.empty_like(characters)
    _count_characters(data, offsets, characters, plain)
    return {"characters": characters, "plain_characters": plain}


@jit
def _count_characters(data, offsets, characters, plain):
    spare = np.empty(REACH, np.uint8)
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_characters = 0
        n_plain = 0
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place, spare)
            own = bits_below(stop - place)
            n_characters += count_bits(own & ~continuations(address))
            n_plain += count_bits(own & _plain(address))
        characters[document] = n_characters
        plain[document] = n_plain
