# SPDX-License-Identifier: Apache-2.0
"""Filters by how much of a document is anything but words."""

from __future__ import annotations

import re

from thresher.kernels.marks import ELLIPSES
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal
from thresher.stages.text.filters.word_filter import WordFilter

_PLAIN = re.compile(r"[A-Za-z0-9\n?!,.]")
_HASHES = re.compile("#+")


class NonAlphaNumericFilter(DocumentFilter):
    """Keep documents of mostly ASCII letters and digits, line feeds and ``? ! , .``.

    Score: float64, other characters / characters. Blanks are other characters.

    Null rule: a null or empty document scores 1.0.

    Source: the heuristic filters of NeMo Curator.

    >>> NonAlphaNumericFilter().score_document("a-b.")
    0.25
    """

    name = "alpha_numeric"
    signals = ("characters", "plain_characters")
    EXAMPLES = ({}, {"max_non_alpha_numeric_to_text_ratio": 0.5})

    def __init__(self, max_non_alpha_numeric_to_text_ratio: float = 0.25) -> None:
        self.max_non_alpha_numeric_to_text_ratio = max_non_alpha_numeric_to_text_ratio

    def score_document(self, text: str) -> float:
        """The share of other characters."""
        return ratio(len(text) - len(_PLAIN.findall(text)), len(text), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of other characters."""
        characters = signals["characters"]
        return ratios(characters - signals["plain_characters"], characters, undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_non_alpha_numeric_to_text_ratio


class SymbolsToWordsFilter(WordFilter):
    """Keep documents in which few words are ellipses or number signs.

    Score: float64, words that are symbols / words. A symbol is an ellipsis mark, or a word w with
    (runs of ``#`` in w) / (characters of w) > 0.5.

    Null rule: a document without words scores 1.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1, counted by words as NeMo Curator
    does.

    >>> SymbolsToWordsFilter().score_document("# one ... two")
    0.5

    Parameters
    ----------
    lang : str
        Language of the texts. Words of ``"zh"`` are found by jieba, of ``"ja"`` by MeCab, of all
        others between white space.
    """

    name = "symbol_to_word"
    signals = ("symbol_words", "words")
    EXAMPLES = ({}, {"max_symbol_to_word_ratio": 0.4})

    def __init__(self, max_symbol_to_word_ratio: float = 0.1, lang: str = "en") -> None:
        super().__init__(lang)
        self.max_symbol_to_word_ratio = max_symbol_to_word_ratio

    def score_document(self, text: str) -> float:
        """The share of symbols."""
        words = self.words(text)
        return ratio(sum(map(_is_symbol, words)), len(words), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of symbols."""
        return ratios(signals["symbol_words"], signals["words"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_symbol_to_word_ratio


def _is_symbol(word: str) -> bool:
    return word in ELLIPSES or len(_HASHES.findall(word)) / len(word) > 0.5
