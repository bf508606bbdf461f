# SPDX-License-Identifier: Apache-2.0
"""Where the tokens of JSON end: strings, numbers, words.

Buffers hold 64 bytes or more beyond their last LF, and no search passes a LF.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from thresher.kernels import jsonl_plain as plain
from thresher.kernels.blocks import BLOCK, address_of, byte_mask, lowest_bit
from thresher.kernels.compiled import jit

_ABSENT, _TEXT, _ESCAPED, _HALF_PAIR = plain.ABSENT, plain.TEXT, plain.ESCAPED, plain.HALF_PAIR
_INTEGER, _DECIMAL = plain.INTEGER, plain.DECIMAL
_TRUE, _FALSE, _NULL = plain.TRUE, plain.FALSE, plain.NULL

_QUOTE, _BACKSLASH = 34, 92

string_stops = byte_mask((((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C)),))
"""uint64 address -> uint64: quotes, backslashes and control characters."""

backslashes = byte_mask((((0x5C, 0x5C),),))
"""uint64 address -> uint64: backslashes."""


@intrinsic
def _copy_block(typing_context: Any, source: Any, target: Any) -> Any:
    """uint64, uint64 -> none: copy 64 bytes between addresses, as one load and one store."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BLOCK).as_pointer()
        block = builder.load(builder.inttoptr(arguments[0], vector), align=1)
        builder.store(block, builder.inttoptr(arguments[1], vector), align=1)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


copy_block: Any = _copy_block


def _hex_values() -> Any:
    values = np.full(256, -1, np.int32)
    for digit in "0123456789abcdefABCDEF":
        values[ord(digit)] = int(digit, 16)
    return values


def _escapes() -> Any:
    meanings = np.full(256, -1, np.int32)
    for mark, meaning in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True):
        meanings[ord(mark)] = ord(meaning)
    return meanings


_HEX = _hex_values()
MEANINGS = _escapes()


@jit
def code_unit(buffer: Any, at: Any) -> Any:
    """uint8[n], int64 -> int64: the value of four hexadecimal digits; negative if they are not."""
    value = 0
    for i in range(4):
        digit = _HEX[buffer[at + i]]
        if digit < 0:
            return -1
        value = value * 16 + digit
    return value


@jit
def string_end(buffer: Any, at: Any) -> Any:  # noqa: C901
    """uint8[n], int64 -> (int64, int64): the closing quote of a string whose inside begins at
    ``at``, and its kind; ABSENT if it is broken, with the place of the fault."""
    kind = _TEXT
    base = address_of(buffer)
    while True:
        stops = string_stops(base + types.uint64(at))
        if stops == 0:
            at += BLOCK
            continue
        at += lowest_bit(stops)
        if buffer[at] == _QUOTE:
            return at, kind
        if buffer[at] != _BACKSLASH:
            return at, _ABSENT
        if kind == _TEXT:
            kind = _ESCAPED
        mark = buffer[at + 1]
        if mark == 117:  # u
            unit = code_unit(buffer, at + 2)
            if unit < 0:
                return at, _ABSENT
            at += 6
            if 0xD800 <= unit < 0xE000:
                low = -1
                if unit < 0xDC00 and buffer[at] == _BACKSLASH and buffer[at + 1] == 117:
                    low = code_unit(buffer, at + 2)
                if 0xDC00 <= low < 0xE000:
                    at += 6
                else:
                    kind = _HALF_PAIR
        elif MEANINGS[mark] >= 0:
            at += 2
        else:
            return at, _ABSENT


@jit
def number_end(buffer: Any, at: Any) -> Any:  # noqa: C901
    """uint8[n], int64 -> (int64, int64): the end of a number and its kind; ABSENT if broken."""
    kind = _INTEGER
    if buffer[at] == 45:  # -
        at += 1
    digits = at
    while 48 <= buffer[at] <= 57:
        at += 1
    if at == digits or (buffer[digits] == 48 and at > digits + 1):
        return at, _ABSENT
    if buffer[at] == 46:  # .
        kind = _DECIMAL
        at += 1
        digits = at
        while 48 <= buffer[at] <= 57:
            at += 1
        if at == digits:
            return at, _ABSENT
    if buffer[at] == 69 or buffer[at] == 101:  # E e
        kind = _DECIMAL
        at += 1
        if buffer[at] == 43 or buffer[at] == 45:  # + -
            at += 1
        digits = at
        while 48 <= buffer[at] <= 57:
            at += 1
        if at == digits:
            return at, _ABSENT
    return at, kind


@jit
def word_end(buffer: Any, at: Any) -> Any:
    """uint8[n], int64 -> (int64, int64): the end of true, false or null and its kind; ABSENT if
    it is none of them."""
    a, b, c, d = buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]
    if a == 116 and b == 114 and c == 117 and d == 101:
        return at + 4, _TRUE
    if a == 110 and b == 117 and c == 108 and d == 108:
        return at + 4, _NULL
    if a == 102 and b == 97 and c == 108 and d == 115 and buffer[at + 4] == 101:
        return at + 5, _FALSE
    return at, _ABSENT
