# SPDX-License-Identifier: Apache-2.0
"""The kernel that cleans documents by C4's rules does what its plain definition does."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import documents
from thresher.kernels import c4_lines, c4_plain
from thresher.kernels.arrow_text import text_chunks
from thresher.kernels.c4_marks import SWITCHES

DEFAULT = dict(zip(SWITCHES, (1000, 1, 1, 3, 1, 1, 1, 1), strict=True))
OFF = dict.fromkeys(SWITCHES, 0)

PIECES = [
    ".", "!", "?", '"', "'", ")", "]", "[", "[1]", "[]", "[edit]", "[citation needed]", "[[2]]",
    "[٣]", "[Edit]", "[1", "...", "\n", "\r\n", "\u2028", "\x85", " ", " ", "\u3000", "one", "two",
    "javascript", "JavaScript", "java[1]script", "lorem ipsum", "Lorem Ipsum", "lorem  ipsum", "{",
    "terms of use", "Privacy POLICY", "coo\u212aie policy", "\u212a", "use cookies", "uses cookies",
    "use of cookies", "prİvacy policy", "privacy polic", "é", "wordword", "Ж. Ж.",
]  # fmt: skip
pieces = st.lists(st.sampled_from(PIECES), max_size=50).map("".join)
sentences = st.lists(
    st.sampled_from(["It is so. ", 'He said "no." ', "A b c.\n", "(Yes!) "]), max_size=12
)
texts = st.lists(st.one_of(documents, pieces, sentences.map("".join)), min_size=1, max_size=8)
settings_of = st.one_of(
    st.just(DEFAULT),
    st.just(OFF),
    st.fixed_dictionaries(
        {name: st.integers(0, 1) for name in SWITCHES}
        | {"max_word_length": st.integers(0, 6), "min_words_per_line": st.integers(0, 3)}
    ),
)


def cleaned(texts: list[str], chosen: dict[str, int]) -> list[tuple[str, dict[str, int]]]:
    padded = pa.array(["behind [1] ", *texts, " before."], pa.large_string())[1:-1]
    (chunk,) = text_chunks(padded)
    data, ends, counts = c4_lines.clean(*chunk, chosen)
    found = [bytes(data[ends[i] : ends[i + 1]]).decode() for i in range(len(texts))]
    return [(text, {k: int(v[i]) for k, v in counts.items()}) for i, text in enumerate(found)]


@settings(max_examples=100, deadline=None)
@given(texts=texts, chosen=settings_of)
def test_documents_are_cleaned_as_defined(texts, chosen):
    assert cleaned(texts, chosen) == [c4_plain.clean(text, chosen) for text in texts]


@pytest.mark.parametrize("chosen", [DEFAULT, OFF])
def test_at_the_ends_of_buffers(chosen):
    for length in range(140):
        text = ('One two "three." Four[1] five.\nuse cookies now.\r\n[edit] so it is)\n' * 4)[
            :length
        ]
        (chunk,) = text_chunks(pa.array([text]))
        data, _, _ = c4_lines.clean(*chunk, chosen)
        assert bytes(data).decode() == c4_plain.clean(text, chosen)[0]


def test_a_huge_line():
    for text in ("one two. " * 20_000, "x" * 2_000 + " b c.", "a b " + "[1]" * 5_000 + "c."):
        assert cleaned([text], DEFAULT) == [c4_plain.clean(text, DEFAULT)]


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("", 0),
        ("One two three.", 1),
        ("One. Two! Three?", 3),
        ('He said "no." (Yes!)', 2),
        ("No end here", 1),
        ("1.5 of them.", 1),
        ('All of it: ". . ."', 3),
    ],
)
def test_sentences(line, sentences):
    assert c4_plain.count_sentences(line) == sentences


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Not too long.  \n\nNo mark\nAnd here it is!", "Not too long.\nAnd here it is!"),
        ("Cut short here...\nCut short here…", ""),
        ("Two words.\nNow three words.", "Now three words."),
        ("As is known.[12] So it is.[citation needed]", "As is known. So it is."),
        ("[1] At the beginning.\n[1] Not there.", "At the beginning.\n Not there."),
        ("Please enable JavaScript now.\nThis one stays.", "This one stays."),
        ("See our Terms of Use.\nThis one stays.", "This one stays."),
        ("a b " + "c" * 1001 + ".\nThis one stays.", "This one stays."),
        ("Fine so far.\nif (x) { return it.", ""),
        ("Fine so far.\nif (x) { return", "Fine so far."),
    ],
)
def test_lines_that_are_kept(text, kept):
    assert c4_plain.clean(text, DEFAULT)[0] == kept
    assert cleaned([text], DEFAULT)[0][0] == kept
