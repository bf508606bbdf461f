# SPDX-License-Identifier: Apache-2.0
"""The kernels of Gopher's and FineWeb's rules count what their plain definitions count."""

from collections.abc import Callable
from functools import partial
from types import ModuleType

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import documents
from thresher.kernels import (
    fineweb_lines,
    fineweb_plain,
    gopher_lines,
    gopher_ngrams,
    gopher_plain,
    gopher_repeats,
    gopher_stop_words,
    gopher_words,
)
from thresher.kernels.arrow_text import text_chunks

WANTED = frozenset(("of", "the", "é", "to\u200b", "a-word-longer-than-sixteen-bytes"))
SIZES = ((1, 2, 3, 4), (1, 5, 6, 10))

CASES: list[tuple[ModuleType, Callable[[str], dict[str, int]], tuple[object, ...]]] = [
    (gopher_words, gopher_plain.words, ()),
    (gopher_lines, gopher_plain.lines, ()),
    (gopher_repeats, gopher_plain.repeats, ()),
    (gopher_stop_words, partial(gopher_plain.stop_words, wanted=WANTED), (WANTED,)),
    (gopher_ngrams, partial(gopher_plain.ngrams, top=SIZES[0], repeated=SIZES[1]), SIZES),
    (gopher_ngrams, partial(gopher_plain.ngrams, top=(), repeated=(5,)), ((), (5,))),
    (fineweb_lines, partial(fineweb_plain.lines, ends=".é。𝪈", short=3), (".é。𝪈", 3)),
]
ALL = pytest.mark.parametrize(("kernel", "plain", "arguments"), CASES)

LINES = ["\n", "\n\n", "\n\n\n", "\r\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", " ", "\u3000"]
INK = [
    "-", "•", "...", "…", "..", ".", "#", "a", "ab", "é", "Ж", "語", "1", "٣", "½", "𝟙", "𐒀", "!",
    "—", "１", "a\x00", "b", "of", "the", "to\u200b", "\U0010fffd", "𝪈", "x" * 61,
]  # fmt: skip
lines = st.lists(st.sampled_from(LINES + INK * 2), max_size=60).map("".join)
repeats = st.lists(
    st.sampled_from(["a ", "b ", "ab ", "é ", "c\n", "c\n\n", "d e f g "]), max_size=80
)
texts = st.lists(st.one_of(documents, lines, repeats.map("".join)), min_size=1, max_size=8)


def counted(
    kernel: ModuleType, texts: list[str], arguments: tuple[object, ...]
) -> list[dict[str, int]]:
    padded = pa.array(["behind, ünd ", *texts, " before"], pa.large_string())[1:-1]
    (chunk,) = text_chunks(padded)
    found = kernel.signals(*chunk, *arguments)
    return [{name: int(values[i]) for name, values in found.items()} for i in range(len(texts))]


@ALL
@settings(max_examples=60, deadline=None)
@given(texts=texts)
def test_kernels_count_what_their_definitions_count(kernel, plain, arguments, texts):
    assert counted(kernel, texts, arguments) == [plain(text) for text in texts]


@ALL
def test_at_the_ends_of_buffers(kernel, plain, arguments):
    # Every length up to two blocks, alone in a buffer of just that size.
    for length in range(140):
        text = ("é a.\n• #b ... of the\n\n- c…\r\n a a a a a a a a a a a\n" * 8)[:length]
        (chunk,) = text_chunks(pa.array([text]))
        found = {name: int(v[0]) for name, v in kernel.signals(*chunk, *arguments).items()}
        assert found == plain(text)


@ALL
def test_a_huge_line_and_a_word_over_many_blocks(kernel, plain, arguments):
    for text in ("é" * 50_000, "to be or not " * 5_000, "=" * 1_000 + " a", "- " * 9_000 + "…"):
        assert counted(kernel, [text], arguments) == [plain(text)]


@ALL
def test_no_documents(kernel, plain, arguments):
    (chunk,) = text_chunks(pa.array([], pa.string()))
    assert all(len(values) == 0 for values in kernel.signals(*chunk, *arguments).values())


def test_the_top_sequence_is_the_first_one_where_none_repeats():
    assert counted(gopher_ngrams, ["one three five"], ((2,), ())) == [{"top_characters:2": 9}]


def test_words_are_told_apart_also_by_their_length():
    # "a\0" and "b" have one hash; they are not the same word.
    assert counted(gopher_ngrams, ["a\x00 b x a\x00 b"], ((1, 2), ())) == [
        {"top_characters:1": 4, "top_characters:2": 8}
    ]


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from(["a", "b", "c", "éé"]), max_size=40), n=st.integers(1, 6))
def test_repeated_sequences_are_those_of_a_search_word_by_word(words, n):
    seen, place, expected = set(), 0, 0
    while place + n <= len(words):
        sequence = tuple(words[place : place + n])
        step = n if sequence in seen else 1
        expected += (sequence in seen) * sum(map(len, sequence))
        seen.add(sequence)
        place += step
    repeated = sorted({1, 3, n})
    counts = gopher_plain.ngrams(" ".join(words), top=(), repeated=repeated)
    assert counts[f"repeated_characters:{n}"] == expected
