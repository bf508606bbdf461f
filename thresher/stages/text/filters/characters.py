# SPDX-License-Identifier: Apache-2.0
"""Filters by how much of a document is digits, blanks or parentheses."""

from __future__ import annotations

from thresher.kernels.marks import BLANKS, PARENTHESES
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal


class NumbersFilter(DocumentFilter):
    """Keep documents of few digits.

    Score: float64, decimal digits of any script (``str.isdecimal``) / characters.

    Null rule: a null or empty document scores 1.0.

    Source: the heuristic filters of NeMo Curator, whose documentation says digits of any script;
    1.4.0 with a recent ``regex`` counts only ASCII ones.

    >>> NumbersFilter().score_document("No. ٤2")
    0.3333333333333333
    """

    name = "numbers_ratio"
    signals = ("characters", "digits")
    EXAMPLES = ({}, {"max_number_to_text_ratio": 0.01})

    def __init__(self, max_number_to_text_ratio: float = 0.15) -> None:
        self.max_number_to_text_ratio = max_number_to_text_ratio

    def score_document(self, text: str) -> float:
        """The share of digits."""
        return ratio(sum(map(str.isdecimal, text)), len(text), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of digits."""
        return ratios(signals["digits"], signals["characters"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_number_to_text_ratio


class WhiteSpaceFilter(DocumentFilter):
    """Keep documents that are not mostly blank.

    Score: float64, tabs, line feeds, carriage returns, backspaces and blanks / characters. Other
    white space of Unicode does not count.

    Null rule: a null or empty document scores 1.0.

    Source: the heuristic filters of NeMo Curator.

    >>> WhiteSpaceFilter().score_document("a\\tb ")
    0.5
    """

    name = "white_space"
    signals = ("blanks", "characters")
    EXAMPLES = ({}, {"max_white_space_ratio": 0.5})

    def __init__(self, max_white_space_ratio: float = 0.25) -> None:
        self.max_white_space_ratio = max_white_space_ratio

    def score_document(self, text: str) -> float:
        """The share of blanks."""
        return ratio(sum(map(text.count, BLANKS)), len(text), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of blanks."""
        return ratios(signals["blanks"], signals["characters"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_white_space_ratio


class ParenthesesFilter(DocumentFilter):
    """Keep documents of few parentheses.

    Score: float64, round, square, curly and angle (``⟨⟩``) parentheses / characters.

    Null rule: a null or empty document scores 1.0.

    Source: the heuristic filters of NeMo Curator.

    >>> ParenthesesFilter().score_document("f(x)")
    0.5
    """

    name = "parentheses_ratio"
    signals = ("characters", "parentheses")
    EXAMPLES = ({}, {"max_parentheses_ratio": 0.01})

    def __init__(self, max_parentheses_ratio: float = 0.1) -> None:
        self.max_parentheses_ratio = max_parentheses_ratio

    def score_document(self, text: str) -> float:
        """The share of parentheses."""
        return ratio(sum(map(text.count, PARENTHESES)), len(text), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of parentheses."""
        return ratios(signals["parentheses"], signals["characters"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_parentheses_ratio
