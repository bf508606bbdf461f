# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Line breaks as ``str.splitlines`` has them."""

from __future__ import annotations

from numba import types

from thresher.kernels.blocks import byte_mask
from thresher.kernels.compiled import part

# U+000A-000D, U+001C-001E, U+0085, U+2028, U+2029; a carriage return and the line feed behind it
# are one.
_breaks = byte_mask(
    (((0x0A, 0x0D), (0x1C, 0x1E)),),
    (((0xC2, 0xC2),), ((0x85, 0x85),)),
    (((0xE2, 0xE2),), ((0x80, 0x80),), ((0xA8, 0xA9),)),
)
_returns = byte_mask((((0x0D, 0x0D),),))
_feeds = byte_mask((((0x0A, 0x0A),),))


@part
def breaks(address, returned):
    """uint64 address, uint64 -> (uint64, uint64): the first bytes of the line breaks in a block.

    ``returned`` is the second answer of the block before, 0 for a document's first.
    """
    one = types.uint64(1)
    found = _breaks(address)
    returns = _returns(address)
    if returns | returned != 0:
        found &= ~(_feeds(address) & (returns << one | returned))
    return found, returns >> types.uint64(63)


@part
def ends_in_break(data, begin, stop):
    """Whether the text ``data[begin:stop]``, which is not empty, ends in a line break."""
    last = data[stop - 1]
    if last < 0x80:
        return 0x0A <= last <= 0x0D or 0x1C <= last <= 0x1E
    if last == 0x85:
        return stop - begin >= 2 and data[stop - 2] == 0xC2
    if last != 0xA8 and last != 0xA9:
        return False
    return stop - begin >= 3 and data[stop - 2] == 0x80 and data[stop - 3] == 0xE2
