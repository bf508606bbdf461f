# SPDX-License-Identifier: Apache-2.0
"""One life of a driver: the real Session, Conductor, Driver and Run over simulated surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.simulation.broken import Killed
from tests.simulation.process import Process
from tests.simulation.recipe import NAME, Recipe, Sources, plan_of
from tests.simulation.sim_executor import CALM, SimExecutor, Weather
from tests.simulation.sim_store import SimObjectStore, SimStore
from tests.simulation.watch import OUTPUT, RUN_DIR
from thresher.errors import ThresherError
from thresher.pipeline.progress import Progress
from thresher.pipeline.session import Session
from thresher.runs.report import Observer
from thresher.runs.retrying import Which
from thresher.runs.run import Run, RunPaths


@dataclass(frozen=True)
class Driving:
    """What a driver is given."""

    recipe: Recipe
    sources: Sources
    weather: Weather = CALM
    resume: bool = True
    objects: bool = False
    stale: bool = False
    memory: int = 2**31
    max_error_rate: float = 1.0
    on_error: str = "quarantine"
    retry: Which = "failed"
    facts: dict[str, Any] = field(default_factory=dict)

    def __call__(self, process: Process) -> str:
        """Run the pipeline; returns how it ended."""
        executor = SimExecutor(self, process)
        try:
            return self._session(process, executor)
        except Killed:
            if process.world.workers_outlive:
                executor.orphan()
            raise
        except ThresherError as error:
            process.world.trace(f"{process.name}: {type(error).__name__}: {error.what}")
            return f"{type(error).__name__}: {error}"

    def _session(self, process: Process, executor: SimExecutor) -> str:
        plan = plan_of(self.recipe, self.sources)
        if self.resume:
            process.wanted = {(0, p.name, p.fingerprint, p.version) for p in plan.parts}
        store = self._store(process)
        pipeline: Any = SimpleNamespace(
            on_error=self.on_error, max_error_rate=self.max_error_rate, stages=[]
        )
        session = Session(
            pipeline,
            executor,
            run_dir=RUN_DIR,
            resume=self.resume,
            fresh_from=None,
            take_over=True,
            observer=Observer(),
            retry=self.retry,
        )
        paths = RunPaths(OUTPUT, RUN_DIR, self.recipe.mode, "txt")
        run = Run.open(
            NAME, paths, (store, store), take_over=True, beating=False, run_id="simulated"
        )
        run.retrying = session._retrying(plan)
        run.expect([part.name for part in plan.parts])
        progress = Progress(session.observer, plan, run, 0.0)
        _pass_signals(process, session)
        try:
            return session._lead(plan, run, progress)
        except Killed:
            process.doomed = True
            raise
        finally:
            if not process.doomed:
                run.close()

    def _store(self, process: Process) -> SimStore:
        disk, step = process.world.disk, process.step
        if not self.objects:
            return SimStore(disk, step)
        store = SimObjectStore(disk, step)
        if self.stale:
            store.stale = lambda: process.world.rng.random() < 0.5  # type: ignore[method-assign]
        return store


class _Signals(list[str]):
    """Ctrl-C, as the handlers would take it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def append(self, signal: str) -> None:
        self.session.interrupts.draining = True
        if signal == "cancel":
            self.session.interrupts.cancel.set()


def _pass_signals(process: Process, session: Session) -> None:
    process.signals = _Signals(session)
