# SPDX-License-Identifier: Apache-2.0
"""What a run tells while it goes on, to a terminal view, a log, or nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands.

    ``counts`` has one entry per stage, over all committed parts, earlier runs included.
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


@dataclass(frozen=True)
class RunEnd:
    """How a run ended: ``status`` is "complete", "nothing to do", "interrupted" or "failed"."""

    status: str
    seconds: float
    snapshot: Snapshot
    output: str
    run_dir: str
    manifest: str = ""
    quarantine: str = ""
    error: str = ""
    warnings: tuple[str, ...] = field(default=())


class Observer:
    """Is told; does nothing. Views and logs override what they show."""

    def started(self, start: RunStart) -> None:
        """The plan is made and work begins."""

    def progressed(self, snapshot: Snapshot) -> None:
        """Something has changed; called at most a few times a second."""

    def warned(self, text: str) -> None:
        """Something the user should know at once."""

    def ended(self, end: RunEnd) -> None:
        """The run is over, one way or another."""
