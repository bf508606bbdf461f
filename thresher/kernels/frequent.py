# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which n words follow one another most often in a document.

Sequences are counted by hash in a table without comparing them, which takes no branches: a slot's
count is never less than that of a sequence in it. Then only those are counted exactly whose slots
have counts that the most frequent sequence could have.
"""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.compiled import jit
from thresher.kernels.distinct import table_size
from thresher.kernels.hashing import MIX, same_bytes


@jit
def most_frequent(data, n, count, edges, hashes, keys, tally):
    """int64: the word at which the most frequent sequence of n words, of several the first, begins.

    The ``count`` words, at least n, are given by int64 edges and their uint64 ``hash_words``.
    ``keys`` uint64[count] and ``tally`` uint32[tally_size(count)] are working memory.
    """
    n_sequences = count - n + 1
    mix = types.uint64(MIX)
    for item in range(n_sequences):
        keys[item] = hashes[item]
    for k in range(1, n):
        for item in range(n_sequences):
            keys[item] = keys[item] * mix + hashes[item + k]
    size = tally_size(n_sequences)
    most = _tally(n_sequences, keys, tally[:size])
    # What slots share may hide behind a high count, so a second look may be needed.
    top, times = _exactly(data, n, n_sequences, edges, hashes, keys, tally[:size], most)
    if times < most:
        top, _ = _exactly(data, n, n_sequences, edges, hashes, keys, tally[:size], times)
    return top


@jit
def tally_size(count):
    """int64 -> int64: slots for ``count`` sequences, so many that few are shared."""
    return 2 * table_size(count)


@jit
def _tally(n_sequences, keys, tally):
    """The highest count of a slot; a sequence counts in the slot of its key."""
    tally[:] = 0
    mix = types.uint64(MIX)
    half = types.uint64(32)
    mask = types.uint64(tally.size - 1)
    for item in range(n_sequences):
        key = keys[item] * mix >> half
        keys[item] = key
        tally[key & mask] += types.uint32(1)
    most = types.uint32(0)
    for slot in range(tally.size):
        most = max(most, tally[slot])
    return most


@jit
def _exactly(data, n, n_sequences, edges, hashes, keys, tally, least):
    """Where the most frequent of the sequences with slots of ``least`` begins, and how often it is.

    Returns an int64 and a uint32.
    """
    mask = types.uint64(tally.size - 1)
    n_likely = types.int64(0)
    for slot in range(tally.size):
        if tally[slot] >= least:
            n_likely += tally[slot]
    size = table_size(n_likely)
    table = np.zeros(size, np.int64)  # the number of the distinct sequence in a slot, from 1 on
    first = np.empty(n_likely, np.int64)
    counts = np.empty(n_likely, np.uint32)
    n_distinct = 0
    for item in range(n_sequences):
        if tally[keys[item] & mask] < least:
            continue
        place = types.int64(keys[item] >> types.uint64(8)) & (size - 1)
        while table[place] != 0:
            known = table[place] - 1
            if _same(data, n, first[known], item, edges, hashes):
                counts[known] += types.uint32(1)
                break
            place = (place + 1) & (size - 1)
        if table[place] == 0:
            first[n_distinct] = item
            counts[n_distinct] = 1
            n_distinct += 1
            table[place] = n_distinct
    top = 0
    for known in range(1, n_distinct):
        if counts[known] > counts[top]:
            top = known
    return first[top], counts[top]


@jit
def _same(data, n, one, other, edges, hashes):
    for k in range(n):
        if hashes[one + k] != hashes[other + k]:
            return False
        a = edges[2 * (one + k)]
        b = edges[2 * (other + k)]
        length = edges[2 * (one + k) + 1] - a
        if edges[2 * (other + k) + 1] - b != length or not same_bytes(data, a, b, length):
            return False
    return True
