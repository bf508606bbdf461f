# SPDX-License-Identifier: Apache-2.0
"""ShardedSession: one run of one of several drivers that share a run directory.

Its share is run as a single driver runs everything. At the end of every Segment it leaves a mark
and waits for the marks of the others; whoever finds the last marks publishes.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from thresher.backends.driver import Driver, Policy
from thresher.backends.executor import BaseExecutor
from thresher.backends.verdicts import all_failed
from thresher.errors import PlanError, StorageError
from thresher.pipeline.progress import Progress
from thresher.pipeline.result import RunResult
from thresher.pipeline.session import (
    Session,
    all_gil_free,
    needs_shared_store,
    start_of,
    warn_of_columns,
)
from thresher.planning.check import expand
from thresher.planning.compile import compile_plan
from thresher.planning.frozen import FrozenPlan
from thresher.planning.plan import Plan
from thresher.runs.beat import Held
from thresher.runs.final_run import FinalRun
from thresher.runs.ledger import Fenced
from thresher.runs.part import SPILL, Key
from thresher.runs.read_back import FROM_BACKUP
from thresher.runs.report.observer import ENDED_WELL
from thresher.runs.retrying import Retrying
from thresher.runs.shard import Shard
from thresher.runs.shard_run import ShardRun
from thresher.runs.shared import SharedRun
from thresher.runs.tally import Tally
from thresher.stages.writing import BaseWriter
from thresher.storage import store_for
from thresher.tasks import Task

if TYPE_CHECKING:
    from thresher.pipeline.pipeline import Pipeline

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
PREPARING_SECONDS = 60.0
"""How long another driver may take to apply the writer's mode before this one gives up."""

Planner = Callable[[FrozenPlan | None], tuple[Plan, FrozenPlan]]
"""Makes the plan, from what was agreed on if it is given; and what there is to agree on."""


