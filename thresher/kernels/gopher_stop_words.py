# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many words of a list a document has."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.compiled import jit, part
from thresher.kernels.hashing import hash_words
from thresher.kernels.scratch import longest, slots_for
from thresher.kernels.split import SPARE_EDGES, split_words


class _Words(NamedTuple):
    data: Bytes
    edges: Integers
    hashes: npt.NDArray[np.uint64]
    table: Integers
    least: int  # bytes of a word
    most: int


_AT_ONCE = 64  # words: the search ends with those in which the last word of the list is found


def signals(
    data: Bytes, offsets: Integers, wanted: frozenset[str] = frozenset()
) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``stop_words``: int64[n], how many of those wanted are there.

    Words are what stands between white space, compared to the letter.
    """
    found = np.zeros(len(offsets) - 1, np.int64)
    words = _words(wanted)
    edges = np.empty(longest(offsets) + 2 + SPARE_EDGES, np.int64)
    near = np.empty(2 * _AT_ONCE, np.int64)
    hashes = np.empty(_AT_ONCE, np.uint64)
    seen = np.empty(len(words.hashes), np.uint8)
    _count(data, offsets, *words, edges, near, hashes, seen, found)
    return {"stop_words": found}


def compile_all() -> None:
    """Compile the kernel."""
    signals(*sample(), frozenset(("a",)))


@functools.lru_cache
def _words(wanted: frozenset[str]) -> _Words:
    encoded = [word.encode() for word in sorted(wanted) if word.split() == [word]]
    lengths = [len(word) for word in encoded]
    edges = np.zeros(2 * len(encoded), np.int64)
    edges[1::2] = np.cumsum(lengths)
    edges[2::2] = edges[1:-1:2]
    data = np.frombuffer(b"".join(encoded) or b" ", np.uint8)  # read-only, as texts are
    hashes = np.empty(len(encoded), np.uint64)
    hash_words(data, len(encoded), edges, hashes)
    # The number, from 1 on, of the word in each slot.
    table = np.zeros(4 * slots_for(len(encoded)), np.int64)
    for number, key in enumerate(hashes.tolist(), start=1):
        slot = (key >> 3) % len(table)
        while table[slot]:
            slot = (slot + 1) % len(table)
        table[slot] = number
    least, most = min(lengths, default=0), max(lengths, default=0)
    return _Words(data, edges, hashes, table, least, most)


@jit
def _count(
    data, offsets, own, own_edges, own_hashes, table, least, most, edges, near, hashes, seen, found
):
    for document in range(offsets.size - 1):
        n_words = split_words(data, offsets[document], offsets[document + 1], edges)
        seen[:] = 0
        n_seen = 0
        first = 0
        while first < n_words and n_seen < own_hashes.size:
            behind = first + _AT_ONCE if first + _AT_ONCE < n_words else n_words
            count = _likely(edges, first, behind, least, most, near)
            hash_words(data, count, near, hashes)
            for word in range(count):
                known = _find(data, near, word, hashes[word], own, own_edges, own_hashes, table)
                if known >= 0:
                    n_seen += 1 - seen[known]
                    seen[known] = 1
            first = behind
        found[document] = n_seen


@part
def _likely(edges, first, behind, least, most, near):
    """int64: how many of these words are as long as wanted ones, and their edges in ``near``."""
    count = 0
    for word in range(first, behind):
        start = edges[2 * word]
        end = edges[2 * word + 1]
        near[2 * count] = start
        near[2 * count + 1] = end
        count += least <= end - start <= most
    return count


@part
def _find(data, edges, word, key, own, own_edges, own_hashes, table):
    """int64: the number of the word among the own ones, -1 if it is none of them."""
    slot = types.int64(key >> types.uint64(3)) & (table.size - 1)
    while table[slot] != 0:
        known = table[slot] - 1
        if own_hashes[known] == key:
            start = edges[2 * word]
            begin = own_edges[2 * known]
            length = own_edges[2 * known + 1] - begin
            k = 0
            if edges[2 * word + 1] - start == length:
                while k < length and data[start + k] == own[begin + k]:
                    k += 1
            if k == length:
                return known
        slot = (slot + 1) & (table.size - 1)
    return -1
