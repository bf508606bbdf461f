# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Letters and decimal digits of all scripts, as Python's own version of Unicode has them.

A set of characters is a bit for each, 64 to a number: 32 KB, of which a text touches the lines of
its own scripts. It is made when this module is imported, in some milliseconds, and looked up only
for characters that are not ASCII.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
from numba import types

from thresher.kernels.blocks import bits_below, byte_mask, highest_bit, lowest_bit
from thresher.kernels.compiled import jit

LIMIT = 0x40000
"""Planes 4 to 16 hold neither letters nor digits."""

leads = byte_mask((((0xC2, 0xF4),),))
"""uint64 address -> uint64: bytes that begin a character that is not ASCII."""

maybe_digits = byte_mask(
    (((0xD9, 0xD9),), ((0xA0, 0xA9),)),
    (((0xDB, 0xDB),), ((0xB0, 0xB9),)),
    (((0xDF, 0xDF),), ((0x80, 0x89),)),
    (((0xE0, 0xE1), (0xEA, 0xEA), (0xF0, 0xF4)),),
    (((0xEF, 0xEF),), ((0xBC, 0xBC),), ((0x90, 0x99),)),
)
"""uint64 address -> uint64: of the same, those that may be digits: all digits, and few others."""


def _classes() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The characters for which ``str.isalpha`` holds, and those for which ``str.isdecimal`` does.

    Regular expressions find the runs of both, far faster than asking for each character.
    """
    every = np.arange(LIMIT, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    letters = np.zeros(LIMIT, np.bool_)
    digits = np.zeros(LIMIT, np.bool_)
    for run in re.finditer(r"[^\W\d_]+", every):  # letters, and numbers that are no digits
        begin, end = run.span()
        letters[begin:end] = run[0].isalpha() or [c.isalpha() for c in run[0]]
    for run in re.finditer(r"\d+", every):
        digits[slice(*run.span())] = True
    return _bits(letters), _bits(digits)


def _bits(members: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    return np.packbits(members, bitorder="little").view("<u8").astype(np.uint64)


LETTERS, DIGITS = _classes()


@jit
def members(data, place, stop, wanted, bits):
    """uint8[n], int64, int64, uint64, uint64[LIMIT / 64] -> uint64: those of a class in a block.

    The block begins at ``place``; of the characters that begin at the bits of ``wanted``, those
    remain that are in the class. Nothing from ``stop`` on is read.
    """
    one = types.uint64(1)
    found = types.uint64(0)
    while wanted != 0:
        bit = wanted & (~wanted + one)
        code = _code_point(data, place + lowest_bit(wanted), stop)
        wanted ^= bit
        if code < LIMIT and bits[code >> 6] >> types.uint64(code & 63) & one:
            found |= bit
    return found


@jit
def first_members(data, place, stop, wanted, words, bits):
    """The same as :func:`members`, of no more than one character in each run of ``words``.

    (uint64, uint64): those, and all that are wanted in runs that have none.
    """
    one = types.uint64(1)
    found = none = types.uint64(0)
    while wanted != 0:
        bit = wanted & (~wanted + one)
        at = lowest_bit(wanted)
        code = _code_point(data, place + at, stop)
        if code < LIMIT and bits[code >> 6] >> types.uint64(code & 63) & one:
            found |= bit
            none &= bits_below(highest_bit(~words & bits_below(at)) + 1)
            wanted &= ~bits_below(lowest_bit(~words & ~bits_below(at)))
        else:
            none |= bit
            wanted ^= bit
    return found, none


@jit
def _code_point(data, place, stop):
    """int64: the character that begins at ``place`` and is not ASCII; LIMIT if it is cut short."""
    first = types.int64(data[place])
    width = 2 + (first >= 0xE0) + (first >= 0xF0)
    if place + width > stop:
        return LIMIT
    code = first & (0xFF >> (width + 1))
    for k in range(1, width):
        code = code << 6 | types.int64(data[place + k]) & 0x3F
    return code
