# SPDX-License-Identifier: Apache-2.0
"""Filters by how often a document repeats sequences of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from thresher.errors import PlanError
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.ratios import ratios
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter


class NGramFilter(WordFilter):
    """A filter that looks at sequences of ``n`` words."""

    def __init__(self, n: int, lang: str) -> None:
        super().__init__(lang)
        if n < 1:
            raise PlanError(
                f"n={n} is no number of words", where=type(self).__name__, todo="give 1 or more"
            )
        self.n = n

    def needed_signals(self) -> tuple[str, ...]:
        """The signals of this n."""
        return tuple(
            f"{signal}:{self.n}" if "ngram" in signal else signal
            for signal in super().needed_signals()
        )


class RepeatingTopNGramsFilter(NGramFilter):
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
        super().__init__(n, lang)
        self.max_repeating_ngram_ratio = max_repeating_ngram_ratio

    @property
    def name(self) -> str:
        """``repeating_top_<n>grams``."""
        return f"repeating_top_{self.n}grams"

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


class RepeatingDuplicateNGramsFilter(NGramFilter):
    """Keep documents in which few sequences of ``n`` words come again.

    Score: float64, characters of all n words that came before in the text / characters. Each
    repeated sequence counts with the blanks that join its words, of which there are at most n - 1;
    words that it shares with the repeated sequence before it count once.

    Null rule: a document of fewer than n words scores 1.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, overlaps counted as NeMo Curator does.

    >>> RepeatingDuplicateNGramsFilter(n=2).score_document("a b, a b,")
    0.4444444444444444

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    signals = ("characters", "duplicate_ngram_characters")
    EXAMPLES = ({}, {"n": 1}, {"n": 5, "max_repeating_duplicate_ngram_ratio": 0.5})

    def __init__(
        self, n: int = 2, max_repeating_duplicate_ngram_ratio: float = 0.2, lang: str = "en"
    ) -> None:
        super().__init__(n, lang)
        self.max_repeating_duplicate_ngram_ratio = max_repeating_duplicate_ngram_ratio

    @property
    def name(self) -> str:
        """``repeating_dup_<n>gram``."""
        return f"repeating_dup_{self.n}gram"

    def score_document(self, text: str) -> float:
        """The share of repeated sequences."""
        words = self.words(text)
        return _duplicated(words, self.n) / len(text) if len(words) >= self.n else 1.0

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of repeated sequences; -1 of them are too few words."""
        repeated = signals[f"duplicate_ngram_characters:{self.n}"]
        shares = ratios(repeated, signals["characters"], undefined=1.0)
        return np.where(repeated < 0, 1.0, shares)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_repeating_duplicate_ngram_ratio


def _duplicated(words: Sequence[str], n: int) -> int:
    """Characters of the sequences of n words that came before."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    covered = 0  # the word behind the last repeated sequence
    for begin in range(len(words) - n + 1):
        sequence = tuple(words[begin : begin + n])
        if sequence in seen:
            overlap = max(covered - begin, 0)
            total += sum(map(len, sequence[overlap:])) + min(n - overlap, n - 1)
            covered = begin + n
        seen.add(sequence)
    return total
