# SPDX-License-Identifier: Apache-2.0
"""The filters against the formulas of the contract, written down here a second time."""

import re
import unicodedata
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings

from tests.kernels.documents import documents, kernels
from thresher.stages.text.filters import (
    BoilerPlateStringFilter,
    BulletsFilter,
    CommonEnglishWordsFilter,
    EllipsisFilter,
    LongWordFilter,
    MeanWordLengthFilter,
    NonAlphaNumericFilter,
    NumbersFilter,
    ParenthesesFilter,
    PornographicUrlsFilter,
    PunctuationFilter,
    RepeatedLinesByCharFilter,
    RepeatedLinesFilter,
    RepeatedParagraphsByCharFilter,
    RepeatedParagraphsFilter,
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
    SubstringFilter,
    SymbolsToWordsFilter,
    UrlsFilter,
    WhiteSpaceFilter,
    WordCountFilter,
    WordsWithoutAlphabetsFilter,
)

ELLIPSIS_MARKS = {"...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more"}
URL = r"https?://(?:[a-zA-Z]|[0-9]|[$\-_@.&+/:=?#~!*(),]|(?:%[0-9a-fA-F][0-9a-fA-F]))+"
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
    return sum(map(len, re.findall(URL, text))) / len(text) if text else 1.0


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


def duplicate_ngram(n):
    """The pseudo-code of the contract, line by line."""

    def score(text):
        found = text.split()
        if len(found) < n:
            return 1.0
        counts = Counter()
        o = dup = 0
        for g in (found[i : i + n] for i in range(len(found) - n + 1)):
            counts[tuple(g)] += 1
            if counts[tuple(g)] > 1:
                dup += sum(len(w) for w in g[o:]) + min(n - o, n - 1)
                o = n
            o = max(o - 1, 0)
        return dup / len(text)

    return score


def share(text, holds):
    return sum(map(holds, text)) / len(text) if text else 1.0


def digits(text):
    return share(text, lambda c: unicodedata.category(c) == "Nd")


def longest(text):
    return max([len(word) for word in text.split()] or [0])


def common(text):
    common_words = {"the", "be", "to", "of", "and", "that", "have", "with"}
    return len([word for word in text.split() if word in common_words])


def alphabetic(text):
    found = text.split()
    with_letter = [w for w in found if any(unicodedata.category(c)[0] == "L" for c in w)]
    return len(with_letter) / len(found) if found else 0.0


def boilerplate(text):
    found = [p.lower() for p in re.split("\n\n", text)]
    if [p for p in found if "lorem ipsum" in p]:
        return 1.0
    phrases = (
        r"terms of use|privacy policy|cookie policy|uses? cookies|privacy overview|use of cookies"
        r"|privacy (&|and) cookies policy|necessary cookies are absolutely essential for"
    )
    return len([p for p in found if re.search(phrases, p)]) / len(found)


def unique_share(parts, measure):
    return sum(map(measure, dict.fromkeys(parts))) / (sum(map(measure, parts)) or 1)


FORMULAS = [
    (NumbersFilter(), digits),
    (WhiteSpaceFilter(), lambda text: share(text, lambda c: c in "\t\n\r\b ")),
    (ParenthesesFilter(), lambda text: share(text, lambda c: c in "()[]{}⟨⟩")),
    (LongWordFilter(), longest),
    (CommonEnglishWordsFilter(stop_at_false=False), common),
    (CommonEnglishWordsFilter(), lambda text: min(2, common(text))),
    (WordsWithoutAlphabetsFilter(), alphabetic),
    (BoilerPlateStringFilter(), boilerplate),
    (
        PornographicUrlsFilter(),
        lambda text: int(any("porn" in found for found in re.findall(URL, text))),
    ),
    (SubstringFilter("a", "any"), lambda text: text.count("a") > 0),
    (SubstringFilter("ab", "prefix"), lambda text: text[:2] == "ab"),
    (SubstringFilter("ab", "suffix"), lambda text: text[-2:] == "ab"),
    (
        RepeatedLinesByCharFilter(),
        lambda text: unique_share(non_blank_lines(text), len),
    ),
    (RepeatedParagraphsFilter(), lambda text: unique_share(text.split("\n\n"), lambda _: 1)),
    (RepeatedParagraphsByCharFilter(), lambda text: unique_share(text.split("\n\n"), len)),
    (RepeatingDuplicateNGramsFilter(), duplicate_ngram(2)),
    (RepeatingDuplicateNGramsFilter(n=1), duplicate_ngram(1)),
    (RepeatingDuplicateNGramsFilter(n=3), duplicate_ngram(3)),
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
        (NumbersFilter(), "numbers_ratio", [0.15], [0.151]),
        (WhiteSpaceFilter(), "white_space", [0.25], [0.251]),
        (ParenthesesFilter(), "parentheses_ratio", [0.1], [0.101]),
        (LongWordFilter(), "max_word_length", [0, 1000], [1001]),
        (BoilerPlateStringFilter(), "boilerplate_string_ratio", [0.4], [0.41]),
        (CommonEnglishWordsFilter(), "common_english_words", [2, 3], [0, 1]),
        (WordsWithoutAlphabetsFilter(), "words_without_alphabets", [0.8, 1.0], [0.79]),
        (PornographicUrlsFilter(), "PornographicUrlsFilter", [0], [1]),
        (SubstringFilter("a", "any"), "SubstringFilter", [1], [0]),
        (RepeatedLinesByCharFilter(), "repeated_lines_char", [0.8], [0.79]),
        (RepeatedParagraphsFilter(), "repeated_paragraphs", [0.7], [0.69]),
        (RepeatedParagraphsByCharFilter(), "repeated_paragraphs_char", [0.8], [0.79]),
        (RepeatingDuplicateNGramsFilter(), "repeating_dup_2gram", [0.2], [0.21]),
        (RepeatingDuplicateNGramsFilter(n=5), "repeating_dup_5gram", [0.2], [0.21]),
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


@pytest.mark.parametrize("kind", ["compiled", "plain"])
@pytest.mark.parametrize(
    ("rule", "scores"),
    [
        (
            PornographicUrlsFilter(),
            {"http://a.b porn": 0, "porn http://a.b": 0, "http://a.porn": 1, "http://porn": 1},
        ),
        (
            BoilerPlateStringFilter(),
            {
                "use cookies\n\n\nx": 1 / 2,
                "x\n\n\n\nuse cookies use cookies": 1 / 3,
                "use\n\ncookies": 0.0,
                "LOREM ipsum": 1.0,
                "x" * 60 + "Privacy Policy": 1.0,
                "COO\u212aIE POLICY\n\nuser cookies": 1 / 2,
            },
        ),
        (CommonEnglishWordsFilter(9, False), {"the\u3000to\x1fof": 3, "then tobe of,": 0}),
        (LongWordFilter(), {"x" * 63 + " é" + "x" * 64: 65, "é" * 70 + " " + "x" * 71: 71}),
    ],
)
def test_what_is_around_the_mark(kind, rule, scores):
    with kernels(kind):
        assert list(rule.score_column(pa.array(list(scores)))) == list(scores.values())
