# SPDX-License-Identifier: Apache-2.0
"""HTMLBoilerplateFilter: keeps pages that say something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from thresher.stages.filtering import Bounds
from thresher.stages.text.filters.document_filter import DocumentFilter

_SPACES = " \t\n\f\r"

# What a browser does not show, and tags. Whatever is not closed reaches to the end of the page, as
# the HTML standard has it. No part of the expression steps back, so that time grows with the length
# of the page, whatever it holds.
_VALUE = r"""=\s*+(?:"[^"]*+"?|'[^']*+'?)"""
_ATTRIBUTES = rf"(?=[\s/>]|\Z)(?:[^>=]++|{_VALUE}|=)*+(?:>|\Z)"
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    rf"|<(script|style|template){_ATTRIBUTES}.*?(?:</\1(?=[\s/>]|\Z)[^>]*+(?:>|\Z)|\Z)"
    rf"|</?[a-z][^\s/>]*+{_ATTRIBUTES}"
    r"|<(?:[!?]|/[^a-z>])[^>]*+(?:>|\Z)|</>",
    re.DOTALL | re.IGNORECASE,
)


class HTMLBoilerplateFilter(DocumentFilter):
    """Keep HTML pages of which enough is text that a reader sees.

    Score: float64, characters of the visible text / characters, and 0.0 if the visible text is
    shorter than ``min_lang_content_num_chars``. Visible is what is left without tags, comments,
    scripts, style sheets and templates; an entity is one character, and so is what stands between
    two tags if it is nothing but HTML's white space (to which no-break spaces do not belong).

    Null rule: a null or empty document scores 0.0.

    Source: Li et al. 2023, StarCoder (arXiv:2305.06161), section 3.1.

    >>> HTMLBoilerplateFilter(0.2, 3).score_document("<i>a&amp;b</i>")
    0.21428571428571427
    """

    name = "html_boilerplate"
    EXAMPLES = ({}, {"min_lang_content_ratio": 0.5, "min_lang_content_num_chars": 2})

    def __init__(
        self, min_lang_content_ratio: float = 0.2, min_lang_content_num_chars: int = 100
    ) -> None:
        self.min_lang_content_ratio = min_lang_content_ratio
        self.min_lang_content_num_chars = min_lang_content_num_chars

    def score_document(self, text: str) -> float:
        """The share of visible text."""
        visible = sum(map(_length, _visible(text)))
        if visible == 0 or visible < self.min_lang_content_num_chars:
            return 0.0
        return visible / len(text)

    def bounds(self) -> Bounds:
        """A lower end."""
        return self.min_lang_content_ratio, None


def _visible(page: str) -> Iterator[str]:
    """What stands between the parts of a page that a reader does not see."""
    place = 0
    for unseen in _UNSEEN.finditer(page):
        yield page[place : unseen.start()]
        place = unseen.end()
    yield page[place:]


def _length(piece: str) -> int:
    text = unescape(piece)
    return len(text) if text.strip(_SPACES) else bool(text)
