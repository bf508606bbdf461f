# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which sequences of strings within a document are equal.

Sequences are found by a rolling hash in an open-addressed table. Equal hashes count as equal only
after the strings themselves were compared, so the answer is exact.
"""

from __future__ import annotations

from numba import types

from thresher.kernels.compiled import jit
from thresher.kernels.hashing import MIX, TOLD_BY_HASH, same_bytes


@jit
def table_size(count):
    """int64 -> int64: slots for ``count`` entries, a power of two and at least half empty."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@jit
def count_sequences(  # noqa: C901 - smaller functions would cost half the speed
    data, n, count, starts, lengths, hashes, first, counts, slots
):
    """int64: how many of the sequences of n among ``count`` strings are distinct.

    Strings are given by int64 starts and lengths and their ``hash_all``, all [count]. Of the k-th
    distinct sequence, in order of appearance, ``first[k]`` is the number of the string it begins
    with and ``counts[k]`` says how often it is there: int64[count]. ``slots``
    uint64[table_size(count)] is working memory.
    """
    half = types.uint64(32)
    mix = types.uint64(MIX)
    size = table_size(count)
    slots[:size] = 0
    oldest = types.uint64(1)  # what a string's hash is multiplied by when it leaves the window
    for _ in range(n - 1):
        oldest *= mix
    rolling = types.uint64(0)
    for item in range(min(n - 1, count)):
        rolling = rolling * mix + hashes[item]
    n_distinct = 0
    low_half = types.uint64(0xFFFFFFFF)
    for item in range(count - n + 1):
        rolling = rolling * mix + hashes[item + n - 1]
        key = (rolling ^ rolling >> half) * mix
        key ^= key >> half
        slot = types.int64(key) & (size - 1)
        while True:
            # A slot holds half of the key and a sequence's number, from 1 on; 0 is a free slot.
            entry = slots[slot]
            if entry == 0:
                first[n_distinct] = item
                counts[n_distinct] = 1
                n_distinct += 1
                slots[slot] = key >> half << half | types.uint64(n_distinct)
                break
            if entry >> half == key >> half:
                known = types.int64(entry & low_half) - 1
                alike = 0
                while alike < n:
                    a = first[known] + alike
                    b = item + alike
                    if lengths[a] != lengths[b] or hashes[a] != hashes[b]:
                        break
                    if lengths[a] > TOLD_BY_HASH and not same_bytes(
                        data, starts[a], starts[b], lengths[a]
                    ):
                        break
                    alike += 1
                if alike == n:
                    counts[known] += 1
                    break
            slot = (slot + 1) & (size - 1)
        rolling -= hashes[item] * oldest
    return n_distinct
