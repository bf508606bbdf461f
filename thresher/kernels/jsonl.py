# SPDX-License-Identifier: Apache-2.0
"""JSONL kernels for reading: find the values of wanted keys, and decode them.

The plain definitions are in :mod:`thresher.kernels.jsonl_plain`. Buffers hold 64 bytes or more
beyond the last line, which ends in LF: blocks of 64 bytes are looked at from anywhere before it,
and no search passes a LF.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from thresher.kernels import jsonl_plain as plain
from thresher.kernels.blocks import BLOCK, address_of, lowest_bit
from thresher.kernels.compiled import jit
from thresher.kernels.json_tokens import (
    MEANINGS,
    backslashes,
    code_unit,
    copy_block,
    number_end,
    string_end,
    word_end,
)

_ABSENT, _TEXT = plain.ABSENT, plain.TEXT
_OBJECT, _ARRAY = plain.OBJECT, plain.ARRAY
_GOOD, _BROKEN, _TWICE, _ASK = plain.GOOD, plain.BROKEN, plain.TWICE, plain.ASK
_DEPTH = plain.MAX_DEPTH

# What may come next. FIRST_KEY and FIRST_VALUE also allow the container to close.
_KEY, _FIRST_KEY, _COLON, _VALUE, _FIRST_VALUE, _COMMA, _END = range(7)

_LF, _QUOTE = 10, 34


def compile_all() -> None:
    """Compile what :func:`scan` and :func:`unescape` consist of, by calling them."""
    line = b'{"a": "b\\n", "c": [1, {"d": null}]}\n'
    buffer = np.frombuffer(bytearray(line + bytes(BLOCK)), np.uint8)
    rows, state = np.empty((1, 4), np.int64), np.empty(1, np.uint8)
    spans, kinds = np.empty((1, 1, 4), np.int64), np.empty((1, 1), np.uint8)
    key, offsets = np.frombuffer(bytearray(b"a"), np.uint8), np.array([0, 1], np.int64)
    containers = np.empty(_DEPTH + 1, np.uint8)
    scan(buffer, len(line), key, offsets, rows, state, spans, kinds, containers)
    starts, stops = spans[0, :, 1].copy(), spans[0, :, 2].copy()
    out = np.empty(2 * BLOCK, np.uint8)
    unescape(buffer, starts, stops, np.ones(1, np.bool_), out, np.empty(2, np.int64))


@jit
def wanted_key(buffer: Any, start: Any, stop: Any, keys: Any, offsets: Any) -> Any:
    """uint8[n], int64, int64, uint8[m], int64[K + 1] -> int64: which key it is; -1 if none."""
    for k in range(offsets.size - 1):
        if offsets[k + 1] - offsets[k] == stop - start:
            same = True
            for i in range(stop - start):
                if buffer[start + i] != keys[offsets[k] + i]:
                    same = False
                    break
            if same:
                return k
    return -1


@jit
def scan_record(  # noqa: C901
    buffer: Any,
    at: Any,
    row: Any,
    keys: Any,
    offsets: Any,
    rows: Any,
    spans: Any,
    kinds: Any,
    containers: Any,
) -> Any:
    """-> (int64, int64): the end of the line, LF left out, and the record's state.

    ``at`` is the first byte that is not white space. Fills ``row`` of the arrays, as the plain
    definition says; ``containers`` uint8[MAX_DEPTH + 1] is scratch.
    """
    state = _GOOD
    depth = 0
    expect = _VALUE
    key = -1  # the wanted key whose value comes or is open, in the outermost object
    before = at
    members = 0
    if buffer[at] != 123:  # {
        return at, _BROKEN
    while True:
        c = buffer[at]
        if c == _QUOTE:
            start = at + 1
            at, kind = string_end(buffer, start)
            if kind == _ABSENT:
                return at, _BROKEN
            if expect in (_KEY, _FIRST_KEY):
                expect = _COLON
                if depth == 1:
                    members += 1
                    key = -1
                    if kind != _TEXT:
                        state = _ASK
                    else:
                        key = wanted_key(buffer, start, at, keys, offsets)
                        if key >= 0:
                            if kinds[key, row] != _ABSENT and state == _GOOD:
                                state = _TWICE
                            spans[key, row, 0] = before
            elif expect in (_VALUE, _FIRST_VALUE):
                expect = _COMMA
                if depth == 1 and key >= 0:
                    kinds[key, row] = kind
                    spans[key, row, 1] = start
                    spans[key, row, 2] = at
            else:
                return at, _BROKEN
            at += 1
        elif c == 44:  # ,
            if expect != _COMMA:
                return at, _BROKEN
            expect = _KEY if containers[depth] == _OBJECT else _VALUE
            if depth == 1:
                before = at
                if key >= 0:
                    spans[key, row, 3] = at
            at += 1
        elif c == 58:  # :
            if expect != _COLON:
                return at, _BROKEN
            expect = _VALUE
            at += 1
        elif c == 32 or c == 9 or c == 13:
            at += 1
        elif c == 123 or c == 91:  # { [
            if (expect != _VALUE and expect != _FIRST_VALUE) or depth == _DEPTH:
                return at, _BROKEN
            kind = _OBJECT if c == 123 else _ARRAY
            if depth == 1 and key >= 0:
                kinds[key, row] = kind
                spans[key, row, 1] = at
            depth += 1
            containers[depth] = kind
            expect = _FIRST_KEY if c == 123 else _FIRST_VALUE
            at += 1
        elif c == 125 or c == 93:  # } ]
            first = _FIRST_KEY if c == 125 else _FIRST_VALUE
            kind = _OBJECT if c == 125 else _ARRAY
            if depth == 0 or containers[depth] != kind or (expect != _COMMA and expect != first):
                return at, _BROKEN
            depth -= 1
            expect = _COMMA
            if depth == 1 and key >= 0:
                spans[key, row, 2] = at + 1
            elif depth == 0:
                if key >= 0:
                    spans[key, row, 3] = at
                rows[row, 2] = at
                rows[row, 3] = members
                expect = _END
            at += 1
        elif c == _LF:
            return at, state if expect == _END else _BROKEN
        else:
            if expect != _VALUE and expect != _FIRST_VALUE:
                return at, _BROKEN
            start = at
            if c == 45 or 48 <= c <= 57:
                at, kind = number_end(buffer, at)
            else:
                at, kind = word_end(buffer, at)
            if kind == _ABSENT:
                return at, _BROKEN
            expect = _COMMA
            if depth == 1 and key >= 0:
                kinds[key, row] = kind
                spans[key, row, 1] = start
                spans[key, row, 2] = at


@jit
def forget(row: Any, rows: Any, spans: Any, kinds: Any) -> Any:
    """Fill one row of the arrays with zeros."""
    for i in range(4):
        rows[row, i] = 0
    for k in range(kinds.shape[0]):
        kinds[k, row] = _ABSENT
        for i in range(4):
            spans[k, row, i] = 0


@jit
def scan(
    buffer: Any,
    stop: Any,
    keys: Any,
    offsets: Any,
    rows: Any,
    state: Any,
    spans: Any,
    kinds: Any,
    containers: Any,
) -> Any:
    """As the plain ``scan``, with the wanted keys as bytes, uint8[m], and int64[K + 1] offsets.

    UTF-8 is not checked here. Records that need a closer look get the state ASK. ``containers``
    uint8[MAX_DEPTH + 1] is scratch.
    """
    at = types.int64(0)  # a literal 0 would be a type of its own, and all be compiled twice
    row = types.int64(0)
    while at < stop:
        line = at
        while buffer[at] == 32 or buffer[at] == 9 or buffer[at] == 13:
            at += 1
        if buffer[at] == _LF:
            at += 1
            continue
        if row == rows.shape[0]:
            break
        forget(row, rows, spans, kinds)
        rows[row, 0] = line
        at, found = scan_record(buffer, at, row, keys, offsets, rows, spans, kinds, containers)
        if found == _BROKEN:
            forget(row, rows, spans, kinds)
            rows[row, 0] = line
        while buffer[at] != _LF:
            at += 1
        at += 1
        rows[row, 1] = at
        state[row] = found
        row += 1
    return row


@jit
def unescape(buffer: Any, starts: Any, stops: Any, escaped: Any, out: Any, offsets: Any) -> Any:
    """As the plain ``unescape``; ``out`` has 64 bytes more than the values need."""
    source = address_of(buffer)
    target = address_of(out)
    at = 0
    for row in range(starts.size):
        offsets[row] = at
        place = starts[row]
        stop = stops[row]
        while place < stop:
            copy_block(source + types.uint64(place), target + types.uint64(at))
            step = BLOCK
            if escaped[row]:
                step = lowest_bit(backslashes(source + types.uint64(place)))
            if place + step >= stop:
                at += stop - place
                break
            place += step
            at += step
            if step < BLOCK:
                place, at = unescape_one(buffer, place, out, at)
    offsets[starts.size] = at


@jit
def unescape_one(buffer: Any, place: Any, out: Any, at: Any) -> Any:
    """uint8[n], int64, uint8[m], int64 -> (int64, int64): decode the escape that begins at
    ``place`` to ``out[at:]``; the places behind both."""
    mark = buffer[place + 1]
    if mark != 117:  # u
        out[at] = MEANINGS[mark]
        return place + 2, at + 1
    code = code_unit(buffer, place + 2)
    place += 6
    if 0xD800 <= code < 0xDC00:
        code = 0x10000 + ((code - 0xD800) << 10) + (code_unit(buffer, place + 2) - 0xDC00)
        place += 6
    if code < 0x80:
        out[at] = code
        return place, at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 0x3F
        return place, at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | code >> 6 & 0x3F
        out[at + 2] = 0x80 | code & 0x3F
        return place, at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | code >> 12 & 0x3F
    out[at + 2] = 0x80 | code >> 6 & 0x3F
    out[at + 3] = 0x80 | code & 0x3F
    return place, at + 4