class ShardedSession(Session):
    """One call of :meth:`Pipeline.run` with a shard.

    Parameters
    ----------
    shard : Shard
    wait : float
        Seconds to wait at a barrier.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        executor: BaseExecutor | None,
        shard: Shard,
        wait: float,
        **how: Any,
    ) -> None:
        super().__init__(pipeline, executor, **how)
        self.shard = shard
        self.shard_name = shard.name
        self.wait = wait
        if not self.resume or self.fresh_from is not None:
            raise PlanError(
                "several drivers cannot begin anew, each at its own moment",
                where="shard",
                todo="remove the run directory and its output first, or use another run directory",
            )

    def run(self, initial_tasks: Sequence[Task[Any]] | None, limit: int | None) -> RunResult:
        """Plan with the others, run what is left of this share, and publish if it is the last."""
        asked = self.pipeline.counted_stages()
        stages, _ = expand(asked)
        writer = stages[-1] if stages and isinstance(stages[-1], BaseWriter) else None
        if writer is None and self.run_dir is None:
            raise PlanError(
                "several drivers need a run directory that all of them can reach",
                where="shard",
                todo="give run_dir=, or end the pipeline with a writer",
            )
        paths, _ = self._paths(self.pipeline.name, writer)
        fusion = bool(self.pipeline.config.get("fusion", True))

        @functools.cache
        def planner(frozen: FrozenPlan | None) -> tuple[Plan, FrozenPlan]:
            name = self.pipeline.name
            plan = compile_plan(
                name, asked, initial_tasks, limit=limit, fusion=fusion, frozen=frozen
            )
            self._check_run_dir(plan)
            return plan, FrozenPlan.of(plan, stages, limit)

        try:
            if not all_gil_free(asked):
                self.executor.prepare()
            stores = store_for(paths.run_dir), store_for(paths.output or paths.run_dir)
            name, take_over = self.pipeline.name, self.take_over
            if stores[0].size(f"{paths.run_dir}/run.json") is None:
                planner(None)  # a mistake in the recipe leaves nothing behind
            shared = SharedRun(name, paths, stores, self.shard, take_over=take_over)
            return self.share(shared, planner)
        finally:
            self.executor.close()

    def share(self, shared: SharedRun, planner: Planner) -> RunResult:
        """Run this driver's share of a run."""
        plan, is_done = self._agree(shared, planner)
        share = replace(plan, parts=tuple(p for p in plan.parts if self.shard.owns(p.name)))
        run = shared.open_shard()
        progress = Progress(self.observer, share, run, self.began)
        status, error = "failed", ""
        try:
            if is_done:
                status = "nothing to do"
                progress.start(start_of(self, share, run, progress))
            else:
                status = self._work(plan, share, shared, run, progress)
            if status == "waiting":
                error = self._waits_for(shared, len(plan.segments) - 1)
            if status not in ENDED_WELL:
                return self._result(share, run, status, temporary=False)
            final = shared.open_final()
            run.published = final.state.sealed
            final.close()
            keys = self._keys(plan, final)
            progress.tell_of_all(plan, final, keys)
            if final.failures(keys):
                status = "complete with failures"
                run.note_published(final.state.sealed)
            return self._result(plan, final, status, temporary=False)
        except BaseException as raised:  # told by the view as it closes, then raised again
            error = str(raised)
            raise
        finally:
            run.close()
            progress.end(status, error)

    # -- the plan -----------------------------------------------------------------------------

    def _agree(self, shared: SharedRun, planner: Planner) -> tuple[Plan, bool]:
        """The plan that all drivers follow, and whether it is carried out already."""
        data = shared.read_plan()
        if data is None:
            plan, mine = planner(None)
            self._expect(shared, plan)
            final = shared.open_final()
            if final.is_sealed and self._is_settled(plan, shared, final):
                return plan, True
            self._check_retry(plan, final)
            self._prepare(shared)
            data = shared.write_plan(mine.to_bytes())
        try:
            frozen = FrozenPlan.from_bytes(data)
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"the file is damaged: {error!r}", where=shared.plan_path, todo=FROM_BACKUP
            ) from error
        plan, mine = planner(frozen)
        frozen.check(mine, shared.plan_path)
        self._expect(shared, plan)
        return plan, False

    def _is_settled(self, plan: Plan, shared: SharedRun, final: FinalRun) -> bool:
        """Whether nothing is to be done; what failed is tried again by a further call only.

        Drivers that had to be started again to wait for the others come when all is published.
        """
        if self.retry == "failed" and not shared.has_told:
            final.retrying = Retrying("none")
        return self._is_all_done(plan, final)

    def _expect(self, shared: SharedRun, plan: Plan) -> None:
        shared.expect([part.name for part in plan.parts], self._retrying(plan))

    def _prepare(self, shared: SharedRun) -> None:
        """Have the writer's mode applied, once and before anything is written."""
        until = monotonic() + PREPARING_SECONDS
        while shared.final_state().prepared is None:
            try:
                with shared.hold():
                    return
            except (Held, Fenced):
                if monotonic() > until:
                    raise
                sleep(FIRST_PAUSE)

    # -- the share ----------------------------------------------------------------------------

    def _work(
        self, plan: Plan, share: Plan, shared: SharedRun, run: ShardRun, progress: Progress
    ) -> str:
        if run.paths.output and not run.publisher.store(SPILL).is_local:
            needs_shared_store(run, self.executor)
        # Only when all have ended their shares, and yet the run is not published, has it failed;
        # before that a call waits for the others, and what it has tried is not tried again.
        has_failed = not shared.marks.missing(len(plan.segments) - 1)
        run.retrying = replace(run.retrying, fresh=has_failed)
        self._check_retry(share, run)
        is_needed = self._begin(share, shared, run)
        progress.known = self._keys(share, run)
        progress.start(start_of(self, share, run, progress))
        if not is_needed:
            with self.interrupts:
                return self._ended(self._wait_for(shared.is_published))
        self._tell_of_failures(share, run)
        last = len(plan.segments) - 1
        with self.interrupts:
            for segment in share.segments:
                if not self._segment(share, segment, run, progress):
                    return "interrupted"
                number = segment.index
                if run.done <= number:
                    run.end_segment(number, self._keys(share, run) if number == last else None)
                shared.marks.write(number, self.shard.name)
                ready = self._barrier(plan, shared, number)
                if not self._wait_for(ready):
                    return self._ended(False)
        return "complete"

    def _ended(self, is_published: bool) -> str:
        if is_published:
            return "complete"
        return "interrupted" if self.interrupts.draining else "waiting"

    def _begin(self, share: Plan, shared: SharedRun, run: ShardRun) -> bool:
        """Open an epoch, if there is anything to do before the others have to be waited for.

        Returns False if others have published meanwhile, or are about to.
        """
        ended = share.segments[: run.done]
        lost = any(run.pending(self._parts(share, segment, run)) for segment in ended)
        if not lost:
            if len(ended) < len(share.segments):
                run.begin()
            return True
        try:
            with shared.hold() as final:  # nobody publishes while this share is taken back
                if final.generation != shared.generation:
                    return False
                run.begin()
                run.reopen()
                shared.marks.remove(self.shard.name, len(share.segments))
                final.check_held()
        except (Held, Fenced):
            return False
        return True

    def _judge(self, driver: Driver) -> None:
        """Leave the verdict on all errors to who publishes: a share is no fair sample."""

    # -- barriers -----------------------------------------------------------------------------

    def _barrier(self, plan: Plan, shared: SharedRun, number: int) -> Callable[[], bool]:
        if number == len(plan.segments) - 1:
            return lambda: self._is_published(plan, shared)
        return lambda: not shared.marks.missing(number)

    def _wait_for(self, ready: Callable[[], bool]) -> bool:
        until = monotonic() + self.wait
        pause = FIRST_PAUSE
        while not ready():
            self.interrupts.announce()
            left = until - monotonic()
            if self.interrupts.draining or left <= 0:
                return False
            sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return True

    def _waits_for(self, shared: SharedRun, last: int) -> str:
        for number in range(last + 1):
            if missing := shared.marks.missing(number):
                named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
                noun = "shard" if len(missing) == 1 else "shards"
                return f"Of {self.shard.count} drivers {noun} {named} is not as far."
        return "Another driver is publishing."

    # -- publication --------------------------------------------------------------------------

    def _is_published(self, plan: Plan, shared: SharedRun) -> bool:
        """Whether the generation is published; if this driver can do it, it does."""
        if shared.is_published():
            return True
        last = len(plan.segments) - 1
        missing = shared.marks.missing(last)
        if self.shard.name in missing:
            shared.marks.write(last, self.shard.name)
        if set(missing) - {self.shard.name}:
            return False
        try:
            with shared.hold() as final:
                return self._publish(plan, shared, final)
        except (Held, Fenced):
            return False

    def _publish(self, plan: Plan, shared: SharedRun, final: FinalRun) -> bool:
        if final.generation != shared.generation:
            return True  # somebody has been quicker
        states = shared.states()
        behind = [
            str(index)
            for index, state in enumerate(states)
            if state.generation != shared.generation or state.done < len(plan.segments)
        ]
        for shard in behind:  # a mark that its chain has taken back
            shared.marks.remove(shard, len(plan.segments))
        if behind:
            return False
        final.absorb(states)
        keys = self._keys(plan, final)
        if not all(key in final.state.records for key in keys):
            return False
        self._judge_all(final, keys)
        if not self.unify(plan, final):
            return False
        final.seal(keys)
        warn_of_columns(self.observer, plan, [final.state.records[key] for key in keys])
        return True

    def _judge_all(self, final: FinalRun, keys: Sequence[Key]) -> None:
        tally = Tally()
        records = [final.state.records[key] for key in keys]
        for record in records:
            tally.count(record)
        for number in {record.segment for record in records}:
            segment = [record for record in records if record.segment == number]
            failures = Counter(record.reason for record in segment if record.has_failed_wholly)
            if failures.total() == len(segment):
                raise all_failed(len(segment), failures)
        policy = Policy(self.pipeline.on_error, self.pipeline.max_error_rate)
        judge = Driver([], 1, policy=policy, counted=tally)
        judge.finish()
        if judge.error is not None:
            raise judge.error
