# SPDX-License-Identifier: Apache-2.0
"""Words of languages that do not divide them by white space."""

import sys

import pyarrow as pa
import pytest

from thresher.errors import PlanError
from thresher.stages.text.filters import (
    LongWordFilter,
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
    WordCountFilter,
    WordsWithoutAlphabetsFilter,
    word_filter,
)


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


def test_chinese():
    rule = WordCountFilter(lang="zh")
    assert rule.words(" 我来到北京清华大学 ") == ["我", "来到", "北京", "清华大学"]
    assert rule.score_column(pa.array(["我来到北京清华大学", None, ""])) == [4, 0, 0]
    assert LongWordFilter(lang="zh").score_document("我来到北京清华大学") == 4
    assert WordsWithoutAlphabetsFilter(lang="zh").score_document("我来到北京。") == 0.75
    repeated = "北京大学北京大学"  # two words of four characters
    assert RepeatingDuplicateNGramsFilter(n=1, lang="zh").score_document(repeated) == 0.5
    # Sequences are looked for joined by blanks, which Chinese text does not have.
    assert RepeatingTopNGramsFilter(n=2, lang="zh").score_document("我来到北京我来到北京") == 0.0


def test_japanese():
    rule = WordCountFilter(lang="ja")
    words = ["すもも", "も", "もも", "も", "もも", "の", "うち"]
    assert rule.words("すもももももももものうち\n") == words
    assert rule.score_column(pa.array(["すもももももももものうち", None, " \n"])) == [7, 0, 0]
    assert rule.words("犬 と\n猫") == ["犬", "と", "猫"]
    assert rule.words("犬\u3000猫") == ["犬", "\u3000", "猫"]  # MeCab has blanks part words only
    assert RepeatingTopNGramsFilter(n=1, lang="ja").score_document("犬と猫と犬と") == 0.5
    assert RepeatingDuplicateNGramsFilter(n=2, lang="ja").score_document("犬と猫犬と") == 0.6


def test_all_others_go_by_white_space():
    assert WordCountFilter(lang="de").requires == ()
    assert WordCountFilter(lang="de").score_document("zwei Wörter") == 2
