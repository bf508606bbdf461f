# SPDX-License-Identifier: Apache-2.0
"""Filters by how the lines of a document begin and end."""

from __future__ import annotations

from thresher.kernels.marks import BULLETS, ELLIPSES, ENDS
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal


def lines_of(text: str) -> list[str]:
    """What stands between line feeds, less the lines of nothing but white space."""
    return [line for line in text.split("\n") if line.strip()]


class BulletsFilter(DocumentFilter):
    """Keep documents that are more than a list.

    Score: float64, lines that begin with a bullet / lines, white space around a line ignored.

    Null rule: a document without lines scores 1.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1, with more kinds of bullets.

    >>> BulletsFilter().score_document("Buy:\\n • bread")
    0.5
    """

    name = "bullet_ratio"
    signals = ("bullet_lines", "lines")
    EXAMPLES = ({}, {"max_bullet_lines_ratio": 0.3})

    def __init__(self, max_bullet_lines_ratio: float = 0.9) -> None:
        self.max_bullet_lines_ratio = max_bullet_lines_ratio

    def score_document(self, text: str) -> float:
        """The share of lines with a bullet."""
        lines = lines_of(text)
        n_bullets = sum(line.strip().startswith(BULLETS) for line in lines)
        return ratio(n_bullets, len(lines), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of lines with a bullet."""
        return ratios(signals["bullet_lines"], signals["lines"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_bullet_lines_ratio


class PunctuationFilter(DocumentFilter):
    """Keep documents whose lines end as sentences do.

    Score: float64, lines that end with none of ``. ? ! " '`` / lines, white space around a line
    ignored.

    Null rule: a document without lines scores 1.0.

    Source: the heuristic filters of NeMo Curator, after the line rule of C4 (Raffel et al. 2020,
    arXiv:1910.10683, section 2.2).

    >>> PunctuationFilter().score_document("Contents\\nIt begins.")
    0.5
    """

    name = "punctuation"
    signals = ("lines", "unended_lines")
    EXAMPLES = ({}, {"max_num_sentences_without_endmark_ratio": 0.5})

    def __init__(self, max_num_sentences_without_endmark_ratio: float = 0.85) -> None:
        self.max_num_sentences_without_endmark_ratio = max_num_sentences_without_endmark_ratio

    def score_document(self, text: str) -> float:
        """The share of lines without an end."""
        lines = lines_of(text)
        n_unended = sum(not line.strip().endswith(ENDS) for line in lines)
        return ratio(n_unended, len(lines), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of lines without an end."""
        return ratios(signals["unended_lines"], signals["lines"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_num_sentences_without_endmark_ratio


class EllipsisFilter(DocumentFilter):
    """Keep documents of which few lines were cut short.

    Score: float64, lines that end with an ellipsis mark, in whatever case / lines, white space
    around a line ignored.

    Null rule: a document without lines scores 1.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1, with more kinds of marks.

    >>> EllipsisFilter().score_document("Long ago...\\nThe end.")
    0.5
    """

    name = "ellipsis"
    signals = ("ellipsis_lines", "lines")
    EXAMPLES = ({}, {"max_num_lines_ending_with_ellipsis_ratio": 0.6})

    def __init__(self, max_num_lines_ending_with_ellipsis_ratio: float = 0.3) -> None:
        self.max_num_lines_ending_with_ellipsis_ratio = max_num_lines_ending_with_ellipsis_ratio

    def score_document(self, text: str) -> float:
        """The share of lines cut short."""
        lines = lines_of(text)
        n_ellipses = sum(line.strip().lower().endswith(ELLIPSES) for line in lines)
        return ratio(n_ellipses, len(lines), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of lines cut short."""
        return ratios(signals["ellipsis_lines"], signals["lines"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_num_lines_ending_with_ellipsis_ratio
