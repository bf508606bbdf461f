# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Lines of source code: what stands between line feeds, also where that is nothing."""

from __future__ import annotations

import numpy as np
from numba import types

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

_line_feeds = byte_mask((((0x0A, 0x0A),),))


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``line_feeds``, and ``longest_line`` in characters without its line feed.
    """
    counts = np.empty((2, len(offsets) - 1), np.int64)
    _measure(data, offsets, counts)
    return {"line_feeds": counts[0], "longest_line": counts[1]}


@jit
def _measure(data, offsets, counts):
    one = types.uint64(1)
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_feeds = longest = 0
        length = 0  # characters of the line so far
        for place in range(offsets[document], stop, BLOCK):
            address = block_at(data, place)
            own = bits_below(stop - place)
            characters = own & ~continuations(address)
            feeds = own & _line_feeds(address)
            n_feeds += count_bits(feeds)
            while feeds != 0:
                feed = feeds & (~feeds + one)
                length += count_bits(characters & (feed - one))
                longest = max(longest, length)
                length = 0
                characters &= ~(feed | (feed - one))
                feeds ^= feed
            length += count_bits(characters)
        counts[0, document] = n_feeds
        counts[1, document] = max(longest, length)
