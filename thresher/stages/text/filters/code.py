# SPDX-License-Identifier: Apache-2.0
"""Filters of source code by plain counts: its lines, its letters, how it begins."""

from __future__ import annotations

from thresher.errors import PlanError
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal

XML_HEADER = "<?xml version="


class NumberOfLinesOfCodeFilter(DocumentFilter):
    """Keep sources of ``min_lines`` to ``max_lines`` lines, both included.

    Score: int64, line feeds + 1.

    Null rule: a null or empty document has 1 line.

    Source: the code filters of NeMo Curator.

    >>> NumberOfLinesOfCodeFilter().score_document("a = 1\\nb = 2\\n")
    3
    """

    name = "num_lines"
    signals = ("line_feeds",)
    EXAMPLES = ({}, {"min_lines": 2, "max_lines": 3})

    def __init__(self, min_lines: int = 10, max_lines: int = 20_000) -> None:
        self.min_lines = min_lines
        self.max_lines = max_lines

    def score_document(self, text: str) -> int:
        """The number of lines."""
        return text.count("\n") + 1

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The numbers of lines."""
        return signals["line_feeds"] + 1

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_lines, self.max_lines


class AlphaFilter(DocumentFilter):
    """Keep sources with enough letters: large tables of numbers and encoded data have few.

    Score: float64, letters of any script (``str.isalpha``) / characters.

    Null rule: a null or empty document scores 0.0.

    Source: Li et al. 2023, StarCoder (arXiv:2305.06161), section 3.1.

    >>> AlphaFilter().score_document("é=1 ")
    0.25
    """

    name = "alpha_filter"
    signals = ("letters", "characters")
    EXAMPLES = ({}, {"min_alpha_ratio": 0.6})

    def __init__(self, min_alpha_ratio: float = 0.25) -> None:
        self.min_alpha_ratio = min_alpha_ratio

    def score_document(self, text: str) -> float:
        """The share of letters."""
        return ratio(letters_of(text), len(text), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of letters."""
        return ratios(signals["letters"], signals["characters"], undefined=0.0)

    def bounds(self) -> Bounds:
        """A lower end."""
        return self.min_alpha_ratio, None


class XMLHeaderFilter(DocumentFilter):
    """Drop sources that declare themselves XML, whatever their name says.

    Score: int64, 1 if the first ``char_prefix_search_length`` characters hold ``<?xml version=``
    as a whole, else 0.

    Null rule: a null or empty document scores 0.

    Source: Li et al. 2023, StarCoder (arXiv:2305.06161), section 3.1.

    >>> XMLHeaderFilter().score_document('<?xml version="1.0"?>')
    1

    Raises
    ------
    PlanError
        If ``char_prefix_search_length`` is negative.
    """

    name = "xml_header"
    signals = ("xml_headers",)
    EXAMPLES = ({}, {"char_prefix_search_length": 20}, {"char_prefix_search_length": 0})

    def __init__(self, char_prefix_search_length: int = 100) -> None:
        if char_prefix_search_length < 0:
            raise PlanError(
                f"char_prefix_search_length={char_prefix_search_length} is negative",
                where="XMLHeaderFilter",
                todo="give the number of characters to look at",
            )
        self.char_prefix_search_length = char_prefix_search_length

    def score_document(self, text: str) -> int:
        """Whether there is a declaration."""
        return int(XML_HEADER in text[: self.char_prefix_search_length])

    def needed_signals(self) -> tuple[str, ...]:
        """The signal of this length."""
        names = super().needed_signals()
        return tuple(f"{name}:{self.char_prefix_search_length}" for name in names)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """Whether there are declarations."""
        return signals[f"xml_headers:{self.char_prefix_search_length}"]

    def bounds(self) -> Bounds:
        """Only 0."""
        return None, 0


def letters_of(text: str) -> int:
    """How many characters are letters."""
    return sum(map(str.isalpha, text))
