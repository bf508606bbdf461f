# SPDX-License-Identifier: Apache-2.0
"""Tally: how much of what was found went to quarantine, over all runs of a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from thresher.runs.part import PartRecord, reader_of
from thresher.stats import StageCounts

Level = tuple[int, int]
"""A stage's place in the pipeline: its Segment, and its number there."""


@dataclass
class Tally:
    """Rows and bytes found, or made of what was found, and those of them that are in quarantine.

    ``rows_read``, ``bytes_read`` and ``parts_read`` are those of parts that did not fail.
    ``more`` are the rows that were met at a stage for the first time, ``lost`` those that it lost.
    """

    more: Counter[Level] = field(default_factory=Counter)
    lost: Counter[Level] = field(default_factory=Counter)
    bytes_found: int = 0
    bytes_lost: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    parts_read: int = 0

    def count(self, record: PartRecord) -> None:
        """Count a recorded part."""
        self.add(record.counts, record.failure, record.source_bytes, record.segment)

    def add(
        self, counts: Sequence[StageCounts], failure: str, source_bytes: int, segment: int = 0
    ) -> None:
        """Count one part; rows are found in the first Segment, and where a reader is.

        Bytes of later Segments are those of the first, seen again; those that are lost count.
        """
        self.bytes_found += 0 if segment and not failure else source_bytes
        if failure:
            self.bytes_lost += source_bytes
        if not counts:
            return
        reader = reader_of(counts)
        found = counts[reader or 0].rows_in
        finds = not segment or reader is not None
        self._add_levels(counts, segment, reader or 0, found if finds else 0)
        if finds and not failure:
            self.rows_read += found
            self.bytes_read += source_bytes
            self.parts_read += 1

    def _add_levels(
        self, counts: Sequence[StageCounts], segment: int, first: int, found: int
    ) -> None:
        """Count a part's rows at each of its stages; ``first`` is the one that found them.

        A stage that loses the numbers of rows does not tell how many it made: the next is given
        them.
        """
        met, made = counts[first].rows_in, found
        for at, stage in enumerate(counts):
            if at > first:
                made = max(made, stage.rows_in - met)
                met += made
            self.more[segment, at] += made
            self.lost[segment, at] += stage.quarantined
            made = stage.expanded if at >= first else 0

    @property
    def found(self) -> int:
        """Rows found, or made of what was found."""
        return self.more.total()

    @property
    def worst(self) -> tuple[int, int]:
        """Rows in quarantine and rows met, up to the stage where their share is the largest.

        Rows that a stage makes of one cannot hide how many were lost before.
        """
        lost = met = 0
        worst = (0, 0)
        for level in sorted(self.more):
            lost, met = lost + self.lost[level], met + self.more[level]
            if lost * worst[1] > worst[0] * met or (lost and not worst[1]):
                worst = (lost, met)
        return worst

    def rows_in(self, source_bytes: int) -> int:
        """Rows that a part of so many bytes is likely to hold; 0 if nothing is known."""
        if source_bytes and self.bytes_read:
            return round(self.rows_read * source_bytes / self.bytes_read)
        return round(self.rows_read / self.parts_read) if self.parts_read else 0

    @property
    def share_of_rows(self) -> float:
        """Rows in quarantine among those met, where that is the most."""
        lost, met = self.worst
        return lost / met if met else 0.0

    @property
    def share_of_bytes(self) -> float:
        """Bytes of the sources that are in quarantine as a whole among those found."""
        return self.bytes_lost / self.bytes_found if self.bytes_found else 0.0
