# SPDX-License-Identifier: Apache-2.0
"""Conductor: leads one Segment; carries leases down, messages up, and outcomes into the ledger."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from time import monotonic

from thresher.backends.context import RunContext
from thresher.backends.driver import Driver
from thresher.backends.executor import BaseExecutor, Done, Failed, Lease, Message
from thresher.pipeline.interrupts import Interrupts
from thresher.pipeline.progress import Progress
from thresher.planning.plan import Segment
from thresher.runs.part import Outcome
from thresher.runs.run import Run

COMMIT_AFTER_SECONDS = 0.5
COMMIT_AFTER_PARTS = 256
STUCK_AFTER_SECONDS = float(os.environ.get("THRESHER_STUCK_AFTER", "120"))


class Conductor:
    """The part source and the message sink an executor sees."""

    def __init__(
        self,
        driver: Driver,
        run: Run,
        progress: Progress,
        interrupts: Interrupts,
        executor: BaseExecutor,
        commit: Callable[[list[Outcome]], None] | None = None,
    ) -> None:
        self.driver = driver
        self.run = run
        self.progress = progress
        self.interrupts = interrupts
        self.executor = executor
        self._record = commit or self._recorded
        self._told: set[str] = set()
        self._outcomes: list[Outcome] = []
        self._oldest = 0.0
        self._warned: set[tuple[str, str]] = set()
        self._watched = monotonic()
        executor.announce = progress.observer.warned  # type: ignore[method-assign]

    def conduct(self, segment: Segment, context: RunContext) -> None:
        """Run the Segment, then commit what is finished, come what may."""
        try:
            self.executor.run_segment(
                segment.steps, context, self, self.sink, self.interrupts.cancel
            )
        finally:
            self._commit()

    # -- what executors call ------------------------------------------------------------------

    def take(self) -> Lease | None:
        """The next lease; on the way, finished parts are committed when it is time."""
        if self.interrupts.draining:
            self.driver.drain()
        self._commit_if_due()
        return self.driver.take(monotonic())

    @property
    def done(self) -> bool:
        """Whether there will never be another lease; on the way, stuck stages are named."""
        self.interrupts.announce()
        if self.interrupts.draining:
            self.driver.drain()
        self._commit_if_due()
        self._watch()
        return self.driver.done

    def is_live(self, token: str) -> bool:
        """Whether an attempt is still wanted."""
        return self.driver.is_live(token)

    def sink(self, message: Message) -> None:
        """Take a message in."""
        if self.driver.is_live(message.token):
            self.progress.observer.heard(message)
        if isinstance(message, Done):
            for warning in dict.fromkeys(message.warnings):
                if warning not in self._told:
                    self._told.add(warning)
                    self.progress.observer.warned(warning)
        if isinstance(message, Failed) and message.kind == "interrupted":
            self._interrupted(message)
        self.driver.handle(message, monotonic())
        ready = self.driver.outcomes()
        if ready and not self._outcomes:
            self._oldest = monotonic()
        self._outcomes += ready
        self._commit_if_due()
        queue = self.driver.bytes_in_flight, self.driver.policy.memory
        activity = self.executor.activity
        self.progress.running(self.driver.running, self.driver.restarts, queue, activity)

    def _interrupted(self, message: Failed) -> None:
        """End the run as the first Ctrl-C does: a stage has raised KeyboardInterrupt."""
        if not self.interrupts.draining and self.driver.is_live(message.token):
            self.interrupts.draining = True
            self.progress.observer.warned(
                f"interrupted by a KeyboardInterrupt in {message.stage}: finishing what is "
                "running; Ctrl-C stops now (both resume)"
            )
            self.driver.drain()

    # -- committing ---------------------------------------------------------------------------

    def _commit_if_due(self) -> None:
        waited = monotonic() - self._oldest
        if self._outcomes and (
            len(self._outcomes) >= COMMIT_AFTER_PARTS or waited >= COMMIT_AFTER_SECONDS
        ):
            self._commit()

    def _commit(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            self._record(outcomes)

    def _recorded(self, outcomes: list[Outcome]) -> None:
        self.progress.committed(self.run.commit(outcomes), outcomes)

    # -- watching -----------------------------------------------------------------------------

    def _watch(self) -> None:
        """Name stages that make no progress, and where they are."""
        now = monotonic()
        if now - self._watched < 1.0:
            return
        self._watched = now
        for lease, seconds, stage in self.driver.stuck(now, STUCK_AFTER_SECONDS):
            if (lease.token, stage) in self._warned:
                continue
            self._warned.add((lease.token, stage))
            stack = ""
            with contextlib.suppress(Exception):  # whatever becomes of a worker that is asked
                stack = self.executor.stack(lease.token)
            where = (f"stage {stage!r}, " if stage else "") + f"part {lease.part.name!r}"
            self.progress.observer.warned(
                f"{where}: no progress for {seconds:.0f} s" + (f"\n{stack}" if stack else "")
            )
