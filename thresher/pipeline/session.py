# SPDX-License-Identifier: Apache-2.0
"""Session: one run of a pipeline; joins plan, executor, driver and ledger."""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

import xxhash

from thresher.backends.context import RunContext
from thresher.backends.controls import control_of
from thresher.backends.driver import Driver, Policy
from thresher.backends.executor import BaseExecutor
from thresher.errors import EngineError, PlanError
from thresher.kernels.compiled import prepare
from thresher.metrics.switch import with_metrics
from thresher.pipeline.conductor import Conductor
from thresher.pipeline.interrupts import Interrupts
from thresher.pipeline.progress import Progress
from thresher.pipeline.result import RunResult
from thresher.pipeline.unifying import Unifying
from thresher.planning.check import expand
from thresher.planning.environment import environment_digest
from thresher.planning.paths import check_run_dir
from thresher.planning.plan import Plan, Segment
from thresher.planning.source import MEMORY_PER_SOURCE_BYTE
from thresher.runs.columns import absent_everywhere
from thresher.runs.part import SPILL, Key, Part, PartRecord
from thresher.runs.report import Observer, RunStart
from thresher.runs.report.figures import counted
from thresher.runs.report.live import default_view
from thresher.runs.report.observer import failure_of
from thresher.runs.retrying import Retrying, Which
from thresher.runs.run import SHARD, Run, RunPaths
from thresher.runs.source_digest import is_same_source
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.reading import ReaderStage
from thresher.stages.writing import BaseWriter
from thresher.stats import StageCounts
from thresher.storage import absolute, store_for
from thresher.tasks import SpillTask, Task

if TYPE_CHECKING:
    from thresher.pipeline.pipeline import Pipeline


