# SPDX-License-Identifier: Apache-2.0
"""Every character there is, against Python's own idea of it."""

import re
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels.blocks import REACH, address_of
from thresher.kernels.unicode_classes import (
    DIGITS,
    LETTERS,
    LIMIT,
    first_members,
    maybe_digits,
    members,
)


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


WORDS = st.text(st.sampled_from("aé漢0߀٣中क𝟘…—🙂 "), max_size=30)


@settings(deadline=None)
@given(text=WORDS)
def test_the_first_letter_of_each_word(text):
    data = np.frombuffer(text.encode()[:64].ljust(64), np.uint8)
    words = sum(1 << k for k, byte in enumerate(data) if byte != 32)
    wanted = sum(1 << k for k, byte in enumerate(data) if byte >= 0xC2)
    every = int(members(data, 0, 64, np.uint64(wanted), LETTERS))

    found, none = map(int, first_members(data, 0, 64, np.uint64(wanted), np.uint64(words), LETTERS))

    expected_found = expected_none = 0
    for run in re.finditer("1+", f"{words:064b}"[::-1]):
        own = sum(1 << k for k in range(*run.span()))
        letters = every & own
        expected_found |= letters & -letters
        expected_none |= 0 if letters else wanted & own
    assert (found, none) == (expected_found, expected_none)


@numba.njit
def begin_digits(data):
    return maybe_digits(address_of(data))


def test_no_digit_is_ruled_out():
    for code in range(0x80, sys.maxunicode + 1):
        if chr(code).isdecimal():
            data = np.frombuffer(chr(code).encode().ljust(REACH), np.uint8)
            assert begin_digits(data) & np.uint64(1), hex(code)
