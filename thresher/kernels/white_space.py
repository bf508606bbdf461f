# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""White space as Unicode has it: what ``str.isspace`` and ``str.split`` go by."""

from __future__ import annotations

from numba import types

from thresher.kernels.blocks import byte_mask
from thresher.kernels.compiled import jit

# The characters, in UTF-8. One byte: U+0009-000D, U+001C-0020.
# Two: U+0085, U+00A0. Three: U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F, U+3000.
_ascii = byte_mask((((0x09, 0x0D), (0x1C, 0x20)),))
_two_bytes = byte_mask((((0xC2, 0xC2),), ((0x85, 0x85), (0xA0, 0xA0))))
_three_bytes = byte_mask(
    (((0xE1, 0xE1),), ((0x9A, 0x9A),), ((0x80, 0x80),)),
    (((0xE2, 0xE2),), ((0x80, 0x80),), ((0x80, 0x8A), (0xA8, 0xA9), (0xAF, 0xAF))),
    (((0xE2, 0xE2),), ((0x81, 0x81),), ((0x9F, 0x9F),)),
    (((0xE3, 0xE3),), ((0x80, 0x80),), ((0x80, 0x80),)),
)
_not_ascii = byte_mask((((0x80, 0xFF),),))


@jit
def spaces(address, carried):
    """uint64 address, uint64 -> (uint64, uint64): the bytes of white space in a block.

    ``carried`` is the second answer of the block before, 0 for a document's first: the bytes of a
    white space character that began there and ends here.
    """
    found = _ascii(address)
    if _not_ascii(address) == 0:
        return found, types.uint64(0)
    two = _two_bytes(address)
    three = _three_bytes(address)
    one = types.uint64(1)
    found |= two | two << one | three | three << one | three << types.uint64(2) | carried
    last = types.uint64(63)
    return found, two >> last | three >> types.uint64(62) | three >> last


@jit
def space_width(data, place, stop):
    """uint8[n], int64, int64 -> int64: bytes of the white space character at ``place``, 0 if none.

    Nothing from ``stop`` on is read.
    """
    first = data[place]
    if first < 0x80:
        return 1 if 0x09 <= first <= 0x0D or 0x1C <= first <= 0x20 else 0
    if first == 0xC2 and place + 1 < stop:
        return 2 if data[place + 1] == 0x85 or data[place + 1] == 0xA0 else 0
    if not 0xE1 <= first <= 0xE3 or place + 2 >= stop:
        return 0
    second = data[place + 1]
    third = data[place + 2]
    if first == 0xE1:
        found = second == 0x9A and third == 0x80
    elif first == 0xE3:
        found = second == 0x80 and third == 0x80
    elif second == 0x80:
        found = 0x80 <= third <= 0x8A or 0xA8 <= third <= 0xA9 or third == 0xAF
    else:
        found = second == 0x81 and third == 0x9F
    return 3 if found else 0
