# SPDX-License-Identifier: Apache-2.0
"""The JSONL kernels do what their plain definitions say, and those what ``json`` says."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels import jsonl_plain as plain
from thresher.kernels import jsonl_write_plain
from thresher.stages.text.io.jsonl_columns import column as make_column
from thresher.stages.text.io.jsonl_columns import json_text, text
from thresher.stages.text.io.jsonl_scan import PADDING, Scan, scan
from thresher.tasks.json_text import python_values

KEYS = ["a", "text", "", "é"]

# Characters that JSON, UTF-8 or lines treat in special ways, and some that nothing does.
CHARACTERS = st.text(st.sampled_from('ab"\\/ {}[]:,é中😀\x00\x1f\x7f\n\r\t0-e\u2028'), max_size=80)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | CHARACTERS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | CHARACTERS, inner)
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(KEYS) | CHARACTERS, VALUES, max_size=6)
ENCODED = st.builds(
    lambda record, ascii_only, compact: json.dumps(
        record, ensure_ascii=ascii_only, separators=(",", ":") if compact else None
    ).encode(),
    RECORDS,
    st.booleans(),
    st.booleans(),
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [b'{', b'}', b'[', b']', b',', b':', b'"', b'"a"', b'"text"', b'1', b'-0', b'01', b'1.',
         b'.5', b'1e', b'1E+5', b'true', b'fals', b'null', b'NaN', b'Infinity', b'\\', b'\\u',
         b'\\ud83d', b'\\ude00', b'"\\ud83d\\ude00"', b'"\\u00e9"', b'"\\ud83d"', b'"\\q"', b' ',
         b'\t', b'\r', b'\x00', b'\xff', b'\xc3\xa9', b'\xed\xa0\x80', b'{"a":1}', b'{"a":"x"}',
         b'"\\u0061"']
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A record with some bytes replaced, removed or put in."""
    data = bytearray(draw(ENCODED))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2) | FRAGMENTS)
    return bytes(data)


LINES = st.lists(ENCODED | mutated() | FRAGMENTS | st.binary(max_size=30), max_size=6)


@contextmanager
def kernels(kind: str) -> Iterator[None]:
    with mock.patch.dict(os.environ, THRESHER_KERNELS=kind):
        yield


def buffer_of(data: bytes, padding: bytes = b'"') -> np.ndarray:
    """A buffer that ends with nothing but the padding kernels may look at."""
    return np.frombuffer(bytearray(data + (padding * PADDING)[:PADDING]), np.uint8)


def scan_with(kind: str, data: bytes, keys: list[str], padding: bytes = b'"') -> Scan:
    with kernels(kind):
        return scan(buffer_of(data, padding), len(data), keys, data.count(b"\n"))


def assert_same(data: bytes, keys: list[str], padding: bytes = b'"') -> Scan:
    left, right = scan_with("compiled", data, keys, padding), scan_with("plain", data, keys, b"\n")
    for name in ("rows", "state", "kinds", "spans"):
        assert np.array_equal(getattr(left, name), getattr(right, name)), name
    good = left.state != plain.BROKEN
    left, right = left.take(good), right.take(good)
    for k in range(len(keys)):
        with kernels("compiled"):
            compiled = text(left, k), json_text(left, k), *make_column(left, k, None)
        with kernels("plain"):
            assert compiled == (text(right, k), json_text(right, k), *make_column(right, k, None))
    return left


@given(LINES, st.sampled_from([b'"', b"\\", b"\n", b"0", b'}\n{"a":1}\n']))
@settings(max_examples=250, deadline=None)
def test_kernel_is_the_plain_definition(lines: list[bytes], padding: bytes) -> None:
    assert_same(b"".join(line + b"\n" for line in lines), KEYS, padding)


