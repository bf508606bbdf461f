# SPDX-License-Identifier: Apache-2.0
"""Supervisor: matches calls and workers for one Segment, on whatever pool there is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event as CancelEvent

import cloudpickle

from thresher.backends.context import Attempt, RunContext
from thresher.backends.envelope import Envelope
from thresher.backends.executor import Lease, Message, PartSource, Started
from thresher.backends.parcel import Parcel
from thresher.backends.pool import Event, Pool
from thresher.errors import StageError
from thresher.planning.plan import Step

POLL_SECONDS = 0.1
_ROUNDING = 1e-6


@dataclass
class Supervisor:
    """Matches envelopes and workers for one Segment."""

    steps: tuple[Step, ...]
    pool: Pool
    parts: PartSource
    sink: Callable[[Message], None]
    slots: int
    nodes: int = 1
    waiting: list[deque[Envelope]] = field(init=False)
    running: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = [deque() for _ in self.steps]
        self.running = {step.index: 0 for step in self.steps}

    def run(self, cancel: CancelEvent) -> None:
        """Until there is nothing left to do, or somebody cancels."""
        while not cancel.is_set():
            self._assign()
            done = self.parts.done  # asked every time: it is also where parts are committed
            if done and not any(self.running.values()) and not any(self.waiting):
                return
            for event in self.pool.wait(POLL_SECONDS):
                self._meet(event)
        for queue in self.waiting:
            for envelope in queue:
                envelope.parcel.discard()

    def _assign(self) -> None:
        while self.pool.free() and (envelope := self._next()) is not None:
            self.running[envelope.step] += 1
            self.sink(Started(envelope.attempt.token, envelope.path, envelope.step))
            self.pool.submit(envelope)

    def _next(self) -> Envelope | None:
        """The most downstream envelope that may run; a new lease when there is none.

        One that only waits for cores is not overtaken: it would wait until all sources are read.
        """
        for step in reversed(self.steps):
            queue = self.waiting[step.index]
            while queue and not self.parts.is_live(queue[0].attempt.token):
                queue.popleft().parcel.discard()
            if queue and self._has_workers(step) and self.pool.takes(step.index):
                return queue.popleft() if self._has_cores(step) else None
        first = self.steps[0]
        if not (self._has_workers(first) and self.pool.takes(0) and self._has_cores(first)):
            return None
        lease = self.parts.take()
        return root(lease) if lease is not None else None

    def _has_workers(self, step: Step) -> bool:
        """Whether the Step's own limit of workers leaves room."""
        most = step.workers_on(self.nodes)
        return most is None or self.running[step.index] < most

    def _has_cores(self, step: Step) -> bool:
        """Whether the cores that are not taken suffice; a Step that runs alone always has them."""
        used = sum(self._cores(s) * self.running[s.index] for s in self.steps)
        return used == 0 or used + self._cores(step) <= max(self.slots, 1) + _ROUNDING

    def _cores(self, step: Step) -> float:
        return min(step.resources.cpus, max(self.slots, 1))

    def _meet(self, event: Event) -> None:
        envelope = event.envelope
        if envelope is not None:
            self.running[envelope.step] -= 1
            envelope.parcel.discard()
            live = self.parts.is_live(envelope.attempt.token)
            for child in event.children:
                if live:
                    self.waiting[child.step].append(child)
                else:
                    child.parcel.discard()
        self.sink(event.message)


def packed(steps: tuple[Step, ...], context: RunContext) -> bytes:
    """What workers need to know, as bytes.

    Raises
    ------
    StageError
        If a stage cannot be sent to workers.
    """
    try:
        return cloudpickle.dumps((steps, context), protocol=5)
    except Exception:
        for stage in (stage for step in steps for stage in step.stages):
            try:
                cloudpickle.dumps(stage, protocol=5)
            except Exception as error:
                raise StageError(
                    f"it cannot be sent to workers: {error}",
                    where=f"stage {stage.name!r}",
                    todo="make what cannot be pickled (models, locks, connections) in setup()",
                ) from error
        raise


def root(lease: Lease) -> Envelope:
    """The first call of an attempt."""
    attempt = Attempt(
        lease.token,
        lease.part.name,
        lease.rows,
        tuple(lease.skip.items()),
        lease.probe,
        lease.lost_files,
        lease.reject,
        lease.again,
        lease.part.source_file,
    )
    return Envelope(attempt, (), 0, Parcel(task=lease.part.task))
