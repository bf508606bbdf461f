# SPDX-License-Identifier: Apache-2.0
"""Filters by text that web sites put around their own."""

from __future__ import annotations

import numpy as np

from thresher.kernels.marks import PLACEHOLDER, POLICY_PHRASES
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal


class BoilerPlateStringFilter(DocumentFilter):
    """Keep documents of few paragraphs about cookies and policies, and without filler text.

    Score: float64, 1.0 if the text has "lorem ipsum", else paragraphs with a policy phrase /
    paragraphs, in whatever case. Paragraphs are what two line feeds part, empty ones included.
    The phrases are those of ``thresher.kernels.marks.POLICY_PHRASES``, among them the beginnings
    of three banners; the whole banner need not follow.

    Null rule: a null or empty document scores 0.0: its one paragraph has no such phrase.

    Source: the heuristic filters of NeMo Curator, after C4 (Raffel et al. 2020, arXiv:1910.10683,
    section 2.2).

    >>> BoilerPlateStringFilter().score_document("Hello.\\n\\nWe use cookies.")
    0.5

    Parameters
    ----------
    remove_if_at_top_or_bottom : bool
        Makes no difference to the score; there for recipes that give it.
    """

    name = "boilerplate_string_ratio"
    signals = ("paragraphs", "placeholders", "policy_paragraphs")
    EXAMPLES = ({}, {"max_boilerplate_string_ratio": 0.1})

    def __init__(
        self,
        remove_if_at_top_or_bottom: bool = True,
        max_boilerplate_string_ratio: float = 0.4,
    ) -> None:
        self.remove_if_at_top_or_bottom = remove_if_at_top_or_bottom
        self.max_boilerplate_string_ratio = max_boilerplate_string_ratio

    def score_document(self, text: str) -> float:
        """The share of paragraphs with a policy phrase."""
        text = text.lower()
        if PLACEHOLDER in text:
            return 1.0
        paragraphs = text.split("\n\n")
        n_found = sum(any(phrase in each for phrase in POLICY_PHRASES) for each in paragraphs)
        return ratio(n_found, len(paragraphs), undefined=0.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of paragraphs with a policy phrase."""
        shares = ratios(signals["policy_paragraphs"], signals["paragraphs"], undefined=0.0)
        return np.where(signals["placeholders"] > 0, 1.0, shares)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_boilerplate_string_ratio
