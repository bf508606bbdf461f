# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which strings of a list were there before, and how long these are."""

from __future__ import annotations

from numba import types

from thresher.kernels.blocks import count_characters
from thresher.kernels.compiled import part
from thresher.kernels.distinct import table_size
from thresher.kernels.hashing import TOLD_BY_HASH, hash_all, same_bytes


@part
def count_repeats(data, count, starts, lengths, hashes, slots):
    """(int64, int64): how many of ``count`` strings equal an earlier one, and their characters.

    Strings are given by int64 starts and lengths; ``hashes`` uint64[count] and ``slots``
    uint64[table_size(count)] are working memory.
    """
    hash_all(data, count, starts, lengths, hashes)
    half = types.uint64(32)
    low_half = types.uint64(0xFFFFFFFF)
    size = table_size(count)
    slots[:size] = 0
    n_repeats = n_characters = 0
    for item in range(count):
        key = hashes[item]
        slot = types.int64(key >> types.uint64(20)) & (size - 1)
        while True:
            # A slot holds half of the hash and a string's number, from 1 on; 0 is a free slot.
            entry = slots[slot]
            if entry == 0:
                slots[slot] = key >> half << half | types.uint64(item + 1)
                break
            known = types.int64(entry & low_half) - 1
            if hashes[known] == key and lengths[known] == lengths[item]:
                told = lengths[item] <= TOLD_BY_HASH
                if told or same_bytes(data, starts[known], starts[item], lengths[item]):
                    n_repeats += 1
                    n_characters += count_characters(
                        data, starts[item], starts[item] + lengths[item]
                    )
                    break
            slot = (slot + 1) & (size - 1)
    return n_repeats, n_characters
