# SPDX-License-Identifier: Apache-2.0
"""The filters against the formulas of the contract, written down here a second time."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings

from tests.kernels.documents import documents
from thresher.stages.text.filters import (
    BulletsFilter,
    EllipsisFilter,
    MeanWordLengthFilter,
    NonAlphaNumericFilter,
    PunctuationFilter,
    RepeatedLinesFilter,
    RepeatingTopNGramsFilter,
    SymbolsToWordsFilter,
    UrlsFilter,
    WordCountFilter,
)

ELLIPSIS_MARKS = {"...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more"}
BULLET_MARKS = "•‣⁃⁌⁍∙○●◘◦⦾⦿"
PLAIN = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\n?!,.")


def non_blank_lines(text):
    return [line for line in text.split("\n") if line.strip() != ""]


def words(text):
    return len(text.strip().split())


def mean_word_length(text):
    lengths = [len(word) for word in text.split()]
    return sum(lengths) / len(lengths) if lengths else 0.0


def alpha_numeric(text):
    return sum(c not in PLAIN for c in text) / len(text) if text else 1.0


def symbols(text):
    found = [
        w
        for w in text.split()
        if w in ELLIPSIS_MARKS or len([p for p in re.split("[^#]+", w) if p]) / len(w) > 0.5
    ]
    return len(found) / words(text) if words(text) else 1.0


def urls(text):
    pattern = r"https?://(?:[a-zA-Z]|[0-9]|[$\-_@.&+/:=?#~!*(),]|(?:%[0-9a-fA-F][0-9a-fA-F]))+"
    return sum(map(len, re.findall(pattern, text))) / len(text) if text else 1.0


def line_share(text, holds):
    lines = non_blank_lines(text)
    return sum(map(holds, lines)) / len(lines) if lines else 1.0


def bullets(text):
    return line_share(text, lambda line: line.strip()[0] in BULLET_MARKS)


def punctuation(text):
    return line_share(text, lambda line: line.strip()[-1] not in ".?!\"'")


def ellipsis_share(text):
    def cut(line):
        return any(line.strip().lower().endswith(mark) for mark in ELLIPSIS_MARKS)

    return line_share(text, cut)


def repeated_lines(text):
    lines = non_blank_lines(text)
    return len(dict.fromkeys(lines)) / len(lines) if lines else 0.0


def top_ngram(n):
    def score(text):
        found = text.strip().split()
        if len(found) < n:
            return 1.0
        grams = [" ".join(found[i : i + n]) for i in range(len(found) - n + 1)]
        top = Counter(grams).most_common(1)[0][0]
        return (len(text) - len("".join(text.split(top)))) / len(text)

    return score


FORMULAS = [
    (WordCountFilter(), words),
    (MeanWordLengthFilter(), mean_word_length),
    (NonAlphaNumericFilter(), alpha_numeric),
    (SymbolsToWordsFilter(), symbols),
    (UrlsFilter(), urls),
    (BulletsFilter(), bullets),
    (PunctuationFilter(), punctuation),
    (EllipsisFilter(), ellipsis_share),
    (RepeatedLinesFilter(), repeated_lines),
    (RepeatingTopNGramsFilter(), top_ngram(2)),
    (RepeatingTopNGramsFilter(n=1), top_ngram(1)),
    (RepeatingTopNGramsFilter(n=4), top_ngram(4)),
]


@pytest.mark.parametrize(("rule", "formula"), FORMULAS, ids=lambda case: getattr(case, "name", ""))
@settings(max_examples=150, deadline=None)
@given(text=documents)
def test_agreement_with_the_contract(rule, formula, text):
    assert rule.score_document(text) == formula(text)


@pytest.mark.parametrize(
    ("rule", "name", "kept", "dropped"),
    [
        (WordCountFilter(), "word_count", [50, 100_000], [49, 100_001]),
        (MeanWordLengthFilter(), "mean_word_length", [3.0, 10.0], [2.99, 10.01]),
        (NonAlphaNumericFilter(), "alpha_numeric", [0.0, 0.25], [0.251, 1.0]),
        (SymbolsToWordsFilter(), "symbol_to_word", [0.0, 0.1], [0.11]),
        (UrlsFilter(), "urls_ratio", [0.2], [0.21]),
        (BulletsFilter(), "bullet_ratio", [0.9], [0.91]),
        (PunctuationFilter(), "punctuation", [0.85], [0.86]),
        (EllipsisFilter(), "ellipsis", [0.3], [0.31]),
        (RepeatedLinesFilter(), "repeated_lines", [0.7, 1.0], [0.69]),
        (RepeatingTopNGramsFilter(), "repeating_top_2grams", [0.2], [0.21, 1.0]),
        (RepeatingTopNGramsFilter(n=3), "repeating_top_3grams", [0.2], [0.21]),
    ],
)
def test_names_and_thresholds_of_the_contract(rule, name, kept, dropped):
    assert rule.name == name
    assert rule.keep_scores(kept).all()
    assert not rule.keep_scores(dropped).any()
    assert not rule.keep_document(None)
    assert not rule.keep_document(float("nan"))


def test_the_top_sequence_may_lie_within_words_but_not_across_line_ends():
    rule = RepeatingTopNGramsFilter()
    text = "of the\nof the\noof them"
    assert rule.score_document(text) == 3 * len("of the") / len(text)
    assert rule.score_document("a\nb c a\nb") == 0.0
