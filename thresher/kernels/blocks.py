# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Sixty-four bytes of UTF-8 at a time, as bit masks.

A mask is a uint64 whose bit i tells something of byte i of a block. Masks are made by functions
of an address, which numba inlines as vector comparisons; :func:`block_at` is the only source of
addresses, and never gives one from which a mask could read past the text.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from thresher.kernels.compiled import jit

BLOCK = 64
REACH = BLOCK + 4  # masks look a little beyond their block, for what straddles its end

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Byte values, as (lowest, highest) pairs."""

_I64 = ir.IntType(64)
_VECTOR = ir.VectorType(ir.IntType(8), BLOCK)


def inlined(function: Any) -> Any:
    """A function that generates the code of its calls; see ``numba.extending.intrinsic``."""
    return intrinsic(function)


def byte_mask(*sequences: tuple[Ranges, ...]) -> Any:
    """A kernel function ``address -> uint64``: where one of the byte sequences begins.

    Each sequence is one to five sets of byte values, one for each byte.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = None
        for sequence in sequences:
            here = None
            for distance, ranges in enumerate(sequence):
                match = _in_ranges(builder, arguments[0], distance, ranges)
                here = match if here is None else builder.and_(here, match)
            found = here if found is None else builder.or_(found, here)
        return builder.bitcast(found, _I64)

    @inlined
    def mask(typing_context, address):
        return types.uint64(types.uint64), generate

    return mask


def letters_of(text: str) -> tuple[Ranges, ...]:
    """ASCII text as a sequence for :func:`byte_mask`."""
    return tuple(((ord(letter), ord(letter)),) for letter in text)


def _in_ranges(builder: Any, address: Any, distance: int, ranges: Ranges) -> Any:
    """<64 x i1>: whether the bytes from ``address + distance`` on lie in one of the ranges."""
    place = builder.add(address, ir.Constant(_I64, distance))
    values = builder.load(builder.inttoptr(place, _VECTOR.as_pointer()), align=1)
    found = None
    for low, high in ranges:
        shifted = builder.sub(values, _splat(low))  # wraps below low, so one comparison does
        match = builder.icmp_unsigned("<=", shifted, _splat(high - low))
        found = match if found is None else builder.or_(found, match)
    return found


def _splat(value: int) -> Any:
    return ir.Constant(_VECTOR, [value] * BLOCK)


continuations = byte_mask((((0x80, 0xBF),),))
"""uint64 address -> uint64: bytes that continue a character, so that others count characters."""


@inlined
def count_bits(typing_context, mask):
    """uint64 -> int64: how many bits are set."""
    return types.int64(types.uint64), lambda context, builder, signature, arguments: builder.ctpop(
        arguments[0]
    )


@inlined
def lowest_bit(typing_context, mask):
    """uint64 -> int64: the index of the lowest bit that is set; 64 if none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.false_bit)

    return types.int64(types.uint64), generate


@inlined
def highest_bit(typing_context, mask):
    """uint64 -> int64: the index of the highest bit that is set; -1 if none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.ctlz(arguments[0], cgutils.false_bit)
        return builder.sub(ir.Constant(_I64, BLOCK - 1), above)

    return types.int64(types.uint64), generate


@inlined
def eight_bytes(typing_context, address):
    """uint64 address -> uint64: the eight bytes there; the caller sees to it that there are."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _I64.as_pointer()), align=1)

    return types.uint64(types.uint64), generate


@inlined
def equal_bytes(typing_context, one, other):
    """uint64 address, uint64 address -> uint64: which of 64 bytes are equal to those there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = (builder.inttoptr(each, _VECTOR.as_pointer()) for each in arguments)
        a, b = (builder.load(pointer, align=1) for pointer in pointers)
        return builder.bitcast(builder.icmp_unsigned("==", a, b), _I64)

    return types.uint64(types.uint64, types.uint64), generate


@inlined
def address_of(typing_context, array):
    """uint8[n] -> uint64: where an array begins in memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, _I64)

    return types.uint64(array), generate


@inlined
def block_at(typing_context, data, place):
    """uint8[n], int64 -> uint64: the address to make masks of from ``place`` on.

    Close to the end of the buffer that of a copy, within the calling function, with blanks behind.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        begin = builder.ptrtoint(array.data, _I64)
        left = builder.sub(array.nitems, arguments[1])
        copy = cgutils.alloca_once(builder, ir.ArrayType(ir.IntType(8), REACH))
        address = cgutils.alloca_once_value(builder, builder.add(begin, arguments[1]))
        short = builder.icmp_signed("<", left, ir.Constant(_I64, REACH))
        with builder.if_then(short, likely=False):
            target = builder.bitcast(copy, cgutils.voidptr_t)
            cgutils.memset(builder, target, ir.Constant(_I64, REACH), ord(" "))
            none = builder.icmp_signed("<", left, ir.Constant(_I64, 0))
            n_bytes = builder.select(none, ir.Constant(_I64, 0), left)
            source = builder.inttoptr(builder.load(address), cgutils.voidptr_t)
            cgutils.raw_memcpy(builder, target, source, n_bytes, 1)
            builder.store(builder.ptrtoint(target, _I64), address)
        return builder.load(address)

    return types.uint64(data, types.int64), generate


@inlined
def bits_below(typing_context, count):
    """int64 -> uint64: a mask of the lowest ``count`` bits, all of them from 64 on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = ir.Constant(_I64, 1)
        some = builder.sub(builder.shl(one, arguments[0]), one)
        whole = builder.icmp_signed(">=", arguments[0], ir.Constant(_I64, BLOCK))
        return builder.select(whole, ir.Constant(_I64, -1), some)

    return types.uint64(types.int64), generate


@jit
def is_ascii(data, begin, end):
    """uint8[n], int64, int64 -> bool: whether ``data[begin:end]`` has ASCII characters only."""
    for place in range(begin, end, BLOCK):
        if continuations(block_at(data, place)) & bits_below(end - place) != 0:
            return False
    return True


@jit
def count_characters(data, begin, end):
    """uint8[n], int64, int64 -> int64: characters of the text ``data[begin:end]``."""
    n_characters = 0
    for place in range(begin, end, BLOCK):
        address = block_at(data, place)
        n_characters += count_bits(~continuations(address) & bits_below(end - place))
    return n_characters
