# SPDX-License-Identifier: Apache-2.0
"""The plain modifiers, by example."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.stages.text.modifiers import (
    BoilerPlateStringModifier,
    FastTextLabelModifier,
    LineRemover,
    MarkdownRemover,
    NewlineNormalizer,
    QuotationRemover,
    Slicer,
    UrlRemover,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb", "a\nb"),
        ("a\n\nb", "a\n\nb"),
        ("a\n\n\nb\n\n\n\n\n", "a\n\nb\n\n"),
        ("a\r\n\r\n\r\nb", "a\r\n\r\nb"),
        ("a\r\n\r\nb\n\r\n", "a\r\n\r\nb\n\r\n"),
        ("\n \n\n", "\n \n\n"),
    ],
)
def test_newlines(before, after):
    assert NewlineNormalizer().modify_document(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"abc"', "abc"),
        ('""', '""'),
        ('"a"', "a"),
        (' "abc"', ' "abc"'),
        ('"abc', '"abc'),
        ('"one"\n"two"', '"one"\n"two"'),
        ('"one\ntwo"', "one\ntwo"),
        ('"', '"'),
    ],
)
def test_quotation_marks(before, after):
    assert QuotationRemover().modify_document(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see http://a.b/c?d, e", "see  e"),
        ("HTTPS://A.B\nwww.é.fr/x\u3000y", "\n\u3000y"),
        ("http:// www. x", "http:// www. x"),
        ("awww.b c", "a c"),
        ("ftp://a", "ftp://a"),
    ],
)
def test_urls(before, after):
    assert UrlRemover().modify_document(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("**a**", "a"),
        ("****", ""),
        ("**", ""),
        ("***a***", "a"),
        ("**a*b**c*", "abc"),
        ("__a__ _b", "a _b"),
        ("_a\nb_", "_a\nb_"),
        ("*a\rb\u2028c*", "a\rb\u2028c"),
        ("[t](u) [](v) [w]()", "u v "),
        ("[a](b)(c)", "b(c)"),
        ("[[a](b)](c)", "b](c)"),
        ("[a](b[c](d", "[a](b[c](d"),
        ("[a]\n(b) [c](d\n)", "[a]\n(b) [c](d\n)"),
        ("_[a_b](c_d)_", "cd"),
    ],
)
def test_markdown(before, after):
    assert MarkdownRemover().modify_document(before) == after


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["[", "](", ")", "]", "(", "x", "\n"]), max_size=30).map("".join))
def test_links_are_those_of_the_regular_expression(text):
    plain = re.sub(r"\[(.*?)\]\((.*?)\)", r"\2", text)
    assert MarkdownRemover().modify_document(text) == plain


@pytest.mark.parametrize("piece", ["[", "[a](b", "*", "_a", "**", '"', "\r\n", "www.", "lorem "])
def test_a_line_of_megabytes_takes_no_square_of_time(piece):
    text = piece * (500_000 // len(piece))
    column = pa.chunked_array([[text]])
    plain = [MarkdownRemover(), NewlineNormalizer(), QuotationRemover(), UrlRemover()]
    for modifier in (*plain, BoilerPlateStringModifier(), LineRemover(["a"]), Slicer(piece, "x")):
        assert modifier.modify_column(column).to_pylist() == [modifier.modify_document(text)]


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ({}, ["abcdeabcde", "ab cd", ""]),
        ({"left": 1}, ["bcdeabcde", "ab cd", ""]),
        ({"left": -3, "strip": False}, ["cde", "d  ", ""]),
        ({"left": 3, "right": 1}, ["", "", ""]),
        ({"right": -1}, ["abcdeabcd", "ab cd", ""]),
        ({"left": "b", "right": "d"}, ["bcdeabcd", "b cd", ""]),
        ({"left": "b", "right": "d", "include_left": False}, ["cdeabcd", "cd", ""]),
        ({"left": "b", "right": "d", "include_right": False}, ["bcdeabc", "b c", ""]),
        ({"left": "d", "right": "b"}, ["deab", "", ""]),
        ({"left": "z"}, ["", "", ""]),
        ({"right": "z"}, ["", "", ""]),
        ({"left": "c", "right": 2}, ["", "", ""]),
        ({"left": None, "right": ""}, ["abcdeabcde", "ab cd", ""]),
    ],
)
def test_slices(options, after):
    texts = ["abcdeabcde", "  ab cd  ", ""]
    assert [Slicer(**options).modify_document(text) for text in texts] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc", "b\nc"),
        ("a", ""),
        ("x\n\ny\n", "x\ny"),
        (" a\na\r\nx", " a\na\r\nx"),
        ("b \nx\x0ba", "x\x0ba"),
    ],
)
def test_lines(before, after):
    assert LineRemover(["a", "", "b "]).modify_document(before) == after


POLICY = "We use cookies."


@pytest.mark.parametrize(
    ("before", "trimmed", "emptied"),
    [
        ("a\n\nb", "a\n\nb", "a\n\nb"),
        ("a\n\nLorem Ipsum\n\nb", "", ""),
        (POLICY, POLICY, ""),
        (f"{POLICY}\n\nb", "b", ""),
        (f"a\n\n{POLICY}\n\n{POLICY.upper()}", "a", ""),
        (f"a\n\n{POLICY}\n\nb", f"a\n\n{POLICY}\n\nb", ""),
        (f"{POLICY}\n\na\n\n{POLICY}", f"{POLICY}\n\na\n\n{POLICY}", ""),
        (f"{POLICY}\n\n", "", ""),
        (f"a\n\n\n\nx {POLICY}", "a\n\n", ""),
        ("COO\u212aIE POLICY\n\na", "a", ""),
        ("terms of u\u017fe\n\na", "terms of u\u017fe\n\na", "terms of u\u017fe\n\na"),
    ],
)
def test_boilerplate(before, trimmed, emptied):
    assert BoilerPlateStringModifier().modify_document(before) == trimmed
    assert BoilerPlateStringModifier(False).modify_document(before) == emptied
    assert BoilerPlateStringModifier().name == "boilerplate_string_ratio"


def test_labels():
    modifier = FastTextLabelModifier("__label__cc")
    for before, after in [
        ("a\nb\r\nc", "a b\r c"),
        ("__label____label__x", "  x"),
        ("", ""),
    ]:
        assert modifier.modify_document(before) == f"__label__cc {after}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: LineRemover("abc"),
        lambda: LineRemover(["a", 1]),
        lambda: Slicer(1.5),
        lambda: Slicer(right=[1]),
        lambda: FastTextLabelModifier(None),
    ],
)
def test_arguments_of_a_wrong_type(make):
    with pytest.raises(TypeError) as caught:
        make()
    assert caught.value.todo
