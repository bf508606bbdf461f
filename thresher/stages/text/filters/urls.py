# SPDX-License-Identifier: Apache-2.0
"""Filters by the web addresses in a document."""

from __future__ import annotations

import re

import numpy as np

from thresher.kernels.marks import PORN, URL_CHARACTERS
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal

URL = re.compile(f"https?://(?:[{re.escape(URL_CHARACTERS)}]|%[0-9a-fA-F][0-9a-fA-F])+")
"""A web address: its scheme and all that an address is made of."""


class UrlsFilter(DocumentFilter):
    """Keep documents that are more than links.

    Score: float64, characters of web addresses / characters. ``url_regex`` (text or a compiled
    pattern) says otherwise what an address is; it is then looked for document by document.

    Null rule: a null or empty document scores 1.0.

    Source: the heuristic filters of NeMo Curator.

    >>> UrlsFilter().score_document("see http://a.b/c")
    0.75
    """

    name = "urls_ratio"
    signals = ("characters", "url_characters")
    EXAMPLES = ({}, {"max_url_to_text_ratio": 0.5}, {"url_regex": r"www\.\w+"})

    def __init__(
        self, max_url_to_text_ratio: float = 0.2, url_regex: str | re.Pattern[str] | None = None
    ) -> None:
        self.max_url_to_text_ratio = max_url_to_text_ratio
        self.url_regex = url_regex

    def needed_signals(self) -> tuple[str, ...]:
        """None for a pattern of one's own."""
        return super().needed_signals() if self.url_regex is None else ()

    def score_document(self, text: str) -> float:
        """The share of addresses."""
        pattern = URL if self.url_regex is None else re.compile(self.url_regex)
        length = sum(found.end() - found.start() for found in pattern.finditer(text))
        return ratio(length, len(text), undefined=1.0)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The shares of addresses."""
        return ratios(signals["url_characters"], signals["characters"], undefined=1.0)

    def bounds(self) -> Bounds:
        """An upper end."""
        return None, self.max_url_to_text_ratio


class PornographicUrlsFilter(DocumentFilter):
    """Keep documents without addresses of pornographic sites.

    Score: int64, 1 if some web address has "porn" in it, in lower case, else 0. ``url_regex`` (text
    or a compiled pattern) says otherwise what an address is; it is then looked for document by
    document.

    Null rule: a null or empty document scores 0.

    Source: the heuristic filters of NeMo Curator.

    >>> PornographicUrlsFilter().score_document("not porn: http://a.b/c")
    0
    """

    signals = ("pornographic_urls",)
    EXAMPLES = ({}, {"url_regex": r"www\.\w+"})

    def __init__(self, url_regex: str | re.Pattern[str] | None = None) -> None:
        self.url_regex = url_regex

    def needed_signals(self) -> tuple[str, ...]:
        """None for a pattern of one's own."""
        return super().needed_signals() if self.url_regex is None else ()

    def score_document(self, text: str) -> int:
        """1 or 0."""
        pattern = URL if self.url_regex is None else re.compile(self.url_regex)
        return int(any(PORN in found.group() for found in pattern.finditer(text)))

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """1 or 0 for each."""
        return np.minimum(signals["pornographic_urls"], 1)

    def bounds(self) -> Bounds:
        """Only 0."""
        return None, 0
