# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How often a text has a string."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from thresher.kernels.blocks import BLOCK, address_of, bits_below, inlined, lowest_bit
from thresher.kernels.compiled import jit

_I64 = ir.IntType(64)
_VECTOR = ir.VectorType(ir.IntType(8), BLOCK)


@inlined
def _equal_to(typing_context, address, byte):
    """uint64 address, uint8 -> uint64: which of 64 bytes equal one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _VECTOR.as_pointer())
        values = builder.load(pointer, align=1)
        lane = builder.insert_element(
            ir.Constant(_VECTOR, ir.Undefined), arguments[1], ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK)
        wanted = builder.shuffle_vector(lane, lane, zeros)
        return builder.bitcast(builder.icmp_unsigned("==", values, wanted), _I64)

    return types.uint64(types.uint64, types.uint8), generate


@jit
def count_occurrences(data, begin, stop, pattern):
    """uint8[n_bytes], int64, int64, uint8[m] -> int64: what ``text.count(pattern)`` gives.

    Occurrences do not overlap: each is looked for behind the one before.
    """
    n_found = 0
    free = begin  # where the next occurrence may begin
    last = pattern.size - 1
    second = 1 if last > 0 else 0  # tells letters of one script apart, whose first bytes are equal
    place = begin
    base = address_of(data)
    while place + last < stop:
        if place + last + BLOCK <= data.size:
            here = base + types.uint64(place)
            likely = _equal_to(here, pattern[0])
            likely &= _equal_to(here + types.uint64(second), pattern[second])
            likely &= _equal_to(here + types.uint64(last), pattern[last])
        else:  # too close to the buffer's end for a whole block
            likely = bits_below(data.size - place)
        likely &= bits_below(stop - last - place)
        while likely != 0:
            start = place + lowest_bit(likely)
            likely &= likely - types.uint64(1)
            if start < free:
                continue
            k = 0
            while k <= last and data[start + k] == pattern[k]:
                k += 1
            if k > last:
                n_found += 1
                free = start + pattern.size
        place += BLOCK
    return n_found