def oracle(line: bytes) -> dict[str, object] | None:
    """What ``json`` makes of a line, where it is as strict as RFC 8259."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        value = json.loads(line.decode(), parse_constant=refuse)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@given(ENCODED | mutated() | FRAGMENTS)
@settings(max_examples=250, deadline=None)
def test_plain_definition_accepts_what_json_accepts(line: bytes) -> None:
    line = line.replace(b"\n", b" ")
    expected = oracle(line)
    if expected is None:
        with pytest.raises(plain.BrokenRecord, match=r"\w"):
            plain.parse_record(line)
        return
    found = plain.parse_record(line)
    assert [m.key for m in found.members] != [] or expected == {}
    assert {m.key for m in found.members} == set(expected)
    for member in found.members:
        quote = member.kind in (plain.TEXT, plain.ESCAPED, plain.HALF_PAIR)
        value = json.loads(line[member.start - quote : member.stop + quote])
        last = [other for other in found.members if other.key == member.key][-1]
        assert member is not last or value == expected[member.key]


@given(RECORDS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_decoded_text_is_the_text(record: dict[str, object], ascii_only: bool) -> None:
    line = json.dumps(record, ensure_ascii=ascii_only).encode() + b"\n"
    scanned = assert_same(line, KEYS)
    for k, key in enumerate(KEYS):
        value = record.get(key)
        with kernels("compiled"):
            (decoded,) = text(scanned, k).to_pylist()
            (written,) = json_text(scanned, k).to_pylist()
            (typed,) = python_values(*make_column(scanned, k, None))
        assert decoded == (value if isinstance(value, str) else None)
        assert written is None if value is None else json.loads(written) == value
        assert repr(typed) == repr(value)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (b'{"a":' + b"[" * 511 + b"]" * 511 + b"}", plain.GOOD),
        (b'{"a":' + b"[" * 512 + b"]" * 512 + b"}", plain.BROKEN),
        (b'{"a":' + b'{"b":' * 100_000, plain.BROKEN),
        (b"[" * 100_000, plain.BROKEN),
        (b'{"a":"' + b"[" * 100_000 + b'"}', plain.GOOD),
        (b'{"a":"' + b"x" * 3_000_000 + b'"}', plain.GOOD),
        (b'{"a":"' + b"\\n" * 300_000, plain.BROKEN),
        (b'{"a":' + b"9" * 10_000 + b"}", plain.GOOD),
        (b'{"a":1,"a":2}', plain.TWICE),
        (b'{"a":1,"\\u0061":2}', plain.TWICE),
        (b'{"\\u00e9":"x"}', plain.GOOD),
        (b'{"a":1}\r', plain.GOOD),
        (b'{"a":1} x', plain.BROKEN),
        (b'{"a":"\xed\xa0\x80"}', plain.BROKEN),
        (b'{"a":NaN}', plain.BROKEN),
        (b"{'a':1}", plain.BROKEN),
        (b'{"a":1,}', plain.BROKEN),
        (b"[1]", plain.BROKEN),
    ],
)
def test_states(line: bytes, state: int) -> None:
    scanned = scan_with("plain", line + b"\n", KEYS)
    assert scanned.state.tolist() == [state]
    assert_same(b'{"a":0}\n' + line + b"\n" + b'{"a":3}\n', KEYS)


def test_halves_of_pairs() -> None:
    halves = [
        rb'"\ud83d"',
        rb'"\ude00"',
        rb'"\ud83dx"',
        rb'"\ud83d\ud83d\ude00"',
        rb'"\ude00\ud83d"',
    ]
    data = b"".join(b'{"a":%b}\n' % half for half in [*halves, rb'"\ud83d\ude00"'])
    scanned = assert_same(data, KEYS)
    assert scanned.kinds[0].tolist() == [plain.HALF_PAIR] * 5 + [plain.ESCAPED]


def test_no_more_rows_than_there_is_room_for() -> None:
    data = b'{"a":1}\n' * 5
    for kind in ("compiled", "plain"):
        with kernels(kind):
            assert len(scan(buffer_of(data), len(data), KEYS, 3).rows) == 3


@given(st.lists(CHARACTERS, max_size=8), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_escaping(documents: list[str], room: int) -> None:
    from thresher.kernels import jsonl_write

    encoded = [document.encode() for document in documents]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    data.flags.writeable = offsets.flags.writeable = False
    expected = b"".join(json.dumps(d, ensure_ascii=False).encode() for d in documents)
    for escape in (jsonl_write.escape, jsonl_write_plain.escape):
        out = np.empty(room, np.uint8)
        ends = np.zeros(len(documents) + 1, np.int64)
        done = escape(data, offsets, 0, out, ends)
        assert out[: ends[done]].tobytes() == expected[: ends[done]]
        while done < len(documents):
            out = np.concatenate([out[: ends[done]], np.empty(200 + 2 * len(out), np.uint8)])
            done = escape(data, offsets, done, out, ends)
        assert out[: ends[-1]].tobytes() == expected


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.booleans(), st.integers(0, 300), st.integers(0, 300))),
)
@settings(max_examples=150, deadline=None)
def test_gathering(data: bytes, pieces: list[tuple[bool, int, int]]) -> None:
    from thresher.kernels import jsonl_write

    first, second = np.frombuffer(data, np.uint8), np.frombuffer(data[::-1], np.uint8)
    spans = [(which, *sorted((min(a, len(data)), min(b, len(data))))) for which, a, b in pieces]
    expected = b"".join((data[::-1] if which else data)[a:b] for which, a, b in spans)
    which = np.array([s[0] for s in spans], np.bool_)
    starts, stops = (np.array([s[i] for s in spans], np.int64) for i in (1, 2))
    for gather in (jsonl_write.gather, jsonl_write_plain.gather):
        out = np.empty(len(expected), np.uint8)
        gather(first, second, which, starts, stops, out)
        assert out.tobytes() == expected


@pytest.fixture
def fenced() -> Iterator[np.ndarray]:
    """A page of memory behind which reading or writing is a segmentation fault."""
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * page)
    whole = np.frombuffer(memory, np.uint8)
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    fence = ctypes.c_void_p(whole.ctypes.data + page)
    assert mprotect(fence, ctypes.c_size_t(page), 0) == 0
    yield whole[:page]
    assert mprotect(fence, ctypes.c_size_t(page), 3) == 0


@pytest.mark.parametrize(
    "tail",
    [b'{"a":"x', b'{"a":"x\\', b'{"a":"\\ud83d\\u', b'{"a":1', b'{"a":t', b"{", b'{"a":"x"}'],
)
def test_nothing_is_read_beyond_the_buffer(fenced: np.ndarray, tail: bytes) -> None:
    from thresher.kernels import jsonl_write

    data = b'{"a":"\\n"}\n' + tail + b"\n"
    buffer = fenced[len(fenced) - len(data) - PADDING :]
    buffer[: len(data)] = np.frombuffer(data, np.uint8)
    buffer[len(data) :] = ord("x")
    with kernels("compiled"):
        scanned = scan(buffer, len(data), KEYS, 2)
        text(scanned.take(scanned.state == plain.GOOD), 0)
    close = fenced[-len(data) :]
    close[:] = np.frombuffer(data, np.uint8)
    close.flags.writeable = False
    bounds = np.array([0, len(data)], np.int64)
    bounds.flags.writeable = False
    out = np.empty(1000, np.uint8)
    assert jsonl_write.escape(close, bounds, 0, out, np.zeros(2, np.int64)) == 1
    jsonl_write.gather(
        close, close, np.zeros(1, np.bool_), np.zeros(1, np.int64), np.array([len(data)]), out
    )
    assert out[: len(data)].tobytes() == data
