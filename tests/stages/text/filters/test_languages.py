# SPDX-License-Identifier: Apache-2.0
"""Words of languages that do not divide them by white space."""

import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

from thresher.errors import PlanError
from thresher.stages.text.filters import WordCountFilter, word_filter


@pytest.fixture(autouse=True)
def _forget_libraries():
    word_filter._chinese.cache_clear()
    word_filter._japanese.cache_clear()
    yield
    word_filter._chinese.cache_clear()
    word_filter._japanese.cache_clear()


@pytest.mark.parametrize(("lang", "module"), [("zh", "jieba"), ("ja", "MeCab")])
def test_a_library_that_is_missing(monkeypatch, lang, module):
    monkeypatch.setitem(sys.modules, module, None)
    rule = WordCountFilter(lang=lang)
    assert rule.requires == ((module, "cjk"),)
    with pytest.raises(PlanError) as caught:
        rule.score_document("字")
    assert "pip install" in caught.value.todo


def test_chinese(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", SimpleNamespace(cut=lambda text: iter(text)))
    assert WordCountFilter(lang="zh").score_document(" 天地人 ") == 3


def test_japanese(monkeypatch):
    tagger = SimpleNamespace(parse=lambda text: " ".join(text) + " \n")
    monkeypatch.setitem(sys.modules, "MeCab", SimpleNamespace(Tagger=lambda options: tagger))
    assert WordCountFilter(lang="ja").score_column(pa.array(["あい"])) == [2]


def test_all_others_go_by_white_space():
    assert WordCountFilter(lang="de").requires == ()
    assert WordCountFilter(lang="de").score_document("zwei Wörter") == 2
