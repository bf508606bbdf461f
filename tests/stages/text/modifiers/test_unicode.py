# SPDX-License-Identifier: Apache-2.0
"""UnicodeReformatter does what ftfy does, and asks it only where it must."""

import inspect
import re
import sys

import ftfy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError
from thresher.stages.text.modifiers import UnicodeReformatter
from thresher.stages.text.modifiers.mendable import linear

SWITCHES = sorted(
    name for name, value in ftfy.TextFixerConfig()._asdict().items() if value in (True, False)
)

options = st.fixed_dictionaries(
    {
        "unescape_html": st.sampled_from(["auto", True, False]),
        "normalization": st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]),
        "max_decode_length": st.sampled_from([1_000_000, 1_000_000, 5]),
        **{name: st.booleans() for name in SWITCHES},
    }
)


def misread(encoding):
    """Text that was written as UTF-8 and read as something else."""
    return lambda text: text.encode().decode(encoding, "replace")


MARKS = [
    "&amp;", "&lt;b&gt;", "&#x41;", "&eacute", "&", "<", "\n", "\n", "\r\n", "\x1b[31m", "\x07",
    "\ufeff", "\u2028", "\x85", "e\u0301", "Ã ", "Â ", "à², ", "œ ", "ГўВЂВ™a", "\x9d", "a b",
]  # fmt: skip

characters = st.characters(codec="utf-8")
words = st.one_of(
    st.text(characters, max_size=8),
    st.text("aÉé“”—ﬁＡ한字ЖΩ€ \xa0…", max_size=8),
    st.sampled_from(MARKS),
)
encodings = ["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "mac_roman", "cp437", "iso8859-2"]
misread_words = st.sampled_from(encodings).flatmap(lambda name: words.map(misread(name)))
texts = st.lists(words | misread_words, max_size=12).map("".join)


def test_options_are_those_of_ftfy():
    ours = set(inspect.signature(UnicodeReformatter).parameters) - {"config"}
    assert ours == set(ftfy.TextFixerConfig._fields)
    assert UnicodeReformatter().options["fix_latin_ligatures"] is False
    assert UnicodeReformatter().options["normalization"] is None


@settings(max_examples=300, deadline=None)
@given(column=st.lists(st.none() | texts, max_size=5), options=options)
def test_whatever_the_options_the_column_is_what_ftfy_makes_of_it(column, options):
    modifier = UnicodeReformatter(**options)
    config = ftfy.TextFixerConfig(**options)
    expected = [None if text is None else ftfy.fix_text(text, config) for text in column]
    changed = modifier.modify_column(pa.chunked_array([pa.array(column, pa.large_string())]))
    assert changed.to_pylist() == expected


@pytest.mark.parametrize("step", sorted(set(SWITCHES) - {"explain", "fix_surrogates"}))
def test_every_character_that_a_step_changes_is_known(step):
    chosen = {**dict.fromkeys(SWITCHES, False), "unescape_html": False, "explain": True, step: True}
    config = ftfy.TextFixerConfig(**chosen)
    some = [*range(0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x20000, 37)]
    lines = [f"A{chr(code)} {chr(code)}b" for code in some if code != 0x0A]
    expected = [ftfy.fix_text(line, config) for line in lines]
    assert (
        UnicodeReformatter(config).modify_column(pa.chunked_array([lines])).to_pylist() == expected
    )


@pytest.mark.parametrize("text", ["<b>\n&lt;\né\n", "&lt;\n<b>\n&lt;\n", "&lt;\n" * 3])
def test_entities_stay_from_the_first_line_with_a_tag_on(text):
    modifier = UnicodeReformatter()
    [mended] = modifier.modify_column(pa.chunked_array([[text]])).to_pylist()
    assert mended == modifier.modify_document(text)
    assert mended.count("&lt;") == {0: 1, 5: 1}.get(text.find("<"), 0)


def test_lines_that_stay_are_not_given_to_ftfy(monkeypatch):
    asked = []
    honest = ftfy.fix_text
    monkeypatch.setattr(ftfy, "fix_text", lambda text, config: asked.append(text) or text)
    plain = "plain <b>text</b>\n\t'x' & AT&T\na\r\nprêt — “à” porter\n日本語、，。\nрусский\n"
    column = pa.chunked_array([[plain, f"{plain}Ã©\n{plain}", "\x1b[0m", None, "&amp;"]])
    assert UnicodeReformatter().modify_column(column) is column
    assert asked == ["Ã©\n", "\x1b[0m", "&amp;"]
    assert honest("Ã©\n") == "é\n"


def test_patterns_are_translated_or_taken_to_find_everything():
    found = linear(ftfy.badness.BADNESS_RE)
    assert len(found) > 1000
    for pattern in (r"a(?=b)", r"[\w]x", r"\bx"):
        assert linear(re.compile(pattern, re.VERBOSE)) == "[\\x{80}-\\x{10ffff}]"
    pattern = re.compile("""
        a [bc] [#]  # a comment
        | \\s [ ] \\w  | ^x""", re.VERBOSE)  # fmt: skip
    assert linear(pattern) == "(?m)a[bc][#]|(?s:.)[ ](?s:.)|^x"


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
