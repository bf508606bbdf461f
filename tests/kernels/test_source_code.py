# SPDX-License-Identifier: Apache-2.0
"""Kernels that measure source code, against what Python says of each document."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import columns, documents, shapes
from thresher.kernels import letters, source_lines, xml_header
from thresher.kernels.arrow_text import text_chunks
from thresher.kernels.character_set import bits_of, count_members

HEADER = "<?xml version="
_marks = st.sampled_from([HEADER, "<?xml"])


def of_column(column, function):
    """What a kernel gives for the documents of all chunks."""
    return [row for chunk in text_chunks(column) for row in function(*chunk)]


@settings(max_examples=100, deadline=None)
@given(columns)
def test_lines_and_letters(texts):
    plain = [text or "" for text in texts]
    for column in shapes(texts):
        lines = {
            name: of_column(column, lambda *chunk, name=name: source_lines.signals(*chunk)[name])
            for name in ("line_feeds", "longest_line")
        }
        assert lines["line_feeds"] == [text.count("\n") for text in plain]
        assert lines["longest_line"] == [max(map(len, text.split("\n"))) for text in plain]
        found = of_column(column, lambda *chunk: letters.signals(*chunk)["letters"])
        assert found == [sum(map(str.isalpha, text)) for text in plain]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.builds("{}{}{}".format, documents, st.sampled_from([HEADER, "<?xml"]), documents))
)
def test_headers(texts):
    for n in (0, 13, 14, 15, 20, 100):
        for column in shapes(texts):
            signal = f"xml_headers:{n}"
            found = of_column(column, lambda *c, s=signal: xml_header.signals(*c, s)[s])
            assert found == [HEADER in text[:n] for text in texts]


@settings(max_examples=100, deadline=None)
@given(columns, st.text(st.characters(codec="utf-8")))
def test_members_of_a_set(texts, characters):
    members = set(characters + "a. \u3000")
    bits = bits_of("".join(members))
    stripped = [(text or "").strip() for text in texts]
    expected = [[sum(c in members for c in text), len(text)] for text in stripped]
    for column in shapes(texts):
        found = of_column(column, lambda *chunk: count_members(*chunk, bits).tolist())
        assert found == expected
