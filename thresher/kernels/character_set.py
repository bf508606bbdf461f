# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many characters of a document are in a set."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.compiled import jit
from thresher.kernels.white_space import space_width

N_CHARACTERS = 0x110000


def bits_of(characters: str) -> npt.NDArray[np.uint64]:
    """The set as uint64[N_CHARACTERS / 64]: a bit for each character, the lowest first."""
    members = np.zeros(N_CHARACTERS, np.bool_)
    members[np.frombuffer(characters.encode("utf-32-le"), "<u4")] = True
    return np.packbits(members, bitorder="little").view("<u8").astype(np.uint64)


def count_members(data: Bytes, offsets: Integers, bits: npt.NDArray[np.uint64]) -> Integers:
    """uint8[n_bytes], int64[n+1], uint64[N_CHARACTERS / 64] -> int64[n, 2].

    For each document, with the white space at both ends left out: its characters in the set, and
    all of its characters.
    """
    found = np.empty((len(offsets) - 1, 2), np.int64)
    _count(data, offsets, bits, found)
    return found


def compile_all() -> None:
    """Compile what :func:`count_members` calls."""
    count_members(*sample(), bits_of("a"))


@jit
def _count(data, offsets, bits, found):
    for document in range(offsets.size - 1):
        stop = offsets[document + 1]
        n_members = n_all = 0  # up to the last character that is no white space
        members = characters = 0
        place = offsets[document]
        while place < stop:
            first = np.int64(data[place])
            width = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
            width = min(width, stop - place)
            code = first
            if width > 1:
                code &= 0xFF >> (width + 1)
            for k in range(1, width):
                code = code << 6 | np.int64(data[place + k]) & 0x3F
            is_space = space_width(data, place, stop) > 0
            place += width
            if is_space and n_all == 0:  # nothing but white space so far
                continue
            characters += 1
            members += bits[code >> 6] >> np.uint64(code & 63) & np.uint64(1) != 0
            if not is_space:
                n_members = members
                n_all = characters
        found[document, 0] = n_members
        found[document, 1] = n_all
