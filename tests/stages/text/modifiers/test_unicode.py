# SPDX-License-Identifier: Apache-2.0
"""UnicodeReformatter does what ftfy does, and asks it only where it must."""

import inspect
import sys

import ftfy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError
from thresher.stages.text.modifiers import UnicodeReformatter

EVERYTHING = {
    "unescape_html": True,
    "fix_latin_ligatures": True,
    "fix_character_width": True,
    "uncurl_quotes": True,
    "fix_line_breaks": True,
    "normalization": "NFKC",
}


def test_options_are_those_of_ftfy():
    ours = set(inspect.signature(UnicodeReformatter).parameters) - {"config"}
    assert ours == set(ftfy.TextFixerConfig._fields)
    assert UnicodeReformatter().options["fix_latin_ligatures"] is False
    assert UnicodeReformatter().options["normalization"] is None


@settings(max_examples=500, deadline=None)
@given(text=st.text(st.characters(max_codepoint=127), max_size=60))
@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["default", "everything"])
def test_ascii_that_is_skipped_would_not_change(options, text):
    column = pa.chunked_array([[text]])
    expected = ftfy.fix_text(text, UnicodeReformatter(**options)._ftfy[1])
    assert UnicodeReformatter(**options).modify_column(column).to_pylist() == [expected]


def test_plain_documents_are_not_given_to_ftfy(monkeypatch):
    asked = []
    modifier = UnicodeReformatter()
    monkeypatch.setattr(
        UnicodeReformatter, "modify_document", lambda self, text: asked.append(text) or text
    )
    column = pa.chunked_array([["plain <b>text</b>\n\t'x'", "&amp;", "é", "a\r", None, "\x1b[0m"]])
    assert modifier.modify_column(column) is column
    assert asked == ["&amp;", "é", "a\r", "\x1b[0m"]


def test_config_wins():
    config = ftfy.TextFixerConfig(uncurl_quotes=True, normalization="NFC")
    assert UnicodeReformatter(config, uncurl_quotes=False).modify_document("“a”") == '"a"'
    assert UnicodeReformatter().modify_document("“a” ﬁ") == "“a” ﬁ"


def test_ftfy_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(PlanError) as caught:
        UnicodeReformatter().modify_document("é")
    assert "pip install 'thresher[text]'" in caught.value.todo
    assert UnicodeReformatter.requires == (("ftfy", "text"),)
