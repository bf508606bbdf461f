# SPDX-License-Identifier: Apache-2.0
"""Finds personal data in texts and in columns of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from thresher.kernels.arrow_text import text_chunks
from thresher.kernels.compiled import ready
from thresher.kernels.pii_places_plain import Kind, Places, places, places_of
from thresher.stages.text.pii.match import Match, without_overlaps
from thresher.stages.text.pii.recognizers.recognizer import Recognizer
from thresher.stages.text.pii.types import PRIORITY, recognizers_of

Found = dict[int, list[Match]]
"""Matches by row, in order; rows without any are left out."""


class PatternFinder:
    """Finds what has a pattern: at each place a cheap look finds, the recognizers are asked.

    A recognizer is not asked within what it has found already.
    """

    def __init__(self, types: Sequence[str], phone_regions: Sequence[str] | None = None) -> None:
        self._by_kind: dict[int, list[Recognizer]] = defaultdict(list)
        for each in recognizers_of(types, phone_regions):
            self._by_kind[int(each.kind)].append(each)
        self.kinds = frozenset(map(Kind, self._by_kind))

    def find(self, text: str) -> list[Match]:
        """All matches in a text, overlapping ones too; the plain definition."""
        return self._at(text, places_of(text, self.kinds))

    def find_column(self, column: pa.Array) -> Found:
        """All matches in a text column."""
        found: Found = {}
        if not self.kinds:
            return found
        each = zip(*(part.tolist() for part in self._places(column)), strict=True)
        for row, group in groupby(each, key=lambda place: place[0]):
            matches = self._at(column[row].as_py(), [place[1:] for place in group])
            if matches:
                found[row] = matches
        return found

    def _at(self, text: str, where: list[tuple[int, int]]) -> list[Match]:
        matches: list[Match] = []
        free: dict[int, int] = {}
        for place, kind in where:
            for each in self._by_kind[kind]:
                if place < free.get(id(each), 0):
                    continue
                span = each.recognize(text, place)
                if span is not None:
                    free[id(each)] = span.end
                    matches.append(Match(span.start, span.end, each.type, span.score))
        return matches

    def _places(self, column: pa.Array) -> Places:
        [chunk] = text_chunks(column)
        if not ready("pii_places", int(chunk.offsets[-1] - chunk.offsets[0])):
            return places(column, self.kinds)
        from thresher.kernels import pii_places

        return pii_places.places(*chunk, self.kinds)


def resolved(matches: list[Match], threshold: float) -> list[Match]:
    """Matches that score enough, without overlaps."""
    return without_overlaps((m for m in matches if m.score >= threshold), PRIORITY)
