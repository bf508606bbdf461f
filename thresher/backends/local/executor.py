# SPDX-License-Identifier: Apache-2.0
"""LocalExecutor: the default; this machine's cores, no cluster, nothing to install."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event as CancelEvent

import cloudpickle

from thresher.backends.context import Attempt, RunContext
from thresher.backends.executor import BaseExecutor, Lease, Message, PartSource
from thresher.backends.local.limits import cpu_count, memory_bytes
from thresher.backends.local.pool import Event, InlinePool, Pool
from thresher.backends.local.processes import ProcessPool, Recycling, scratch_folder
from thresher.backends.local.threads import ThreadPool
from thresher.backends.parcel import Parcel, ParcelFolders
from thresher.backends.server import Envelope
from thresher.errors import PlanError, StageError
from thresher.planning.plan import Step
from thresher.storage import parse_size

POLL_SECONDS = 0.1


class LocalExecutor(BaseExecutor):
    """Runs pipelines on this machine, and needs nothing set up.

    Parameters
    ----------
    workers : int | None
        Worker processes (or threads, for stages that release the GIL). None: the cores this
        process may use. 0: run everything in the calling thread, for debuggers.
    memory : int | str | None
        Bytes of main memory that parts in flight may take, as a number or like ``"8GB"``. None:
        60% of the machine's or the container's memory.
    max_tasks_per_worker : int | None
        Replace a worker after so many calls.
    max_worker_age_s : float | None
        Replace a worker after so many seconds.
    max_worker_memory : int | str | None
        Replace a worker whose resident memory is above this after a call.
    """

    process_local_ok = True

    def __init__(
        self,
        workers: int | None = None,
        memory: int | str | None = None,
        max_tasks_per_worker: int | None = None,
        max_worker_age_s: float | None = None,
        max_worker_memory: int | str | None = None,
    ) -> None:
        if workers is not None and (not isinstance(workers, int) or workers < 0):
            raise PlanError(f"workers={workers!r} is not a number of workers", todo="0, 1, 2, ...")
        self.workers = cpu_count() if workers is None else workers
        self.memory = memory_bytes() if memory is None else parse_size(memory)
        limit = None if max_worker_memory is None else parse_size(max_worker_memory)
        self.recycling = Recycling(max_tasks_per_worker, max_worker_age_s, limit)
        self._processes: ProcessPool | None = None

    def describe(self) -> str:
        """One line for plans and reports."""
        who = f"{self.workers} workers" if self.workers else "the calling thread"
        return f"LocalExecutor: {who}, {self.memory / 2**30:.1f} GiB for parts in flight"

    def prepare(self) -> None:
        """Start worker processes now; they load while the pipeline is planned."""
        if self.workers and self._processes is None:
            folders = ParcelFolders.create(scratch_folder())
            self._processes = ProcessPool(self.workers, folders, self.recycling)

    def run_segment(
        self,
        steps: tuple[Step, ...],
        context: RunContext,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: CancelEvent,
    ) -> None:
        """Run leases through the Steps, most downstream first."""
        blob = _packed(steps, context)
        pool = self._pool(steps, blob)
        try:
            _Supervisor(steps, pool, parts, sink, self.workers).run(cancel)
        finally:
            if pool is not self._processes:
                pool.close(kill=cancel.is_set())

    def close(self) -> None:
        """Stop the worker processes."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None

    def stack(self, token: str) -> str:
        """The stack of the worker that has an attempt, for the watchdog."""
        return self._processes.stack(token) if self._processes is not None else ""

    def _pool(self, steps: tuple[Step, ...], blob: bytes) -> Pool:
        if self.workers == 0:
            return InlinePool(blob)
        if all(step.gil_free for step in steps):
            return ThreadPool(self.workers, blob)
        self.prepare()
        assert self._processes is not None
        self._processes.serve(blob)
        return self._processes


@dataclass
class _Supervisor:
    """Matches envelopes and workers for one Segment."""

    steps: tuple[Step, ...]
    pool: Pool
    parts: PartSource
    sink: Callable[[Message], None]
    slots: int
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
            self.pool.submit(envelope)

    def _next(self) -> Envelope | None:
        """The most downstream envelope that may run; a new lease when there is none.

        One that only waits for cores is not overtaken: it would wait until all sources are read.
        """
        for step in reversed(self.steps):
            queue = self.waiting[step.index]
            while queue and not self.parts.is_live(queue[0].attempt.token):
                queue.popleft().parcel.discard()
            if queue and self._has_workers(step):
                return queue.popleft() if self._has_cores(step) else None
        first = self.steps[0]
        if not (self._has_workers(first) and self._has_cores(first)):
            return None
        lease = self.parts.take()
        return _root(lease) if lease is not None else None

    def _has_workers(self, step: Step) -> bool:
        """Whether the Step's own limit of workers leaves room."""
        return step.max_workers is None or self.running[step.index] < step.max_workers

    def _has_cores(self, step: Step) -> bool:
        """Whether the cores that are not taken suffice; a Step that runs alone always has them."""
        used = sum(self._cores(s) * self.running[s.index] for s in self.steps)
        return used == 0 or used + self._cores(step) <= max(self.slots, 1)

    def _cores(self, step: Step) -> int:
        return min(max(1, math.ceil(step.resources.cpus)), max(self.slots, 1))

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


def _packed(steps: tuple[Step, ...], context: RunContext) -> bytes:
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


def _root(lease: Lease) -> Envelope:
    attempt = Attempt(
        lease.token, lease.part.name, lease.rows, tuple(lease.skip.items()), lease.probe
    )
    return Envelope(attempt, (), 0, Parcel(task=lease.part.task))


__all__ = ["LocalExecutor"]
