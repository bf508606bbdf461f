# SPDX-License-Identifier: Apache-2.0
"""What the JSONL kernels mean, in plain Python on top of ``json``.

A record is one JSON object (RFC 8259) on one line, at most ``MAX_DEPTH`` containers deep. Scanning
finds where the values of some keys lie; nothing is changed or converted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 512

# Kinds of values.
ABSENT, TEXT, ESCAPED, HALF_PAIR, INTEGER, DECIMAL, TRUE, FALSE, NULL, OBJECT, ARRAY = range(11)

# States of records: BROKEN ones are no JSON, TWICE ones have a wanted key twice (the last counts),
# ASK ones are left to this module by the kernel.
GOOD, BROKEN, TWICE, ASK = range(4)

BLANK = b" \t\r"
_MARK = b"\xef\xbb\xbf".decode("latin-1")

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_value_at: Any = json.scanner.make_scanner(  # type: ignore[attr-defined]
    JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
)


class BrokenRecord(ValueError):
    """A line that is not a JSON object."""


@dataclass
class Member:
    """One key and its value: offsets in the line of the value (strings without their quotes), of
    the comma or brace before the key and of the one after the value."""

    key: str
    kind: int
    before: int
    start: int
    stop: int
    after: int = -1


@dataclass
class Record:
    """The members of a line's object, and where it is closed."""

    members: list[Member]
    close: int


def parse_record(line: bytes) -> Record:
    """Members of the object on a line.

    Raises
    ------
    BrokenRecord
        If the line is not one valid JSON object.
    """
    try:
        line.decode()
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise BrokenRecord(f"byte {error.start} (0x{byte:02x}) is not UTF-8") from None
    # Latin-1 makes characters of bytes one by one, so that offsets are offsets of bytes. The NUL
    # is no JSON anywhere and ends every search.
    text = line.rstrip(b"\r\n").decode("latin-1") + "\0"
    _check_depth(text)
    try:
        return _object(line, text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text) - 1
        reason = "the line ends within the record" if at_end else error.msg.lower()
        raise BrokenRecord(f"{reason.removesuffix(' at')} at byte {error.pos}") from None
    except StopIteration as error:
        raise _broken(text, int(error.value), "a value") from None
    except ValueError as error:
        raise BrokenRecord(str(error)) from None


def _object(line: bytes, text: str) -> Record:
    at = _skip(text, 0)
    if text[at] != "{":
        raise _broken(text, at, "an object")
    before = at
    at = _skip(text, at + 1)
    members: list[Member] = []
    while text[at] != "}" or members:
        if text[at] != '"':
            raise _broken(text, at, "a key in double quotes")
        _, stop = scanstring(text, at + 1, True)
        key = _key(line[at + 1 : stop - 1])
        at = _skip(text, stop)
        if text[at] != ":":
            raise _broken(text, at, "a colon")
        start = _skip(text, at + 1)
        value, stop = _value_at(text, start)
        kind = _kind(text, start, stop, value)
        quote = 1 if text[start] == '"' else 0
        at = _skip(text, stop)
        members.append(Member(key, kind, before, start + quote, stop - quote, at))
        before = at
        if text[at] == "}":
            break
        if text[at] != ",":
            raise _broken(text, at, "a comma or a closing brace")
        at = _skip(text, at + 1)
    close = at
    at = _skip(text, close + 1)
    if at != len(text) - 1:
        if "\r" in text[close:at]:
            raise BrokenRecord(
                f"the line goes on behind the CR before byte {at}: lines end in LF or CR LF here; "
                "convert those that end in CR alone"
            )
        raise _broken(text, at, "the end of the line")
    return Record(members, close)


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _key(raw: bytes) -> str:
    text = raw.decode()
    return scanstring(text + '"', 0, True)[0] if "\\" in text else text