class Session:
    """One call of :meth:`Pipeline.run`."""

    shard_name = ""

    def __init__(
        self,
        pipeline: Pipeline,
        executor: BaseExecutor | None,
        *,
        run_dir: str | None,
        resume: bool,
        fresh_from: str | None,
        take_over: bool,
        observer: Observer | None,
        retry: Which = "failed",
    ) -> None:
        self.pipeline = pipeline
        self.own_executor = executor is None
        self.executor = executor if executor is not None else _default_executor()
        self.run_dir = run_dir
        self.resume = resume
        self.fresh_from = fresh_from
        self.take_over = take_over
        self.retry: Which = retry
        view = observer if observer is not None else default_view()
        self.observer, self.notes = with_metrics(view)
        self.interrupts = Interrupts(view.warned)
        self.began = monotonic()

    def run(self, initial_tasks: Sequence[Task[Any]] | None, limit: int | None) -> RunResult:
        """Plan, run what is left, and publish."""
        try:
            if not all_gil_free(self.pipeline.stages):
                self.executor.prepare()
            return self._run(self.pipeline.plan(self.executor, initial_tasks, limit=limit))
        finally:
            self.executor.close()

    def _run(self, plan: Plan) -> RunResult:
        self._check_run_dir(plan)
        paths, temporary = self._paths(plan.name, plan.writer)
        run = Run.open(
            plan.name,
            paths,
            (store_for(paths.run_dir), store_for(paths.output or paths.run_dir)),
            take_over=self.take_over,
            durable=not temporary,
            beating=not temporary,
            retrying=self._retrying(plan),
        )
        run.expect([part.name for part in plan.parts])
        progress = Progress(self.observer, plan, run, self.began)
        status = "failed"
        error = ""
        try:
            status = self._lead(plan, run, progress)
            return self._result(plan, run, status, temporary)
        except BaseException as raised:
            error = str(raised)
            if temporary:
                shutil.rmtree(paths.run_dir, ignore_errors=True)
            raise
        finally:
            run.close()
            progress.end(status, error)

    def _lead(self, plan: Plan, run: Run, progress: Progress) -> str:
        """Run every Segment; returns the run's status."""
        fresh = self._fresh_segment(plan)
        if fresh is None and run.is_sealed and self._is_all_done(plan, run):
            progress.start(start_of(self, plan, run, progress))
            progress.recount(self._keys(plan, run))
            return "complete with failures" if run.failures(progress.known) else "nothing to do"
        if run.paths.output and not run.publisher.store(SPILL).is_local:
            needs_shared_store(run, self.executor)
        self._check_retry(plan, run)
        run.begin(fresh_from=fresh)
        progress.known = self._keys(plan, run)
        progress.start(start_of(self, plan, run, progress))
        self._tell_of_failures(plan, run)
        with self.interrupts:
            for segment in plan.segments:
                if not self._segment(plan, segment, run, progress):
                    return "interrupted"
            if not self.unify(plan, run):
                return "interrupted"
        keys = progress.known = self._keys(plan, run)
        run.seal(keys)
        warn_of_columns(self.observer, plan, [r for k in keys if (r := run.state.records.get(k))])
        return "complete with failures" if run.failures(keys) else "complete"

    def unify(self, plan: Plan, run: Run) -> bool:
        """Give all output files one schema, where the writer's format has one."""
        segment = plan.segments[-1]
        if plan.writer is None or not plan.writer.typed:
            return True
        records = [
            record
            for each in plan.segments
            for record in run.records(each.index, self._parts(plan, each, run))
        ]
        unifying = Unifying(plan, run, self.executor, self.interrupts, self.observer)
        return unifying.run(records, self._context(segment, run, typed=True))

    # -- failures -----------------------------------------------------------------------------

    def _retrying(self, plan: Plan) -> Retrying:
        stages, executor = plan.stages, self.executor
        return Retrying(self.retry, functools.cache(lambda: environment_digest(stages, executor)))

    def _check_retry(self, plan: Plan, run: Run) -> None:
        """With ``"all"`` nothing but what is in quarantine is run."""
        if self.retry != "all":
            return
        parts = [part for segment in plan.segments for part in self._parts(plan, segment, run)]
        records = run.state.records
        pending = run.pending(parts)
        if not run.is_sealed:  # Segments after one that has failed come after it, as in any run
            first = min((part.segment for part in pending), default=0)
            pending = [part for part in pending if part.segment == first]
        if not run.is_sealed and any(part.key not in records for part in pending):
            raise PlanError(
                "this run is not complete",
                where=run.paths.run_dir,
                todo="run the pipeline again first: it goes on, and tries what failed again, too",
            )
        besides = [
            part.name
            for part in pending
            if part.key not in records or not run.wants_again(records[part.key])
        ]
        if besides:
            raise PlanError(
                f"{counted(len(besides), 'part')} that did not fail would be run, too: the "
                "recipe, its code or the input has changed",
                where=f"part {besides[0]!r}",
                todo="run the pipeline: it runs what has changed, and what failed",
            )

    def _tell_of_failures(self, plan: Plan, run: Run) -> None:
        """Say what is tried again, and what is not."""
        parts = [part for segment in plan.segments for part in self._parts(plan, segment, run)]
        failed = [
            record
            for part in parts
            for record in run.failures([part.key])
            # Another recipe or another source is other work, whatever failed of the one before.
            if record.fingerprint == part.fingerprint and is_same_source(part, record)
            if not run.awaits_others(record)
        ]
        again = [record for record in failed if run.wants_again(record)]
        if again:
            first = failure_of(again[0])
            count = counted(len(again), "part")
            self.observer.warned(
                f"trying again what failed before, in {count}: {first.part} ({first.reason}; "
                f"attempt {first.attempts + 1})" + (", ..." if len(again) > 1 else "")
            )
        if left := len(failed) - len(again):
            self.observer.warned(
                f"{counted(left, 'part')} with failures not tried again: `thresher retry` does"
            )

    def _segment(self, plan: Plan, segment: Segment, run: Run, progress: Progress) -> bool:
        """Run one Segment's pending parts; False if the run was interrupted before its end."""
        parts = self._parts(plan, segment, run)
        good, failed = progress.meet(segment, parts)
        todo = run.pending(parts)
        driver = Driver(
            todo,
            len(segment.steps),
            epoch=run.epoch,
            can_bisect=segment.row_wise,
            policy=Policy(
                self.pipeline.on_error,
                self.pipeline.max_error_rate,
                getattr(self.executor, "memory", 2**31),
            ),
            counted=progress.counted(),
            good_before=good,
            failed_before=failed,
            control=control_of(parts, run.records(segment.index, parts)),
            source=_up_to_reader(segment),
        )
        if todo:
            kernels = {kernel for stage in segment.stages for kernel in stage.kernels()}
            prepare(sorted(kernels), sum(part.source_bytes for part in todo))
            typed = plan.writer is not None and plan.writer.typed
            context = self._context(segment, run, reader=plan.reader, typed=typed)
            conductor = Conductor(driver, run, progress, self.interrupts, self.executor)
            try:
                conductor.conduct(segment, context)
            finally:
                shutil.rmtree(context.node_folder, ignore_errors=True)
        is_done = not run.pending(parts)
        if is_done:
            self._judge(driver)
        if driver.error is not None:
            raise driver.error
        return is_done

    def _judge(self, driver: Driver) -> None:
        """Judge a Segment's errors at its end."""
        driver.finish()

    # -- parts --------------------------------------------------------------------------------

    def _parts(self, plan: Plan, segment: Segment, run: Run) -> list[Part]:
        """The Segment's parts: planned ones, or what the Segment before has committed."""
        if segment.index == 0:
            return list(plan.parts)
        before = self._parts(plan, plan.segments[segment.index - 1], run)
        files = {part.name: part.source_file for part in before}
        found = []
        for record in run.records(segment.index - 1, before):
            spill = record.on_port(SPILL)
            if not spill:
                continue
            paths = [f"{run.paths.run_dir}/{file.final}" for file in spill]
            size = sum(file.bytes for file in spill)
            found.append(
                Part(
                    segment.index,
                    record.name,
                    SpillTask(plan.name, paths),
                    fingerprint=plan.fingerprints[segment.index],
                    version=" ".join(file.digest for file in spill),
                    estimate=size * MEMORY_PER_SOURCE_BYTE // 2,
                    source_bytes=size,
                    rows=sum(file.rows for file in spill),
                    file=files[record.name],
                )
            )
        return found

    def _keys(self, plan: Plan, run: Run) -> list[Key]:
        return [
            (part.segment, part.name)
            for segment in plan.segments
            for part in self._parts(plan, segment, run)
        ]

    def _is_all_done(self, plan: Plan, run: Run) -> bool:
        parts = [part for segment in plan.segments for part in self._parts(plan, segment, run)]
        keys = [(part.segment, part.name) for part in parts]
        return not run.vanished(keys) and not run.pending(parts)

    def _fresh_segment(self, plan: Plan) -> int | None:
        if not self.resume:
            return 0
        if self.fresh_from is None:
            return None
        for segment in plan.segments:
            if self.fresh_from in [
                name for s in segment.stages for name in (s.name, type(s).__name__)
            ]:
                return segment.index
        names = ", ".join(stage.name for stage in plan.stages)
        raise PlanError(
            f"there is no stage {self.fresh_from!r} to start afresh from",
            todo=f"the stages are {names}",
        )

    # -- places -------------------------------------------------------------------------------

    def _check_run_dir(self, plan: Plan) -> None:
        if self.run_dir is not None:
            check_run_dir(expand(self.pipeline.counted_stages())[0], plan.parts, self.run_dir)

    def _paths(self, name: str, writer: BaseWriter | None) -> tuple[RunPaths, bool]:
        output = absolute(writer.path).rstrip("/") if writer is not None else ""
        names = (writer.file_extension, writer.companions) if writer is not None else ("", ())
        mode = writer.mode if writer is not None else "ignore"
        if self.run_dir is not None:
            return RunPaths(output, absolute(self.run_dir).rstrip("/"), mode, *names), False
        if output:
            folder = f"{output}/_thresher/{folder_name(name)}"
            return RunPaths(output, folder, mode, *names), False
        return RunPaths("", tempfile.mkdtemp(prefix="thresher-run-"), mode, *names), True

    def _context(
        self,
        segment: Segment,
        run: Run,
        *,
        reader: ReaderStage | None = None,
        typed: bool = False,
    ) -> RunContext:
        return RunContext(
            output=run.publisher.roots.output,
            run_dir=run.paths.run_dir,
            temp_output=run.temp_output_folder,
            temp_run=run.temp_folder,
            sink=segment.sink,
            on_error=self.pipeline.on_error,
            durable=run.durable,
            typed=typed,
            reader=reader,
            node_folder=f"{tempfile.gettempdir()}/thresher-node-{_attempt_of(run)}-{segment.index}",
        )

    def _result(self, plan: Plan, run: Run, status: str, temporary: bool) -> RunResult:
        last = plan.segments[-1]
        records = run.records(last.index, self._parts(plan, last, run))
        return RunResult(
            plan.name,
            status,
            run.counts(self._keys(plan, run)),
            records,
            run.paths.output,
            run.paths.run_dir,
            temporary=temporary,
            seconds=monotonic() - self.began,
            failures=tuple(map(failure_of, run.failures(self._keys(plan, run)))),
        )


