# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which sequences of n words of a document are equal, exactly.

``count`` sequences are given by int32 ``positions``, the words at which they begin, ascending, and
uint64 ``keys``, equal for equal sequences; ``words`` is (uint8[n_bytes], edges), edges as
``split_words`` gives them.
"""

from __future__ import annotations

from numba import types

from thresher.kernels.compiled import part
from thresher.kernels.distinct import table_size
from thresher.kernels.hashing import MIX, same_bytes


@part
def tell_apart(words, n, count, positions, keys, ids, firsts, table):
    """int64: how many of the sequences are distinct, found by comparing those with equal keys.

    Equal ones get equal ``ids`` int32[count], in the order in which they first come; ``firsts``
    int32[count] tells the number of the first of each. With n = 0 equal keys are enough. ``table``
    int32[table_size(count)] is working memory.
    """
    mix = types.uint64(MIX)
    half = types.uint64(32)
    size = table_size(count)
    table[:size] = -1
    n_distinct = 0
    for item in range(count):
        key = keys[item]
        slot = types.int64(key * mix >> half) & (size - 1)
        known = table[slot]
        while known >= 0 and (
            keys[firsts[known]] != key
            or not _same(words, n, positions[firsts[known]], positions[item])
        ):
            slot = (slot + 1) & (size - 1)
            known = table[slot]
        if known < 0:
            known = n_distinct
            table[slot] = known
            firsts[known] = item
            n_distinct += 1
        ids[item] = known
    return n_distinct


@part
def _same(words, n, one, other):
    """Whether the n words from number ``one`` on equal those from ``other`` on."""
    data, edges = words
    if n == 0:
        return True
    a = edges[2 * one]
    b = edges[2 * other]
    length = edges[2 * (one + n - 1) + 1] - a
    if edges[2 * (other + n - 1) + 1] - b == length and same_bytes(data, a, b, length):
        return True
    for k in range(n):  # what is between the words may differ
        a = edges[2 * (one + k)]
        b = edges[2 * (other + k)]
        length = edges[2 * (one + k) + 1] - a
        if edges[2 * (other + k) + 1] - b != length or not same_bytes(data, a, b, length):
            return False
    return True


@part
def count_each(count, ids, n_distinct, counts):
    """Write how often each id comes to int32[n_distinct]."""
    counts[:n_distinct] = 0
    for item in range(count):
        counts[ids[item]] += 1


@part
def longer_by_ids(count, n, longer, n_words, positions, keys, ids, n_distinct, marks, counts):
    """int64: how many sequences of ``longer`` words, at most 2n, may be repeated.

    The sequences of n words were told apart; two of their ids are the exact key of a longer one.
    ``marks`` int32[n_words] and ``counts`` int32[n_distinct] are working memory.
    """
    count_each(count, ids, n_distinct, counts)
    marks[:n_words] = -1
    for item in range(count):
        marks[positions[item]] = ids[item] if counts[ids[item]] > 1 else -1
    left = 0
    for item in range(count):
        position = positions[item]
        if position + longer > n_words:
            break
        front = types.int64(marks[position])
        back = types.int64(marks[position + longer - n])
        positions[left] = position
        keys[left] = types.uint64(front << 32 | back)
        left += (front | back) >= 0  # neither is -1
    return left
