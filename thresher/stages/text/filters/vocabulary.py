# SPDX-License-Identifier: Apache-2.0
"""Filters by what kinds of words a document has."""

from __future__ import annotations

from math import ceil

import numpy as np

from thresher.kernels.marks import COMMON_WORDS
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter


class CommonEnglishWordsFilter(DocumentFilter):
    """Keep documents that have the words that English text is sure to have.

    Score: int64, words between white space that are ``the``, ``be``, ``to``, ``of``, ``and``,
    ``that``, ``have`` or ``with``, in lower case and with nothing attached. With ``stop_at_false``
    it is no more than is needed to keep the document: counting stops there, at 1 at the earliest.

    Null rule: a null or empty document has 0 of them.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1, counted as NeMo Curator does.

    >>> CommonEnglishWordsFilter(stop_at_false=False).score_document("the top of the hill")
    3
    """

    name = "common_english_words"
    signals = ("common_words",)
    EXAMPLES = (
        {},
        {"min_num_common_words": 3, "stop_at_false": False},
        {"min_num_common_words": 0},
    )

    def __init__(self, min_num_common_words: int = 2, stop_at_false: bool = True) -> None:
        self.min_num_common_words = min_num_common_words
        self.stop_at_false = stop_at_false

    def score_document(self, text: str) -> int:
        """The number of such words."""
        found = sum(word in COMMON_WORDS for word in text.split())
        return min(found, self._most()) if self.stop_at_false else found

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The numbers of such words."""
        found = signals["common_words"]
        return np.minimum(found, self._most()) if self.stop_at_false else found

    def bounds(self) -> Bounds:
        """A lower end."""
        return self.min_num_common_words, None

    def _most(self) -> int:
        return max(1, ceil(self.min_num_common_words))


class WordsWithoutAlphabetsFilter(WordFilter):
    """Keep documents of mostly words that have a letter.

    Score: float64, words with at least one letter of any script (``str.isalpha``) / words.

    Null rule: a document without words scores 0.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1.

    >>> WordsWithoutAlphabetsFilter().score_document("chapter 4 – end")
    0.5

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    name = "words_without_alphabets"
    signals = ("alphabetic_words", "words")
    EXAMPLES = ({}, {"min_words_with_alphabets": 0.5})

    def __init__(self, min_words_with_alphabets: float = 0.8, lang: str = "en") -> None:
        super().__init__(lang)
        self.min_words_with_alphabets = min_words_with_alphabets

    def score_document(self, text: str) -> float:
        """The share of words with a letter."""
        words = self.words(text)
        return ratio(sum(any(map(str.isalpha, word)) for word in words), len(words), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of words with a letter."""
        return ratios(signals["alphabetic_words"], signals["words"], undefined=0.0)

    def bounds(self) -> Bounds:
        """A lower end."""
        return self.min_words_with_alphabets, None
