# SPDX-License-Identifier: Apache-2.0
"""Filters by how many words a document has and how long they are."""

from __future__ import annotations

from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter


class WordCountFilter(WordFilter):
    """Keep documents of ``min_words`` to ``max_words`` words, both included.

    Score: int64, words.

    Null rule: a null or empty document has 0 words.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1.

    >>> WordCountFilter().score_document("one two")
    2

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    name = "word_count"
    signals = ("words",)
    EXAMPLES = ({}, {"min_words": 2, "max_words": 5})

    def __init__(self, min_words: int = 50, max_words: int = 100_000, lang: str = "en") -> None:
        super().__init__(lang)
        self.min_words = min_words
        self.max_words = max_words

    def score_document(self, text: str) -> int:
        """The number of words."""
        return len(self.words(text))

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The number of words."""
        return signals["words"]

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_words, self.max_words


class MeanWordLengthFilter(WordFilter):
    """Keep documents whose words are, on average, of an ordinary length.

    Score: float64, characters of all words / words.

    Null rule: a document without words scores 0.0, less than any word has.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1.

    >>> MeanWordLengthFilter().score_document("one three")
    4.0

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    name = "mean_word_length"
    signals = ("word_characters", "words")
    EXAMPLES = ({}, {"min_mean_word_length": 2, "max_mean_word_length": 4})

    def __init__(
        self, min_mean_word_length: float = 3, max_mean_word_length: float = 10, lang: str = "en"
    ) -> None:
        super().__init__(lang)
        self.min_mean_word_length = min_mean_word_length
        self.max_mean_word_length = max_mean_word_length

    def score_document(self, text: str) -> float:
        """The mean length."""
        words = self.words(text)
        return ratio(sum(map(len, words)), len(words), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The mean lengths."""
        return ratios(signals["word_characters"], signals["words"], undefined=0.0)

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_mean_word_length, self.max_mean_word_length


class LongWordFilter(WordFilter):
    """Keep documents without words of ridiculous length.

    Score: int64, characters of the longest word.

    Null rule: a document without words scores 0.

    Source: the heuristic filters of NeMo Curator.

    >>> LongWordFilter().score_document("one three")
    5

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    name = "max_word_length"
    signals = ("longest_word",)
    EXAMPLES = ({}, {"max_word_length": 4})

    def __init__(self, max_word_length: int = 1000, lang: str = "en") -> None:
        super().__init__(lang)
        self.max_word_length = max_word_length

    def score_document(self, text: str) -> int:
        """The length of the longest word."""
        return max(map(len, self.words(text)), default=0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The lengths of the longest words."""
        return signals["longest_word"]

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_word_length
