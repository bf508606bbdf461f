# SPDX-License-Identifier: Apache-2.0
"""Controls: is it the part that fails, or would any part fail by now?

A part that fails for want of something outside the data, or whose worker dies, is to blame only if
another part goes well meanwhile. If none does, one that has gone well before is tried again, and
its outcome thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from thresher.errors import ThresherError
from thresher.runs.part import Part, PartRecord
from thresher.stats import StageCounts

PLACE_PARTS = 3
"""Parts that fail in a row for want of something outside the data, after which it is in doubt
whether any would go well."""

_SPREAD = 7919
"""A prime: neighbours often share what they lack, so parts are tried all over the plan."""

MAX_CONTROLS = 3
"""Controls whose workers died one after another, after which workers are found unable to work."""


@dataclass(frozen=True)
class Doubt:
    """Somebody fails, and it may not be its fault.

    ``error`` ends the run if everybody does. ``is_death`` if the worker has died.
    """

    part: str
    error: ThresherError
    is_death: bool = False


@dataclass
class Controls:
    """What is known of parts that went well.

    Parameters
    ----------
    part : Part | None
        One that has gone well, the smallest known.
    well : int
        How many have, in this run.
    failed : set[str]
        Parts that failed since, for want of something outside the data.
    died : int
        Controls whose workers died since.
    turn : int
        Which of the parts to try where none is known to go well: another one in the next run.
    """

    part: Part | None = None
    well: int = 0
    failed: set[str] = field(default_factory=set)
    died: int = 0
    doubt: Doubt | None = None
    turn: int = 0

    def went_well(self, part: Part, counts: Sequence[StageCounts]) -> None:
        """Take a part's good end in."""
        if not has_passed(counts):
            return
        self.passed()
        if self.part is None or part.source_bytes < self.part.source_bytes:
            self.part = part

    def passed(self) -> None:
        """A part can go well."""
        self.well += 1
        self.died = 0
        self.failed.clear()
        self.doubt = None

    def next(self, others: Iterable[Part]) -> Part | None:
        """The part to try; where none is known to go well, one that has not failed."""
        doubt = self.doubt
        if doubt is None or self.part is not None:
            return self.part
        untried = [part for part in others if part.name not in {doubt.part, *self.failed}]
        if not untried or (not doubt.is_death and len(self.failed) >= 2 * PLACE_PARTS):
            return None
        return untried[_SPREAD * (self.turn + len(self.failed)) % len(untried)]


def has_passed(counts: Sequence[StageCounts]) -> bool:
    """Whether rows of a part have come through all stages: an empty file proves nothing."""
    return bool(counts) and counts[-1].rows_in > counts[-1].quarantined


def control_of(parts: Collection[Part], records: Iterable[PartRecord]) -> Part | None:
    """The smallest part that has gone well in an earlier run of the same recipe."""
    named = {(part.key, part.fingerprint): part for part in parts}
    good = [
        named[record.key, record.fingerprint]
        for record in records
        if (record.key, record.fingerprint) in named
        and not record.failure
        and has_passed(record.counts)
    ]
    return min(good, key=lambda part: part.source_bytes, default=None)
