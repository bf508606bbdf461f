# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Web addresses: how many characters belong to them, and whether they tell of pornography."""

from __future__ import annotations

import string

import numpy as np
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, lowest_bit
from thresher.kernels.compiled import jit
from thresher.kernels.marks import PORN, URL_CHARACTERS

_likely = byte_mask(tuple(((ord(c), ord(c)),) for c in "htt"))
_SECURE = np.frombuffer(b"https://", np.uint8)
_PLAIN = np.frombuffer(b"http://", np.uint8)
_PORN = np.frombuffer(PORN.encode(), np.uint8)
_ALLOWED = np.zeros(256, np.bool_)
_ALLOWED[list(URL_CHARACTERS.encode())] = True
_HEXADECIMAL = np.zeros(256, np.bool_)
_HEXADECIMAL[list(string.hexdigits.encode())] = True


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``url_characters``, ``pornographic_urls``: int64[n] each."""
    characters = np.empty(len(offsets) - 1, np.int64)
    pornographic = np.empty_like(characters)
    _count(data, offsets, characters, pornographic)
    return {"url_characters": characters, "pornographic_urls": pornographic}


@jit
def _count(data, offsets, characters, pornographic):
    for document in range(offsets.size - 1):
        total = n_pornographic = 0
        stop = offsets[document + 1]
        free = offsets[document]  # where the next address may begin
        for place in range(offsets[document], stop, BLOCK):
            left = _likely(block_at(data, place)) & bits_below(stop - place)
            while left != 0:
                start = place + lowest_bit(left)
                left &= left - types.uint64(1)
                if start < free:
                    continue
                free = _address_end(data, start, stop)
                total += free - start
                n_pornographic += _has(data, start, free, _PORN)
        characters[document] = total
        pornographic[document] = n_pornographic


@jit
def _address_end(data, start, stop):
    """Where the web address that begins at ``start`` ends; ``start`` if none begins there."""
    scheme = _begins_with(data, start, stop, _SECURE) + _begins_with(data, start, stop, _PLAIN)
    place = start + scheme
    while scheme > 0 and place < stop:
        if _ALLOWED[data[place]]:
            place += 1
        elif (
            data[place] == 0x25
            and place + 2 < stop
            and _HEXADECIMAL[data[place + 1]]
            and _HEXADECIMAL[data[place + 2]]
        ):
            place += 3
        else:
            break
    return place if place > start + scheme else start


@jit
def _begins_with(data, start, stop, prefix):
    """The length of ``prefix`` if it stands at ``start``, else 0."""
    if start + prefix.size > stop:
        return 0
    for k in range(prefix.size):
        if data[start + k] != prefix[k]:
            return 0
    return prefix.size


@jit
def _has(data, start, stop, part):
    """Whether ``part`` stands somewhere between ``start`` and ``stop``."""
    for place in range(start, stop - part.size + 1):
        if _begins_with(data, place, stop, part) > 0:
            return True
    return False
