# SPDX-License-Identifier: Apache-2.0
"""Recognizer: decides whether data of one type stands at a place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from thresher.kernels.pii_places_plain import Kind


class Span(NamedTuple):
    """Where data stands in a text, and how sure that is."""

    start: int
    end: int
    score: float


Recognize = Callable[[str, int], Span | None]
"""(text, place) -> what stands there."""


@dataclass(frozen=True)
class Recognizer:
    """How data of one type is found: at places of one kind, by a rule.

    The rule looks at bounded stretches of the text, so that a document takes time in proportion to
    its length whatever it holds.
    """

    type: str
    kind: Kind
    recognize: Recognize


def before(text: str, place: int, length: int = 32) -> str:
    """Up to ``length`` characters before a place, of the same line."""
    return text[max(0, place - length) : place].rpartition("\n")[2]


def stands_behind(words: re.Pattern[str], text: str, place: int) -> bool:
    """Whether the words, a pattern that ends in ``$``, stand right before a place."""
    return words.search(before(text, place)) is not None
