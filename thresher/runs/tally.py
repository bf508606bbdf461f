# SPDX-License-Identifier: Apache-2.0
"""Tally: how much of what was found went to quarantine, over all runs of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thresher.runs.part import PartRecord, rows_found
from thresher.stats import StageCounts


@dataclass
class Tally:
    """Rows and bytes found, and those of them that are in quarantine."""

    found: int = 0
    quarantined: int = 0
    bytes_found: int = 0
    bytes_lost: int = 0

    def count(self, record: PartRecord) -> None:
        """Count a recorded part."""
        first = record.segment == 0
        # Bytes of later Segments are those of the first, seen again.
        size = record.source_bytes if first or record.failure else 0
        self.add(record.counts, record.failure, size, first)

    def add(
        self, counts: Sequence[StageCounts], failure: str, source_bytes: int, first: bool = True
    ) -> None:
        """Count one part; rows are found in the ``first`` Segment only."""
        self.bytes_found += source_bytes
        if failure:
            self.bytes_lost += source_bytes
        if counts:
            self.found += rows_found(counts) if first else 0
            self.quarantined += sum(stage.quarantined for stage in counts)

    def rows_in(self, source_bytes: int) -> int:
        """Rows that so many bytes are likely to hold; 0 if nothing is known."""
        return round(self.found * source_bytes / self.bytes_found) if self.bytes_found else 0

    @property
    def share_of_rows(self) -> float:
        """Rows in quarantine among those found."""
        return self.quarantined / self.found if self.found else 0.0

    @property
    def share_of_bytes(self) -> float:
        """Bytes of the sources that are in quarantine as a whole among those found."""
        return self.bytes_lost / self.bytes_found if self.bytes_found else 0.0
