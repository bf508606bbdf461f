# SPDX-License-Identifier: Apache-2.0
"""The plain modifiers, by example."""

import pytest

from thresher.stages.text.modifiers import NewlineNormalizer, QuotationRemover, UrlRemover


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
