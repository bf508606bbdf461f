# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Hashes and comparisons of byte strings within a buffer, eight bytes at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from thresher.kernels.blocks import (
    BLOCK,
    address_of,
    bits_below,
    block_at,
    continuations,
    count_bits,
    eight_bytes,
    equal_bytes,
    inlined,
)
from thresher.kernels.compiled import jit

MIX = 0x9E3779B97F4A7C15  # the golden ratio in 64 bits: odd, and its bits look random
_OTHER_MIX = 0xC2B2AE3D27D4EB4F  # odd, too

_I64 = ir.IntType(64)
_BYTES = ir.VectorType(ir.IntType(8), BLOCK)
_LANES = ir.VectorType(_I64, 8)
_MULTIPLIERS = [MIX * _OTHER_MIX**k % 2**64 for k in range(8)]  # odd, all of them

TOLD_BY_HASH = 8
"""Strings of at most so many bytes are equal if their hashes and lengths are: they are hashed in
one step, which can be undone."""


@inlined
def _mixed(typing_context, address, wanted):
    """uint64 address, uint64 mask -> uint64: a number made of those of the 64 bytes there.

    The first eight bytes alone make different numbers if they differ.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _BYTES.as_pointer())
        mask = builder.bitcast(arguments[1], ir.VectorType(ir.IntType(1), BLOCK))
        values = builder.select(mask, builder.load(pointer, align=1), ir.Constant(_BYTES, None))
        lanes = builder.mul(builder.bitcast(values, _LANES), ir.Constant(_LANES, _MULTIPLIERS))
        total = ir.Constant(_I64, 0)
        for lane in range(len(_MULTIPLIERS)):
            total = builder.add(
                total, builder.extract_element(lanes, ir.Constant(ir.IntType(32), lane))
            )
        return total

    return types.uint64(types.uint64, types.uint64), generate


@jit
def hash_all(data, count, starts, lengths, hashes):
    """A hash of each of ``count`` strings: int64 starts and lengths -> uint64 hashes."""
    mix = types.uint64(MIX)
    half = types.uint64(32)
    for item in range(count):
        place = starts[item]
        length = lengths[item]
        value = types.uint64(length)
        for done in range(0, length, BLOCK):
            address = block_at(data, place + done)
            value = (value + _mixed(address, bits_below(length - done))) * mix
            value ^= value >> half
        hashes[item] = value


@jit
def hash_and_count(data, count, starts, lengths, hashes, characters):
    """:func:`hash_all`, and int64 ``characters`` of each string."""
    mix = types.uint64(MIX)
    half = types.uint64(32)
    for item in range(count):
        place = starts[item]
        length = lengths[item]
        value = types.uint64(length)
        n_characters = 0
        for done in range(0, length, BLOCK):
            address = block_at(data, place + done)
            wanted = bits_below(length - done)
            value = (value + _mixed(address, wanted)) * mix
            value ^= value >> half
            n_characters += count_bits(~continuations(address) & wanted)
        hashes[item] = value
        characters[item] = n_characters


@jit
def hash_words(data, count, edges, hashes):
    """A hash of each of ``count`` words, int64 edges as ``split_words`` gives -> uint64 hashes.

    Equal hashes do not tell that strings are equal.
    """
    mix = types.uint64(MIX)
    other_mix = types.uint64(_OTHER_MIX)
    half = types.uint64(32)
    one = types.uint64(1)
    all_bits = ~types.uint64(0)
    base = address_of(data)
    for item in range(count):
        place = edges[2 * item]
        length = edges[2 * item + 1] - place
        if length <= 16:
            if place + 16 <= data.size:  # nearly always
                at = base + types.uint64(place)
                beyond = length - 8 if length > 8 else 0
                mask = (one << types.uint64(8 * (beyond & 7))) - one
                if beyond == 8:
                    mask = all_bits
                front = eight_bytes(at) & all_bits >> types.uint64(64 - 8 * (length - beyond))
                back = eight_bytes(at + types.uint64(8)) & mask
            else:
                front = _up_to_eight(data, base, place, length)
                back = _up_to_eight(data, base, place + 8, length - 8)
            value = (front + types.uint64(length)) * mix ^ back * other_mix
        else:
            value = types.uint64(length)
            for done in range(0, length, BLOCK):
                wanted = bits_below(length - done)
                value = (value + _mixed(block_at(data, place + done), wanted)) * mix
                value ^= value >> half
        hashes[item] = value ^ value >> half


@jit
def same_bytes(data, one, other, length):
    """Whether ``length`` bytes from ``one`` on equal those from ``other`` on."""
    base = address_of(data)
    end = (one if one > other else other) + BLOCK
    for done in range(0, length, BLOCK):
        left = length - done
        if end + done <= data.size:
            equal = equal_bytes(base + types.uint64(one + done), base + types.uint64(other + done))
            if ~equal & bits_below(left) != 0:
                return False
        elif not _same_short(data, one + done, other + done, left if left < BLOCK else BLOCK):
            return False
    return True


@jit
def _same_short(data, one, other, length):
    k = 0
    while k < length and data[one + k] == data[other + k]:
        k += 1
    return k == length


@jit
def up_to_eight(data, place, left):
    """uint8[n], int64, int64 -> uint64: the next ``left`` bytes, eight at most, as a number."""
    return _up_to_eight(data, address_of(data), place, left)


@jit
def _up_to_eight(data, base, place, left):
    """The next ``left`` bytes, eight at most, as a number; never reads past the buffer."""
    if place + 8 <= data.size:
        value = eight_bytes(base + types.uint64(place))
        if left >= 8:
            return value
        return value & ((types.uint64(1) << types.uint64(8 * left)) - types.uint64(1))
    value = types.uint64(0)
    for k in range(left):  # fewer than eight
        value |= types.uint64(data[place + k]) << types.uint64(8 * k)
    return value
