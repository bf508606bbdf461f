# SPDX-License-Identifier: Apache-2.0
"""Filters by how often a document repeats lines and paragraphs."""

from __future__ import annotations

from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.lines import lines_of
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal


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


class RepeatedLinesByCharFilter(DocumentFilter):
    """Keep documents whose text is mostly on distinct lines.

    Score: float64, characters of distinct lines / characters of all lines, line feeds not counted;
    lines of nothing but white space do not count.

    Null rule: a document without lines scores 0.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, as the share that is left.

    >>> RepeatedLinesByCharFilter().score_document("Hear!\\nHear!")
    0.5
    """

    name = "repeated_lines_char"
    signals = ("line_characters", "unique_line_characters")
    EXAMPLES = ({}, {"max_repeated_lines_char_ratio": 0.5})

    def __init__(self, max_repeated_lines_char_ratio: float = 0.8) -> None:
        self.max_repeated_lines_char_ratio = max_repeated_lines_char_ratio

    def score_document(self, text: str) -> float:
        """The share of characters on distinct lines."""
        lines = lines_of(text)
        return ratio(sum(map(len, set(lines))), sum(map(len, lines)), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of characters on distinct lines."""
        unique = signals["unique_line_characters"]
        return ratios(unique, signals["line_characters"], undefined=0.0)

    def bounds(self) -> Bounds:
        """A lower end, for all its name."""
        return self.max_repeated_lines_char_ratio, None


class RepeatedParagraphsFilter(DocumentFilter):
    """Keep documents whose paragraphs are mostly distinct.

    Score: float64, distinct paragraphs / paragraphs. Paragraphs are what two line feeds part, empty
    ones included.

    Null rule: a null or empty document scores 1.0: it has one paragraph.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, as the share that is left.

    >>> RepeatedParagraphsFilter().score_document("Hear!\\n\\nHear!")
    0.5
    """

    name = "repeated_paragraphs"
    signals = ("paragraphs", "unique_paragraphs")
    EXAMPLES = ({}, {"max_repeated_paragraphs_ratio": 0.5})

    def __init__(self, max_repeated_paragraphs_ratio: float = 0.7) -> None:
        self.max_repeated_paragraphs_ratio = max_repeated_paragraphs_ratio

    def score_document(self, text: str) -> float:
        """The share of distinct paragraphs."""
        paragraphs = text.split("\n\n")
        return ratio(len(set(paragraphs)), len(paragraphs), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of distinct paragraphs."""
        return ratios(signals["unique_paragraphs"], signals["paragraphs"], undefined=1.0)

    def bounds(self) -> Bounds:
        """A lower end, for all its name."""
        return self.max_repeated_paragraphs_ratio, None


class RepeatedParagraphsByCharFilter(DocumentFilter):
    """Keep documents whose text is mostly in distinct paragraphs.

    Score: float64, characters of distinct paragraphs / characters of all paragraphs. Paragraphs are
    what two line feeds part; those line feeds are not counted.

    Null rule: a document whose paragraphs are all empty scores 0.0.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, as the share that is left.

    >>> RepeatedParagraphsByCharFilter().score_document("Hear!\\n\\nHear!")
    0.5
    """

    name = "repeated_paragraphs_char"
    signals = ("paragraph_characters", "unique_paragraph_characters")
    EXAMPLES = ({}, {"max_repeated_paragraphs_char_ratio": 0.5})

    def __init__(self, max_repeated_paragraphs_char_ratio: float = 0.8) -> None:
        self.max_repeated_paragraphs_char_ratio = max_repeated_paragraphs_char_ratio

    def score_document(self, text: str) -> float:
        """The share of characters in distinct paragraphs."""
        paragraphs = text.split("\n\n")
        return ratio(sum(map(len, set(paragraphs))), sum(map(len, paragraphs)), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of characters in distinct paragraphs."""
        unique = signals["unique_paragraph_characters"]
        return ratios(unique, signals["paragraph_characters"], undefined=0.0)

    def bounds(self) -> Bounds:
        """A lower end, for all its name."""
        return self.max_repeated_paragraphs_char_ratio, None
