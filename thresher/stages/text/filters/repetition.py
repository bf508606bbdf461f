# SPDX-License-Identifier: Apache-2.0
"""Filters by how often a document repeats itself."""

from __future__ import annotations

from collections import Counter

import numpy as np

from thresher.errors import PlanError
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.lines import lines_of
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter


class RepeatedLinesFilter(DocumentFilter):
    """Keep documents whose lines are mostly distinct.

    Score: float64, distinct lines / lines; lines of nothing but white space do not count.

    Null rule: a document without lines scores 0.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, as the share that is left.

    >>> RepeatedLinesFilter().score_document("Hear!\\nHear!")
    0.5
    """

    name = "repeated_lines"
    signals = ("lines", "unique_lines")
    EXAMPLES = ({}, {"max_repeated_line_fraction": 0.5})

    def __init__(self, max_repeated_line_fraction: float = 0.7) -> None:
        self.max_repeated_line_fraction = max_repeated_line_fraction

    def score_document(self, text: str) -> float:
        """The share of distinct lines."""
        lines = lines_of(text)
        return ratio(len(set(lines)), len(lines), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of distinct lines."""
        return ratios(signals["unique_lines"], signals["lines"], undefined=0.0)

    def bounds(self) -> Bounds:
        """A lower end, for all its name."""
        return self.max_repeated_line_fraction, None


class RepeatingTopNGramsFilter(WordFilter):
    """Keep documents that no sequence of ``n`` words makes up much of.

    Score: float64, characters that go when the most frequent n words (of several, those that come
    first), joined by blanks, are deleted wherever the text has them / characters.

    Null rule: a document of fewer than n words scores 1.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, measured by deleting as NeMo Curator
    does.

    >>> RepeatingTopNGramsFilter(n=2).score_document("my word my word.")
    0.875

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    signals = ("characters", "top_ngram_characters")
    EXAMPLES = ({}, {"n": 1}, {"n": 3, "max_repeating_ngram_ratio": 0.5})

    def __init__(
        self, n: int = 2, max_repeating_ngram_ratio: float = 0.2, lang: str = "en"
    ) -> None:
        super().__init__(lang)
        if n < 1:
            raise PlanError(
                f"n={n} is no number of words", where=type(self).__name__, todo="give 1 or more"
            )
        self.n = n
        self.max_repeating_ngram_ratio = max_repeating_ngram_ratio

    @property
    def name(self) -> str:
        """``repeating_top_<n>grams``."""
        return f"repeating_top_{self.n}grams"

    def needed_signals(self) -> tuple[str, ...]:
        """The signals of this n."""
        return tuple(
            f"{signal}:{self.n}" if signal == "top_ngram_characters" else signal
            for signal in super().needed_signals()
        )

    def score_document(self, text: str) -> float:
        """The share of the most frequent n words."""
        words = self.words(text)
        if len(words) < self.n:
            return 1.0
        sequences = Counter(zip(*(words[k:] for k in range(self.n)), strict=False))
        top = max(sequences, key=sequences.__getitem__)
        return (len(text) - len(text.replace(" ".join(top), ""))) / len(text)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of the most frequent n words; -1 of them are too few words."""
        deleted = signals[f"top_ngram_characters:{self.n}"]
        shares = ratios(deleted, signals["characters"], undefined=1.0)
        return np.where(deleted < 0, 1.0, shares)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_repeating_ngram_ratio
