# SPDX-License-Identifier: Apache-2.0
"""Places where personal data may begin: the kernel finds those of the regular expressions."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import shapes
from thresher.kernels import pii_places, pii_places_plain
from thresher.kernels.arrow_text import text_chunks
from thresher.kernels.pii_places_plain import Kind, places_of

ALL = frozenset(Kind)
PIECES = [
    "a@b", "@", "é", "ɿ", "ʀ", "x" * 63, "x" * 64, "..", "+", "'", "%", "_", "Ã", "1", "12", "123",
    "4567", "1234567", " ", "  ", "   ", "    ", ".", "-", "/", "(", ")", "\u00a0", "\u2011",
    "\u2014", "\u202f", "1.2.3.4", "1.", ":", "::", "ab:", "fe80", "12345:", "aa-bb-cc-dd", "aa-",
    "DE89", "GB2", "A1", "AB12 3C4D", "AKIA", "ghp_", "gho", "xoxb-", "AIza", "eyJ", "sk-", "sk_",
    "hf_", "SG.", "npm_", "----", "-----", "BEGIN ", "-----BEGIN ", "=", '="', "= ", "=>", "`'",
    "a1b2c3d4e5f6g7h8", "abcdefghijklmnop", "+/", "~", "1A1zP1eP5QGefi2DMPTfTL5SL", "bc1q", "0x",
    "0123456789abcdef01234567", "bc1", "\n", "\t", "漢字", "😀",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.text(st.sampled_from("0123456789 .-:@=aAfFgG_é\u00a0"), max_size=150),
    st.text(st.characters(codec="utf-8"), max_size=80),
)


def by_document(found, n):
    each = [[] for _ in range(n)]
    for document, character, kind in zip(*(part.tolist() for part in found), strict=True):
        each[document].append((character, kind))
    return each


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.none(), texts), max_size=8), st.sets(st.sampled_from(Kind), min_size=1)
)
def test_the_kernel_finds_the_places_of_the_plain_definition(column, kinds):
    expected = [[] if text is None else places_of(text, frozenset(kinds)) for text in column]
    for shape in shapes(column):
        chunks = shape.chunks if isinstance(shape, pa.ChunkedArray) else [shape]
        fast, plain = [], []
        for chunk in chunks:
            [text] = text_chunks(chunk)
            fast += by_document(pii_places.places(*text, frozenset(kinds)), len(chunk))
            plain += by_document(
                pii_places_plain.places(chunk.cast(pa.large_string()), frozenset(kinds)), len(chunk)
            )
        assert fast == expected
        assert plain == expected


def test_places_at_the_ends_of_buffers():
    text = "a@b 1.2.3.4 a::b aa-bb-cc-dd DE89 1234 -----BEGIN k=abcdefgh12345678 0x" + "a" * 40
    for begin in range(len(text)):
        for piece in (text[begin:], text[:begin]):
            [chunk] = text_chunks(pa.array([piece]))
            found = by_document(pii_places.places(*chunk, ALL), 1)
            assert found == [places_of(piece)]


@pytest.mark.parametrize(
    "text",
    [
        "12345:6:7", "1234:6:7", "1:12345:", "1:1234:", "x1:2:", ":1:2:", "é1:2:", "a:b",
        "1   2   3   4   5   6   7", "1   2   3   4   5   6    7", "1\u2011\u202f\u00a02" + "34567",
        "1234567", "123456", "a1234567", "_1234567", "1.2.3.4", "1.2.3.", "1.2.3.4.5.6",
        "1234.1.1.1",
        "aa-bb-cc-dd", "-aa-bb-cc-dd", "aa-bb-cc-d", "DE89 1234", "DE89  1234", "DE89-1234",
        "dDE891234",
        "k=     abcdefgh12345678", "k=      abcdefgh12345678",
        "k=" + "a" * 31 + "1", "k=" + "a" * 32 + "1",
        "k=abcdefgh1234567", "k=-bcdefgh12345678", "------BEGIN ", "----BEGIN ", "-----BEGIN",
        "ghp_0123456789abcde", "gho0123456789abcdef", "ghp_0123456789abcd e",
        "xghp_0123456789abcdefgh",
        "1" + "a" * 24, "1" + "a" * 23, "0x" + "a" * 24, "bc1" + "a" * 23, "bc1" + "a" * 24,
    ],
)  # fmt: skip
def test_where_a_place_ends_to_be_one(text):
    [chunk] = text_chunks(pa.array([text]))
    assert by_document(pii_places.places(*chunk, ALL), 1) == [places_of(text)]


def test_more_places_than_there_is_room_for():
    [chunk] = text_chunks(pa.array(["a@b " * 5000]))
    assert len(pii_places.places(*chunk, ALL).kinds) == 5000


def test_one_huge_line_takes_no_more_time_than_its_length():
    # Without bounds these would take the square of their length.
    for piece in ("a" * 200_000, "1 " * 100_000, "a:" * 100_000, "eyJ" * 70_000, "-" * 200_000):
        [chunk] = text_chunks(pa.array([piece]))
        assert by_document(pii_places.places(*chunk, ALL), 1) == [places_of(piece)]
