# SPDX-License-Identifier: Apache-2.0
"""RunMetrics: an observer that keeps the series of a run, for any endpoint to publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

from thresher import __version__
from thresher.backends.executor import Done, Failed, Heartbeat, Started
from thresher.metrics.crew import Crew
from thresher.metrics.labels import Reasons, distinct, step_label
from thresher.metrics.machine import sample_disks, sample_gpus
from thresher.metrics.series import STATUSES
from thresher.metrics.values import Values
from thresher.runs.report import Observer, RunEnd, RunStart, Snapshot
from thresher.stats import StageCounts

SAMPLE_EVERY_SECONDS = 10.0

_LEDGER = {
    "quarantined_rows_total": "quarantined",
    "expanded_rows_total": "expanded",
    "merged_rows_total": "merged",
    "bytes_total": "bytes_in",
    "tasks_total": "tasks",
    "stage_seconds_total": "seconds",
    "stage_cpu_seconds_total": "cpu_seconds",
}


class RunMetrics(Observer):
    """Keeps :class:`Values` up to date.

    Counters of rows start from what the ledger has: they equal the manifest's counts, resumed or
    not. Counters of what happened to workers start from 0.

    Parameters
    ----------
    publish : Callable[[Values], None]
        Is called whenever something has changed, a few times a second at most.
    """

    def __init__(self, publish: Callable[[Values], None]) -> None:
        self.publish = publish
        self.values: Values | None = None
        self._stages: list[str] = []

    def started(self, start: RunStart) -> None:
        """A new set of series, of this run alone."""
        now = time.time()
        began = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        values = Values((start.pipeline, start.shard, began.replace("+00:00", "Z")))
        self._stages = distinct(start.stages)
        self._reasons = Reasons()
        self._crew = Crew(values)
        self._steps: dict[int, list[list[str]]] = {}
        self._first: Snapshot | None = None
        self._last: tuple[object, ...] = ()
        self._output = start.output or start.run_dir
        self._sampled = -SAMPLE_EVERY_SECONDS
        self.values = values
        values.refresh = self._refresh
        values.set("run_info", 1, start.executor.partition(":")[0], __version__)
        values.set("run_start_timestamp_seconds", now)
        values.set("run_end_timestamp_seconds", 0)
        values.add("worker_restarts_total", 0)
        self._status("running")
        self._progress()
        zero = tuple(StageCounts(stage) for stage in start.stages)
        done, size = start.parts_done, start.source_bytes
        self._show(Snapshot(0.0, start.parts, done, 0, 0, size, zero))
        self.publish(values)

    def entered(self, segment: int, steps: Sequence[Sequence[str]]) -> None:
        """A Segment begins."""
        if segment not in self._steps:
            names = iter(self._stages[sum(len(s) for each in self._steps.values() for s in each) :])
            self._steps[segment] = [list(islice(names, len(stages))) for stages in steps]
        before = sum(len(each) for number, each in self._steps.items() if number < segment)
        self._here = self._steps[segment]
        self._crew.meet([step_label(before + i, names) for i, names in enumerate(self._here, 1)])

    def heard(self, message: object) -> None:
        """A message of a worker's."""
        assert self.values is not None
        if isinstance(message, Heartbeat):
            # Those that only say that a worker lives are no progress.
            now = message.token, message.rows, message.stage
            if now != self._last:
                self._last = now
                self._progress()
            return
        self._progress()
        if isinstance(message, Started):
            self._crew.started(message)
        elif isinstance(message, Done):
            self._crew.finished(message)
            for stage, counts in zip(self._here[message.step], message.counts, strict=False):
                if counts.tasks:
                    self.values.observe("task_seconds", counts.seconds, stage)
        elif isinstance(message, Failed):
            self._crew.finished(message)
            # Of other errors the place is a path.
            stage = message.stage if message.stage in self._stages else ""
            self.values.add("failed_attempts_total", 1, stage, message.kind)

    def progressed(self, snapshot: Snapshot) -> None:
        """Where the run stands, by the ledger."""
        assert self.values is not None
        if self._first is None:
            self._first = snapshot
        self._show(snapshot)
        self.publish(self.values)

    def ended(self, end: RunEnd) -> None:
        """The last figures stay."""
        assert self.values is not None
        self._crew.dismiss()
        if not end.of_all:  # each of several drivers publishes its own share
            self._show(end.snapshot)
        self.values.set("parts_in_flight", 0)
        self.values.set("queue_bytes", 0)
        self.values.drop("eta_seconds")
        self.values.set("run_end_timestamp_seconds", time.time())
        self._status(end.status)
        self.publish(self.values)

    # -- parts of it --------------------------------------------------------------------------

    def _show(self, now: Snapshot) -> None:
        values = self.values
        assert values is not None
        values.set("parts", now.parts)
        values.set("parts_done", now.parts_done)
        values.set("parts_in_flight", now.parts_running)
        values.set("failed_parts", now.failed_parts)
        values.set("failed_rows", now.failed_rows)
        values.set("source_bytes", now.bytes_total)
        values.set("source_bytes_done", now.bytes_done)
        values.set("queue_bytes", now.queue_bytes)
        if now.queue_limit:
            values.set("queue_limit_bytes", now.queue_limit)
        values.set("worker_restarts_total", now.worker_restarts)
        left = seconds_left(self._first, now) if self._first else None
        if left is not None:
            values.set("eta_seconds", left)
        names = distinct([counts.stage for counts in now.counts])
        for stage, counts in zip(names, now.counts, strict=True):
            self._count(values, stage, counts)

    def _count(self, values: Values, stage: str, counts: StageCounts) -> None:
        values.set("rows_total", counts.rows_in, stage, "in")
        values.set("rows_total", counts.rows_out, stage, "out")
        for name, attribute in _LEDGER.items():
            values.set(name, getattr(counts, attribute), stage)
        for reason, rows in self._reasons.fold(stage, counts.dropped).items():
            values.set("dropped_rows_total", rows, stage, reason)

    def _status(self, status: str) -> None:
        assert self.values is not None
        for each in STATUSES:
            self.values.set("run_status", each == status, each)

    def _progress(self) -> None:
        assert self.values is not None
        self.values.set("last_progress_timestamp_seconds", time.time())

    def _refresh(self) -> None:
        """What changes by itself; asked for by endpoints before they publish."""
        now = time.monotonic()
        if now - self._sampled < SAMPLE_EVERY_SECONDS or self.values is None:
            return
        self._sampled = now
        self._crew.refresh()
        sample_disks(self.values, self._output)
        sample_gpus(self.values)


def seconds_left(first: Snapshot, now: Snapshot) -> float | None:
    """What is left, at the rate since ``first``: what earlier runs did took no time of this one."""
    by_bytes = now.bytes_total > 0
    total = now.bytes_total if by_bytes else now.parts
    done = now.bytes_done if by_bytes else now.parts_done
    before = first.bytes_done if by_bytes else first.parts_done
    if done <= before or now.seconds <= first.seconds:
        return None
    return (total - done) * (now.seconds - first.seconds) / (done - before)
