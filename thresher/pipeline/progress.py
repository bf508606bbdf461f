# SPDX-License-Identifier: Apache-2.0
"""Progress: what the observers of a run are told, and when."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from time import monotonic

from thresher.planning.plan import Plan, Segment
from thresher.runs.part import Key, Outcome, Part, PartRecord
from thresher.runs.report import Observer, RunEnd, RunStart, Snapshot
from thresher.runs.report.figures import counted
from thresher.runs.report.observer import ENDED_WELL, failure_of
from thresher.runs.run import Run
from thresher.runs.tally import Tally
from thresher.stats import StageCounts

TELL_EVERY_SECONDS = 0.1


class Progress:
    """Gathers counts of committed parts and passes them on, at most ten times a second."""

    def __init__(self, observer: Observer, plan: Plan, run: Run, began: float) -> None:
        self.observer = observer
        self.plan = plan
        self.run = run
        self.began = began
        self.known: list[Key] = []
        self._totals: dict[int, list[StageCounts]] = {}
        self._tally = Tally()
        self._parts = 0
        self._done = 0
        self._bytes_done = 0
        self._failed_parts = self._failed_rows = 0
        self._bytes_total = sum(part.source_bytes for part in plan.parts)
        self._running = 0
        self._queue = (0, 0)
        self._restarts = self._restarts_before = 0
        self._told = 0.0
        self._warnings: list[str] = []
        self._started = False
        self._of_all = False
        self._workers = ""

    def start(self, start: RunStart) -> None:
        """The first part is about to run."""
        self._started = True
        self.observer.started(start)

    def parts_done(self) -> int:
        """Planned parts that need no work."""
        return len(self.plan.parts) - len(self.run.pending(self.plan.parts))

    def meet(self, segment: Segment, parts: Sequence[Part]) -> tuple[int, int]:
        """A Segment begins: count its parts, and what is done of them.

        Returns how many earlier runs have brought to a good end, and to a bad one.
        """
        self._parts += len(parts)
        self._restarts_before = self._restarts
        steps = [[stage.name for stage in step.stages] for step in segment.steps]
        self.observer.entered(segment.index, steps)
        pending = {part.name for part in self.run.pending(parts)}
        done = [part for part in parts if part.name not in pending]
        records = self.run.records(segment.index, done)
        self._count(records)
        failed = sum(record.has_failed_wholly for record in records)
        return len(records) - failed, failed

    def counted(self) -> Tally:
        """What earlier runs found and lost, for the error rate."""
        return deepcopy(self._tally)

    def committed(self, records: Sequence[PartRecord], outcomes: Sequence[Outcome]) -> None:
        """Parts were committed: each with what became of it, or with what stood before."""
        self._count(records)
        for record, outcome in zip(records, outcomes, strict=True):
            if (record.failure, record.failed_rows) != (outcome.failure, outcome.failed_rows):
                self.observer.warned(
                    f"part {record.name!r} failed on {counted(outcome.failed_rows, 'row')} this "
                    f"time, on {record.failed_rows:,} before: what was made of it before stays"
                )
            elif record.failure:
                about = "about " if any(counts.estimated for counts in record.counts) else ""
                rows = f"{about}{counted(record.failed_rows, 'row')}"
                self.observer.warned(
                    f"part {record.name!r} failed, {rows} in quarantine: {record.failure}"
                )
        self._tell()

    def running(
        self, n: int, restarts: int, queue: tuple[int, int] = (0, 0), workers: str = ""
    ) -> None:
        """So many parts are in flight, and so many workers of this Segment were replaced.

        ``queue`` are the bytes that those parts are expected to take, and may take; ``workers`` is
        what the executor tells of its workers.
        """
        self._workers = workers
        self._running = n
        self._queue = queue
        self._restarts = self._restarts_before + restarts
        self._tell()

    def end(self, status: str, error: str) -> None:
        """The run is over."""
        if not self._started:
            return
        quarantined = self.run.counts(self.known)
        end = RunEnd(
            status,
            monotonic() - self.began,
            self.snapshot(),
            self.run.paths.output,
            self.run.paths.run_dir,
            self.run.manifest_path if status in ENDED_WELL else "",
            self.run.quarantine_path if any(counts.quarantined for counts in quarantined) else "",
            error,
            of_all=self._of_all,
            failures=tuple(map(failure_of, self.run.failures(self.known))),
        )
        self.observer.ended(end)

    def tell_of_all(self, plan: Plan, run: Run, keys: list[Key]) -> None:
        """From here on tell of the whole run, not of one driver's share."""
        self.observer.progressed(self.snapshot())
        self._of_all = True
        self.plan, self.run = plan, run
        self.recount(keys)

    def recount(self, keys: list[Key]) -> None:
        """Count everything that is recorded of these parts, and nothing else."""
        self.known = keys
        self._totals, self._parts, self._done, self._bytes_done = {}, len(keys), 0, 0
        self._failed_parts = self._failed_rows = 0
        self._bytes_total = sum(part.source_bytes for part in self.plan.parts)
        records = self.run.state.records
        self._count([records[key] for key in keys if key in records])

    def snapshot(self) -> Snapshot:
        """Where the run stands."""
        counts = tuple(self.run.counts(self.known)) if not self._totals else self._flat()
        return Snapshot(
            monotonic() - self.began,
            self._parts or len(self.plan.parts),
            self._done,
            self._running,
            self._bytes_done,
            self._bytes_total,
            counts,
            sum(stage.quarantined for stage in counts),
            self._restarts,
            *self._queue,
            self._workers,
            self._failed_parts,
            self._failed_rows,
        )

    def _flat(self) -> tuple[StageCounts, ...]:
        return tuple(c for segment in sorted(self._totals) for c in self._totals[segment])

    def _count(self, records: Sequence[PartRecord]) -> None:
        for record in records:
            self._tally.count(record)
            totals = self._totals.setdefault(record.segment, [])
            for index, counts in enumerate(record.counts):
                if index == len(totals):
                    totals.append(StageCounts(counts.stage))
                totals[index].add(counts)
            self._done += 1
            self._failed_parts += bool(record.failure)
            self._failed_rows += record.failed_rows
            if record.segment == 0:
                self._bytes_done += record.source_bytes

    def _tell(self) -> None:
        now = monotonic()
        if now - self._told >= TELL_EVERY_SECONDS:
            self._told = now
            self.observer.progressed(self.snapshot())
