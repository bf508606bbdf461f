# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's cascades."""

from thresher.stages.text.presets import (
    NemoCodeCascade,
    NemoEnglishCascade,
    NemoNonEnglishCascade,
)


def names(cascade):
    return [stage.name for stage in cascade.expand()]


def test_their_filters_and_order():
    english = names(NemoEnglishCascade())
    assert len(english) == 28
    assert english[0] == "alpha_numeric"
    assert english[-1] == "bullet_ratio"
    missing = {"alpha_numeric", "words_without_alphabets", "common_english_words"}
    assert names(NemoNonEnglishCascade()) == [name for name in english if name not in missing]
    assert names(NemoCodeCascade()) == ["python_comment_ratio", "num_lines"]


def test_bounds_and_columns_are_passed_on():
    stages = NemoNonEnglishCascade("body", max_num_sentences_without_endmark_ratio=1).expand()
    assert {stage.inputs()[1][0] for stage in stages} == {"body"}
    (rule,) = (s.filters[0] for s in stages if s.name == "punctuation")
    assert rule.max_num_sentences_without_endmark_ratio == 1
