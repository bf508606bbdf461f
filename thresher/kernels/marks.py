# SPDX-License-Identifier: Apache-2.0
"""Marks that kernels and plain definitions both look for."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers

ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")
"""What a line or word that was cut short ends with; compared in lower case."""

BULLETS = ("•", "‣", "⁃", "⁌", "⁍", "∙", "○", "●", "◘", "◦", "⦾", "⦿")
"""What an item of a list begins with."""

ENDS = (".", "?", "!", '"', "'")
"""What a sentence ends with."""

URL_CHARACTERS = string.ascii_letters + string.digits + "$-_@.&+/:=?#~!*(),"
"""What a web address is made of, beside percent escapes."""


PORN = "porn"
"""What addresses of pornographic sites have in them."""

BLANKS = "\t\n\r\b "
"""What keys of a typewriter leave no ink."""

PARENTHESES = "()[]{}⟨⟩"
"""Round, square, curly and angle ones, both sides."""

COMMON_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""What English text is sure to have."""

PLACEHOLDER = "lorem ipsum"
"""How the best known filler text begins; compared in lower case."""

POLICY_PHRASES = (
    "terms of use",
    "privacy policy",
    "privacy overview",
    "privacy & cookies policy",
    "privacy and cookies policy",
    "cookie policy",
    "use cookies",
    "uses cookies",
    "use of cookies",
    "necessary cookies are absolutely essential for the website to function properly",
    "any cookies that may not be particularly necessary for the website to function",
    "if you continue to browse this site without changing your cookie settings",
)
"""What policies, and the banners that point to them, have; compared in lower case."""


def as_rows(marks: Sequence[str]) -> tuple[Bytes, Integers]:
    """The marks in UTF-8: uint8[n, longest], padded with 0, and their lengths int64[n]."""
    encoded = [mark.encode() for mark in marks]
    rows = np.zeros((len(encoded), max(map(len, encoded))), np.uint8)
    for row, mark in zip(rows, encoded, strict=True):
        row[: len(mark)] = list(mark)
    return rows, np.array([len(mark) for mark in encoded], np.int64)
