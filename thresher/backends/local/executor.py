# SPDX-License-Identifier: Apache-2.0
"""LocalExecutor: the default; this machine's cores, no cluster, nothing to install."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as CancelEvent

from thresher.backends.context import RunContext
from thresher.backends.executor import BaseExecutor, Message, PartSource
from thresher.backends.limits import memory_bytes
from thresher.backends.local.inline import InlinePool
from thresher.backends.local.threads import ThreadPool
from thresher.backends.parcel import ParcelFolders
from thresher.backends.pool import Pool
from thresher.backends.processes import ProcessPool, Recycling, scratch_folder
from thresher.backends.supervisor import Supervisor, packed
from thresher.core.allowance import cpu_limit
from thresher.errors import PlanError
from thresher.planning.plan import Step
from thresher.storage import parse_size


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
        Replace a worker whose resident memory, with that of the processes it has started, is above
        this after a call.
    """

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
        self.workers = cpu_limit() if workers is None else workers
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
        for stage in (stage for step in steps for stage in step.stages):
            if unmet := sorted(set(stage.runtime_env or ()) - {"py_executable"}):
                told = f"stage {stage.name!r} runs without its runtime_env's {', '.join(unmet)}"
                self.announce(f"{told}: that needs Ray")
        blob = packed(steps, context)
        pool = self.at_work = self._pool(steps, blob)
        try:
            Supervisor(steps, pool, parts, sink, self.workers).run(cancel)
        finally:
            self.at_work = None
            if pool is not self._processes:
                pool.close(kill=cancel.is_set())

    def close(self) -> None:
        """Stop the worker processes."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None

    def _pool(self, steps: tuple[Step, ...], blob: bytes) -> Pool:
        if self.workers == 0:
            return InlinePool(blob)
        if all(step.gil_free for step in steps):
            return ThreadPool(self.workers, blob)
        self.prepare()
        assert self._processes is not None
        self._processes.serve(blob)
        return self._processes
