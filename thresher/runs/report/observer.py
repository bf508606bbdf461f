# SPDX-License-Identifier: Apache-2.0
"""What a run tells while it goes on, to a terminal view, a log, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from thresher.runs.part import PartRecord
from thresher.stats import StageCounts


@dataclass(frozen=True)
class RunStart:
    """Facts known when the first part is about to run.

    ``parts`` is the number of parts of all Segments known so far, ``parts_done`` how many of them
    an earlier run has committed.
    """

    pipeline: str
    executor: str
    stages: tuple[str, ...]
    parts: int
    parts_done: int
    source_bytes: int
    output: str
    run_dir: str
    generation: int
    notes: tuple[str, ...] = ()
    shard: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands.

    ``counts`` has one entry per stage, over all committed parts, earlier runs included.
    ``queue_bytes`` are expected of the parts that are running; ``queue_limit`` is what they may
    take. ``workers`` is what the executor tells of its workers, in words. ``failed_parts`` are in
    quarantine as a whole, ``failed_rows`` because a stage or its worker failed on them.
    """

    seconds: float
    parts: int
    parts_done: int
    parts_running: int
    bytes_done: int
    bytes_total: int
    counts: tuple[StageCounts, ...] = ()
    quarantined: int = 0
    worker_restarts: int = 0
    queue_bytes: int = 0
    queue_limit: int = 0
    workers: str = ""
    failed_parts: int = 0
    failed_rows: int = 0


ENDED_WELL = ("complete", "complete with failures", "nothing to do")
"""Statuses of runs whose output is published."""


@dataclass(frozen=True)
class Failure:
    """A part of which something failed: all of it, or the rows on which a stage failed.

    Parameters
    ----------
    part : str
        The part's name.
    rows : int
        Rows in quarantine for it.
    estimated : int
        How many of them could not be counted.
    reason : str
        What went wrong.
    attempts : int
        Runs that have tried it and failed for that cause.
    """

    part: str
    rows: int
    estimated: int
    reason: str
    attempts: int


def failure_of(record: PartRecord) -> Failure:
    """What the record of a part says of its failure."""
    estimated = sum(counts.estimated for counts in record.counts)
    reason = record.reason or record.failure or record.cause
    return Failure(record.name, record.failed_rows, estimated, reason, record.attempts)


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    ``status`` is "complete", "complete with failures", "nothing to do", "interrupted", "failed", or
    "waiting": one of several drivers has done its share, and ``error`` says for what it would have
    to wait.
    """

    status: str
    seconds: float
    snapshot: Snapshot
    output: str
    run_dir: str
    manifest: str = ""
    quarantine: str = ""
    error: str = ""
    warnings: tuple[str, ...] = field(default=())
    of_all: bool = False
    failures: tuple[Failure, ...] = ()


class Observer:
    """Is told; does nothing. Views and logs override what they show."""

    def started(self, start: RunStart) -> None:
        """The plan is made and work begins."""

    def entered(self, segment: int, steps: Sequence[Sequence[str]]) -> None:
        """A Segment begins; ``steps`` are the names of the stages of each of its Steps."""

    def heard(self, message: object) -> None:
        """An executor has reported on an attempt that is still wanted."""

    def progressed(self, snapshot: Snapshot) -> None:
        """Something has changed; called at most a few times a second."""

    def warned(self, text: str) -> None:
        """Something the user should know at once."""

    def ended(self, end: RunEnd) -> None:
        """The run is over, one way or another."""


class Observers(Observer):
    """Several as one."""

    def __init__(self, *observers: Observer) -> None:
        self.observers = observers

    def started(self, start: RunStart) -> None:
        """Tell all."""
        for each in self.observers:
            each.started(start)

    def entered(self, segment: int, steps: Sequence[Sequence[str]]) -> None:
        """Tell all."""
        for each in self.observers:
            each.entered(segment, steps)

    def heard(self, message: object) -> None:
        """Tell all."""
        for each in self.observers:
            each.heard(message)

    def progressed(self, snapshot: Snapshot) -> None:
        """Tell all."""
        for each in self.observers:
            each.progressed(snapshot)

    def warned(self, text: str) -> None:
        """Tell all."""
        for each in self.observers:
            each.warned(text)

    def ended(self, end: RunEnd) -> None:
        """Tell all."""
        for each in self.observers:
            each.ended(end)
