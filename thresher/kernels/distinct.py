# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which strings within a document are equal.

They are found by their hashes in an open-addressed table. Equal hashes count as equal only after
the strings themselves were compared, so the answer is exact.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from thresher.kernels.blocks import inlined
from thresher.kernels.compiled import jit
from thresher.kernels.hashing import TOLD_BY_HASH, same_bytes

_I64 = ir.IntType(64)
_LEAST_SLOTS = 16


@inlined
def table_size(typing_context, count):
    """int64 -> int64: slots for ``count`` entries, a power of two and at least half empty."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, least = ir.Constant(_I64, 1), ir.Constant(_I64, _LEAST_SLOTS)
        highest = builder.sub(builder.mul(arguments[0], ir.Constant(_I64, 2)), one)
        many = builder.icmp_signed(">=", highest, least)
        zeros = builder.ctlz(builder.select(many, highest, one), cgutils.false_bit)
        size = builder.shl(one, builder.sub(ir.Constant(_I64, 64), zeros))
        return builder.select(many, size, least)

    return types.int64(types.int64), generate


@jit
def count_distinct(data, count, starts, lengths, weights, hashes, slots):
    """(int64, int64): how many of ``count`` strings are distinct, and how much these weigh.

    Strings are given by int64 starts, lengths and weights and their ``hash_all``, all [count];
    ``slots`` uint64[table_size(count)] is working memory.
    """
    half = types.uint64(32)
    low_half = types.uint64(0xFFFFFFFF)
    size = table_size(count)
    slots[:size] = 0
    n_distinct = 0
    weight = 0
    for item in range(count):
        key = hashes[item]
        slot = types.int64(key) & (size - 1)
        while True:
            # A slot holds half of the hash and a string's number, from 1 on; 0 is a free slot.
            entry = slots[slot]
            if entry == 0:
                n_distinct += 1
                weight += weights[item]
                slots[slot] = key >> half << half | types.uint64(item + 1)
                break
            known = types.int64(entry & low_half) - 1
            if hashes[known] == key and lengths[known] == lengths[item]:
                told = lengths[item] <= TOLD_BY_HASH
                if told or same_bytes(data, starts[known], starts[item], lengths[item]):
                    break
            slot = (slot + 1) & (size - 1)
    return n_distinct, weight
