# SPDX-License-Identifier: Apache-2.0
"""Match: a stretch of text that holds personal data; and what becomes of matches that overlap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Match(NamedTuple):
    """Personal data in a text.

    Parameters
    ----------
    start, end : int
        Characters (Unicode code points) of the text; ``text[start:end]`` is the data.
    type : str
        What it is, such as ``"EMAIL_ADDRESS"``.
    score : float
        How sure that is, from 0 to 1: 1.0 where a checksum agrees, less where only form or
        context speak for it.
    """

    start: int
    end: int
    type: str
    score: float


def without_overlaps(matches: Iterable[Match], priority: dict[str, int]) -> list[Match]:
    """Matches in order of their places, none of which overlap.

    Matches that overlap, directly or through others, become one that spans them all, so that
    nothing found stays in a text that is redacted. Its type and score are those of the longest;
    among equally long ones of the type with the lowest number in ``priority``, then of the first.
    """
    merged: list[Match] = []
    best: list[tuple[int, int, int]] = []
    for match in sorted(matches):
        rank = (match.start - match.end, priority.get(match.type, len(priority)), match.start)
        if not merged or match.start >= merged[-1].end:
            merged.append(match)
            best.append(rank)
            continue
        before = merged[-1]
        winner = match if rank < best[-1] else before
        best[-1] = min(best[-1], rank)
        merged[-1] = winner._replace(start=before.start, end=max(before.end, match.end))
    return merged
