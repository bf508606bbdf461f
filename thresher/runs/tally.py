# SPDX-License-Identifier: Apache-2.0
"""Tally: how much of what was found went to quarantine, over all runs of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thresher.runs.part import PartRecord, rows_found, rows_met
from thresher.stats import StageCounts


@dataclass
class Tally:
    """Rows and bytes found, or made of what was found, and those of them that are in quarantine.

    ``rows_read``, ``bytes_read`` and ``parts_read`` are those of parts that did not fail.
    """

    found: int = 0
    quarantined: int = 0
    bytes_found: int = 0
    bytes_lost: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    parts_read: int = 0

    def count(self, record: PartRecord) -> None:
        """Count a recorded part."""
        self.add(record.counts, record.failure, record.source_bytes, record.segment == 0)

    def add(
        self, counts: Sequence[StageCounts], failure: str, source_bytes: int, first: bool = True
    ) -> None:
        """Count one part; rows are found in the ``first`` Segment, and where a reader is.

        Bytes of later Segments are those of the first, seen again; those that are lost count.
        """
        self.bytes_found += source_bytes if first or failure else 0
        if failure:
            self.bytes_lost += source_bytes
        if not counts:
            return
        self.quarantined += sum(stage.quarantined for stage in counts)
        self.found += rows_met(counts) - rows_found(counts)  # those that stages made
        reads = any(stage.metrics.get("is_reader") for stage in counts)
        if not first and not reads:
            return
        self.found += rows_found(counts)
        if not failure:
            self.rows_read += rows_found(counts)
            self.bytes_read += source_bytes
            self.parts_read += 1

    def rows_in(self, source_bytes: int) -> int:
        """Rows that a part of so many bytes is likely to hold; 0 if nothing is known."""
        if source_bytes and self.bytes_read:
            return round(self.rows_read * source_bytes / self.bytes_read)
        return round(self.rows_read / self.parts_read) if self.parts_read else 0

    @property
    def share_of_rows(self) -> float:
        """Rows in quarantine among those found."""
        return self.quarantined / self.found if self.found else 0.0

    @property
    def share_of_bytes(self) -> float:
        """Bytes of the sources that are in quarantine as a whole among those found."""
        return self.bytes_lost / self.bytes_found if self.bytes_found else 0.0
