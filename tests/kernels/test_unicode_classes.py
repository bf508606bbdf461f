# SPDX-License-Identifier: Apache-2.0
"""Every character there is, against Python's own idea of it."""

import sys

import numpy as np
import pytest

from thresher.kernels.unicode_classes import DIGITS, LETTERS, LIMIT, members


@pytest.mark.parametrize(("bits", "holds"), [(LETTERS, str.isalpha), (DIGITS, str.isdecimal)])
def test_tables(bits, holds):
    found = np.unpackbits(bits.astype("<u8").view(np.uint8), bitorder="little")
    expected = [holds(chr(code)) for code in range(LIMIT)]
    assert np.array_equal(found, np.array(expected))
    assert not any(holds(chr(code)) for code in range(LIMIT, sys.maxunicode + 1))


@pytest.mark.parametrize("character", ["é", "߿", "ࠀ", "漢", "\uffff", "𐀀", "𝟘", "𲎯", "\U0010ffff"])
def test_characters_of_every_width(character):
    data = np.frombuffer((character * 2).encode(), np.uint8)
    width = len(data) // 2
    wanted = np.uint64(1 | 1 << width)
    every = 1 | 1 << width if character.isalpha() else 0
    assert members(data, 0, len(data), wanted, LETTERS) == every
    assert members(data, 0, len(data) - 1, wanted, LETTERS) == every & 1  # the second is cut short
