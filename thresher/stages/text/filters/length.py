# SPDX-License-Identifier: Apache-2.0
"""Filters by how many words a document has and how long they are."""

from __future__ import annotations

from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter


class WordCountFilter(WordFilter):
    """Keep documents of ``min_words`` to ``max_words`` words, both included.

    Score: int64, words; 0 for an empty document.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1.

    >>> WordCountFilter(min_words=2).score_document("one two")
    2
    """

    name = "word_count"
    signals = ("words",)

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