def _kind(text: str, start: int, stop: int, value: Any) -> int:
    first = text[start]
    if first == '"':
        if "\\" not in text[start:stop]:
            return TEXT
        return HALF_PAIR if _HALF_PAIR.search(value) else ESCAPED
    words = {"t": TRUE, "f": FALSE, "n": NULL, "{": OBJECT, "[": ARRAY}
    if first in words:
        return words[first]
    return DECIMAL if any(mark in text[start:stop] for mark in ".eE") else INTEGER


def _broken(text: str, at: int, expected: str) -> BrokenRecord:
    if at >= len(text) - 1:
        return BrokenRecord(f"the line ends at byte {at}, where {expected} is expected")
    found = "a byte order mark" if text.startswith(_MARK, at) else repr(text[at])
    return BrokenRecord(f"{expected} is expected at byte {at}, not {found}")


def _check_depth(text: str) -> None:
    """Refuse what is nested too deeply, before ``json`` recurses into it."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for mark in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if mark in "{[" else -1
        if depth > MAX_DEPTH:
            raise BrokenRecord(f"nested more than {MAX_DEPTH} deep")


def scan(
    buffer: NDArray[np.uint8],
    stop: int,
    keys: Sequence[str],
    rows: NDArray[np.int64],
    state: NDArray[np.uint8],
    spans: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> int:
    """Scan the lines in ``buffer[:stop]``; returns the number of records, blank lines left out.

    Parameters
    ----------
    buffer : uint8[> stop]
        Lines, each ended by LF.
    keys : list[str]
        Wanted keys (K).
    rows : int64[n, 4]
        Out: start and stop of the line (LF included), the closing brace, the number of members.
    state : uint8[n]
        Out: GOOD, BROKEN or TWICE.
    spans : int64[K, n, 4]
        Out: the comma or brace before, start and stop of the value, the comma or brace after.
    kinds : uint8[K, n]
        Out: the value's kind. Zeros where the key is absent or the record broken.
    """
    at, row = 0, 0
    data = buffer[:stop].tobytes()
    while at < stop and row < len(rows):
        end = data.find(b"\n", at) + 1 or stop
        line = data[at:end]
        if line.strip(b" \t\r\n"):
            rows[row] = (at, end, 0, 0)
            scan_line(line, at, row, keys, rows, state, spans, kinds)
            row += 1
        at = end
    return row


def scan_line(
    line: bytes,
    at: int,
    row: int,
    keys: Sequence[str],
    rows: NDArray[np.int64],
    state: NDArray[np.uint8],
    spans: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> None:
    """Scan the one record ``line``, which begins at offset ``at``, into ``row`` of the arrays."""
    kinds[:, row] = ABSENT
    spans[:, row] = 0
    state[row] = GOOD
    try:
        record = parse_record(line)
    except BrokenRecord:
        state[row] = BROKEN
        rows[row, 2:] = 0
        return
    rows[row, 2:] = (at + record.close, len(record.members))
    for member in record.members:
        if member.key not in keys:
            continue
        k = keys.index(member.key)
        if kinds[k, row] != ABSENT:
            state[row] = TWICE
        kinds[k, row] = member.kind
        spans[k, row] = (
            at + member.before,
            at + member.start,
            at + member.stop,
            at + member.after,
        )


def unescape(
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    escaped: NDArray[np.bool_],
    out: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> None:
    """Copy spans one after the other, undoing JSON's escapes where ``escaped``.

    Parameters
    ----------
    buffer : uint8[...]
        Source.
    starts, stops : int64[n]
        Spans in it.
    escaped : bool[n]
        Whether the span is the inside of a JSON string with escapes (and no half pairs).
    out : uint8[>= sum of lengths]
        Out: the bytes.
    offsets : int64[n + 1]
        Out: where each value begins, and the end of the last.
    """
    at = 0
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        value = buffer[start:stop].tobytes()
        if escaped[row]:
            value = scanstring(value.decode() + '"', 0, True)[0].encode()
        out[at : at + len(value)] = np.frombuffer(value, np.uint8)
        offsets[row] = at
        at += len(value)
    offsets[len(starts)] = at
