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


def as_rows(marks: Sequence[str]) -> tuple[Bytes, Integers]:
    """The marks in UTF-8: uint8[n, longest], padded with 0, and their lengths int64[n]."""
    encoded = [mark.encode() for mark in marks]
    rows = np.zeros((len(encoded), max(map(len, encoded))), np.uint8)
    for row, mark in zip(rows, encoded, strict=True):
        row[: len(mark)] = list(mark)
    return rows, np.array([len(mark) for mark in encoded], np.int64)