def _up_to_reader(segment: Segment) -> list[StageCounts]:
    """Empty counts of the stages up to the one that reads the source."""
    stages = segment.stages
    places = [i for i, stage in enumerate(stages) if isinstance(stage, ReaderStage)]
    last = places[0] if places else 0
    counts = [StageCounts(stage.name) for stage in stages[: last + 1]]
    if places:
        counts[-1].metrics["is_reader"] = 1
    return counts


def warn_of_columns(observer: Observer, plan: Plan, records: Sequence[PartRecord]) -> None:
    """Name columns that were asked for and that no record has."""
    for name in absent_everywhere([r for r in records if r.segment == 0]):
        observer.warned(f"no record has the column {name!r}")


def _default_executor() -> BaseExecutor:
    from thresher.backends.local import LocalExecutor

    return LocalExecutor()


def all_gil_free(stages: Sequence[Any]) -> bool:
    """Whether threads will do, judged before anything is planned."""
    expanded, mistakes = expand(stages)
    return bool(mistakes) or all(
        stage.gil_free or isinstance(stage, FilePartitioningStage) for stage in expanded
    )


def _attempt_of(run: Run) -> str:
    shard = "" if run.shard == SHARD else f"-{run.shard}"
    return f"{run.run_id}-{run.epoch}{shard}"


def folder_name(name: str) -> str:
    """A folder for a pipeline's records: another for every name."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")[:100] or "pipeline"
    return plain if plain == name else f"{plain}-{xxhash.xxh3_64_hexdigest(name.encode())[:8]}"


def start_of(session: Session, plan: Plan, run: Run, progress: Progress) -> RunStart:
    return RunStart(
        plan.name,
        session.executor.describe(),
        tuple(stage.name for stage in plan.stages),
        len(plan.parts),
        progress.parts_done(),
        sum(part.source_bytes for part in plan.parts),
        run.paths.output,
        run.paths.run_dir,
        run.generation,
        (*plan.notes, *session.notes),
        shard=session.shard_name,
    )


def needs_shared_store(run: Run, executor: BaseExecutor) -> None:
    local = run.output_store.process_local or run.store.process_local
    if local and getattr(executor, "workers", 0) != 0:
        raise EngineError(
            "the output lives in this process's memory, where workers cannot reach it",
            where=run.paths.output,
            todo="use LocalExecutor(workers=0), or a path that other processes can open",
        )
