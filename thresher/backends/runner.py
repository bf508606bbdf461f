# SPDX-License-Identifier: Apache-2.0
"""What a worker does with a Step: lead tasks through its stages, count every row, name every error.

The only place where time is taken, rows are counted and errors are met; engines differ in who
calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from thresher.backends.answers import ask, checked_numbers, groups_of, named, rows_of
from thresher.backends.appending import append
from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.context import Attempt, RunContext
from thresher.backends.faults import WORKER_DIED, cause_of, is_of_the_place
from thresher.backends.lineage import numbered_again, numbers, restore
from thresher.backends.output import LazyStream, OutputFiles
from thresher.backends.quarantine import Rejected, from_bad_record, from_row
from thresher.backends.selection import runs, select
from thresher.backends.set_aside import SetAside
from thresher.backends.stage_errors import StageErrors
from thresher.backends.stopwatch import Stopwatch
from thresher.backends.tally import count_tokens, forget_drops, name_drops
from thresher.backends.whole_tasks import joined, no_matter_of_rows, wrong_kind
from thresher.errors import (
    DataError,
    StageError,
    StorageError,
    ThresherError,
    message_of,
)
from thresher.planning.check import is_ours
from thresher.planning.plan import Stage, Step
from thresher.runs.part import LostFile, Path
from thresher.runs.source_digest import digest_slices
from thresher.runs.task_file import read_source, read_task
from thresher.stages.filtering import RowFilterStage
from thresher.stages.reading import ReaderStage, ReadReport, SourceError
from thresher.stages.writing import BaseWriter
from thresher.stats import StageCounts, merge_sums
from thresher.tasks import ROW, DocumentBatch, FileGroupTask, SpillTask, Task
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import visible

Beat = Callable[[int, str], None]
AnyTask = Task[Any]


class StepCall:
    """One call of a Step on one task.

    Iterate over :meth:`run` for the children; afterwards ``counts``, ``rejected`` and ``rows``
    hold the report. ``renew`` sets a stage up anew, as in a new worker. ``reader`` is that of an
    earlier Step, which finds rows again in what it has read.
    """

    def __init__(
        self,
        step: Step,
        attempt: Attempt,
        path: Path,
        context: RunContext,
        files: OutputFiles,
        beat: Beat = lambda rows, stage: None,
        renew: Callable[[int], Stage] | None = None,
        reader: ReaderStage | None = None,
    ) -> None:
        self.step = step
        self.attempt = attempt
        self.path = path
        self.context = context
        self.files = files
        self.beat = beat
        self.counts = [StageCounts(stage.name) for stage in step.stages]
        self.stages = list(step.stages)
        self.aside = SetAside(self.stages, attempt, self.counts)
        self._renew = renew
        self._errors = StageErrors(context, attempt, self.aside, self._accounted, self._renewed)
        self.warnings: list[str] = []
        self.rows = 0
        self.first_names: tuple[str, ...] = ()
        self.names: set[str] = set()
        self.absent: tuple[str, ...] = ()
        self.left_out: set[str] = set()
        self._read_here: FileGroupTask | None = None
        self._source = attempt.source
        self._reader = reader

    def run(self, task: AnyTask | Iterator[AnyTask]) -> Iterator[AnyTask]:
        """Lead ``task``, or its pieces, through all stages; yields what leaves, as it comes."""
        if self.attempt.reject and isinstance(task, Task):
            self.aside.reject_whole(task)
            return
        flow: Iterable[AnyTask] = self._entering(task)
        for run in runs(self.stages):
            index, stage = run[0]
            if len(run) > 1:
                flow = self._filter(run, flow)
            elif isinstance(stage, ReaderStage):
                flow = self._read(index, stage, flow)
            elif isinstance(stage, BaseWriter):
                flow = self._write(index, stage, flow)
            else:
                whole = joined(stage, flow) if stage.whole_parts else flow
                flow = self._apply(index, stage, whole)
        yield from flow
        if self._reader is not None and self._source is not None:
            self.aside.locate(self._reader, self._source)

    def with_source(self) -> Attempt:
        """The attempt for the next Step, with what its rows were read from."""
        return replace(self.attempt, source=self._source)

    # -- sources ------------------------------------------------------------------------------

    def _entering(self, task: AnyTask | Iterator[AnyTask]) -> Iterator[AnyTask]:
        """The task, or the root's: with its rows numbered, and left-out rows set aside."""
        if not isinstance(task, Task):
            yield from task
            return
        if self.path:
            yield task
            return
        roots: Iterable[AnyTask] = [task]
        if isinstance(task, SpillTask):
            self._source = read_source(task.data)
            roots = map(read_task, task.data)
        for root in roots:
            yield self._enter(root.evolve(task_id=self.attempt.part))

    def _enter(self, task: AnyTask) -> AnyTask:
        if not isinstance(task, DocumentBatch):
            return task
        task = checked_numbers(task)
        if ROW not in task.data.column_names:
            self._source = None  # its reader has given other numbers
            start = self.rows
            column = from_numpy(np.arange(start, start + task.num_items, dtype=np.int64))
            task = task.evolve(data=task.data.append_column(ROW, column))
        self._progress(_last_row(task) + 1, self.stages[0].name)
        return self._narrowed(0, task)

    def _narrowed(self, index: int, batch: DocumentBatch) -> DocumentBatch:
        """Keep the rows of a probe, or leave out rows known to kill their worker."""
        rows, skip = self.attempt.rows, dict(self.attempt.skip)
        found = numbers(batch)
        if found is None or (rows is None and not skip):
            return batch
        if rows is not None:
            keep = (found >= rows[0]) & (found < rows[1])
            cut = int(keep.size - keep.sum())
            if cut and not self.attempt.probe:
                drops = self.counts[index].dropped
                drops["limit"] = drops.get("limit", 0) + cut
            batch = batch.with_data(batch.data.filter(from_numpy(keep)))
            found = found[keep]
        out = np.isin(found, np.fromiter(skip, dtype=np.int64))
        for position in np.flatnonzero(out):
            row = batch.with_data(batch.data.slice(int(position), 1))
            reason = skip[int(found[position])]
            part, cause = self.attempt.part, WORKER_DIED
            self.aside.reject(
                index, from_row(part, "worker", reason, row, failed=True, cause=cause)
            )
        if not isinstance(self.stages[index], ReaderStage):
            self.counts[index].rows_in += int(out.sum())
        return batch.with_data(batch.data.filter(from_numpy(~out)))

    def _read(
        self, index: int, stage: ReaderStage, tasks: Iterable[AnyTask]
    ) -> Iterator[DocumentBatch]:
        counts = self.counts[index]
        counts.metrics["is_reader"] = 1
        for task in tasks:
            if not isinstance(task, FileGroupTask):
                raise wrong_kind(stage, FileGroupTask, task)
            group = task
            task = self.aside.without_lost_files(group)
            self._read_here, self._source, self._reader = task, task, stage
            report = ReadReport()
            batches = stage.read(task, report)
            told = 0
            while True:
                watch = Stopwatch()
                batch = self._next(stage, batches)
                watch.charge(counts)
                bad = report.bad[told:]
                told = len(report.bad)
                for record in bad:
                    self._meet_bad_record(index, stage, record)
                if batch is None:
                    break
                batch = batch.evolve(task_id=self.attempt.part)
                self._progress(_last_row(batch) + 1, stage.name)
                counts.bytes_in += batch.size_bytes
                batch = self._narrowed(index, batch)
                counts.rows_out += batch.num_items
                counts.tasks += 1
                if batch.num_items:
                    yield batch
            self.aside.reject_lost_files(index, group, report.found)
            counts.rows_in += report.found
            counts.dropped = merge_sums(counts.dropped, report.dropped)
            counts.metrics.update(stage._consume_custom_metrics())
            self._note(stage, report)

    def _note(self, stage: ReaderStage, report: ReadReport) -> None:
        """Keep what a reader tells of its source."""
        self.warnings += report.warnings
        self.first_names = self.first_names or report.first_names
        self.names |= report.names
        if report.found:
            self.absent = tuple(sorted(set(stage.asked_for()) - report.names))

    def _next(self, stage: ReaderStage, batches: Iterator[DocumentBatch]) -> DocumentBatch | None:
        try:
            return next(batches, None)
        except SourceError as error:
            lost = LostFile(error.path, _without_place(error), error.rows, error.is_estimate)
            raise CallFailed("source", stage.name, message_of(error), lost_file=lost) from error
        except StorageError as error:
            raise CallFailed("storage", error.where, error.what, error.todo) from error
        except ThresherError as error:
            raise CallFailed("data", stage.name, message_of(error)) from error
        except Exception as error:
            if is_of_the_place(error):
                raise CallFailed("place", stage.name, in_words(error)) from error
            raise CallFailed(
                "raised", stage.name, in_words(error), cause=cause_of(stage.name, error)
            ) from error

    def _meet_bad_record(self, index: int, stage: Stage, record: Any) -> None:
        rejected = from_bad_record(self.attempt.part, stage.name, record)
        if self.context.on_error == "raise":
            line = f", line {record.line}" if record.line else f", byte {record.offset}"
            error = DataError(record.reason, where=f"{record.path}{line}")
            raise CallFailed("data", stage.name, message_of(error))
        self.aside.reject(index, rejected)

    # -- stages -------------------------------------------------------------------------------

    def _apply(self, index: int, stage: Stage, tasks: Iterable[AnyTask]) -> Iterator[AnyTask]:
        size = stage.batch_size or 1
        for group in groups_of(tasks, size):
            stage = self.stages[index]
            self.beat(self.rows, stage.name)
            watch = Stopwatch()
            with stage._reporting(partial(self.beat, self.rows, stage.name)):
                outs = self._call_group(index, stage, group)
            stage = self.stages[index]  # it may have been set up anew
            counts = self.counts[index]
            watch.charge(counts)
            counts.tasks += len(group)
            for name, value in stage._consume_custom_metrics().items():
                counts.metrics[name] = counts.metrics.get(name, 0.0) + value
            yield from outs

    def _filter(self, run: list[tuple[int, Stage]], tasks: Iterable[AnyTask]) -> Iterator[AnyTask]:
        """Neighbouring filters at once; one by one where that fails or is not possible."""
        for task in tasks:
            yield from self._filtered(run, task)

    def _filtered(self, run: list[tuple[int, Stage]], task: AnyTask) -> Iterator[AnyTask]:
        if not run:
            yield task
            return
        filters = [stage for _, stage in run if isinstance(stage, RowFilterStage)]
        self.beat(self.rows, filters[0].name)
        watch = Stopwatch()
        try:
            selected = select(filters, task) if isinstance(task, DocumentBatch) else None
        except Exception:
            selected = None  # the ordinary way finds the stage and the row
        if selected is None:
            for out in self._apply(*run[0], [task]):
                yield from self._filtered(run[1:], out)
            return
        judged = [self.counts[index] for index, _ in run[: len(selected.rows)]]
        watch.charge(*judged)
        size = getattr(task, "size_bytes", 0)
        for counts, (rows_in, rows_out, drops) in zip(judged, selected.rows, strict=True):
            counts.rows_in += rows_in
            counts.rows_out += rows_out
            counts.bytes_in += size * rows_in // max(task.num_items, 1)
            counts.dropped = merge_sums(counts.dropped, drops)
            counts.tasks += 1
        if selected.batch.num_items:
            yield from self._filtered(run[selected.done :], selected.batch)

    def _renewed(self, index: int) -> Stage:
        """The stage at ``index`` as in a new worker."""
        if self._renew is not None:
            tell = self.stages[index].__dict__.get("_tell")
            self.stages[index] = self._renew(index)
            self.stages[index].__dict__["_tell"] = tell
        return self.stages[index]

    def _call_group(self, index: int, stage: Stage, group: list[AnyTask]) -> list[AnyTask]:
        try:
            handed, answers = ask(stage, group)
        except Exception as error:
            forget_drops(stage)
            if told := no_matter_of_rows(stage, error):
                raise told from error
            if len(group) == 1:
                return self._errors.meet(index, stage, group[0], error)
            stage = self._errors.again(index, error)
            return [out for task in group for out in self._call_group(index, stage, [task])]
        return self._accounted(index, stage, group, answers, handed)

    def _accounted(
        self,
        index: int,
        stage: Stage,
        group: list[AnyTask],
        answers: list[list[AnyTask]],
        handed: list[AnyTask],
    ) -> list[AnyTask]:
        """Account for the rows of every task; its answers, with what their stage did not know."""
        counts = self.counts[index]
        drops = forget_drops(stage)
        before = sum(counts.dropped.values())
        flat: list[AnyTask] = []
        for task, outs, seen in zip(group, answers, handed, strict=True):
            flat += named(task, self._account(counts, stage, task, outs, seen))
        name_drops(counts, stage.name, sum(counts.dropped.values()) - before, drops)
        return flat

    def _account(
        self, counts: StageCounts, stage: Stage, task: AnyTask, outs: list[AnyTask], seen: AnyTask
    ) -> list[Any]:
        counts.bytes_in += getattr(task, "size_bytes", 0)
        count_tokens(counts, task, outs)
        same_files = isinstance(task, FileGroupTask) and task.num_items == sum(
            out.num_items if isinstance(out, FileGroupTask) else -1 for out in outs
        )
        batches = [out for out in outs if isinstance(out, DocumentBatch)]
        self._note_left_out(task, outs)
        if not isinstance(task, DocumentBatch) or len(batches) < len(outs):
            if isinstance(task, DocumentBatch) and isinstance(seen, DocumentBatch):
                outs = [
                    numbered_again(task, out, seen) if isinstance(out, DocumentBatch) else out
                    for out in outs
                ]
            reads = bool(batches) and len(batches) == len(outs)
            if reads:  # it has a reader of its own: what it found is what there is
                counts.metrics["is_reader"] = 1
            rows = [out.num_items for out in outs]
            counts.rows_in += sum(rows) if reads else task.num_items
            counts.rows_out += sum(out.num_items for out in outs)
            counts.opaque = counts.opaque or not same_files
            return outs
        assert isinstance(seen, DocumentBatch)
        told = rows_of(stage, seen, batches)
        counts.rows_in += told.rows_in
        counts.rows_out += told.rows_out
        counts.expanded += told.expanded
        counts.merged += told.merged
        counts.opaque = counts.opaque or told.opaque
        if told.dropped:
            counts.dropped[stage.name] = counts.dropped.get(stage.name, 0) + told.dropped
        ours = is_ours(stage)
        try:
            return [restore(task, out, seen, ours=ours) for out in batches if out.num_items]
        except StageError as error:
            raise CallFailed("broken", stage.name, error.what, error.todo) from error

    def _note_left_out(self, task: AnyTask, outs: list[AnyTask]) -> None:
        """Note columns that the stage did not give back; an answer with none tells nothing."""
        if isinstance(task, DocumentBatch):
            before = visible(task.data.column_names)
            for out in outs:
                there = visible(out.data.column_names) if isinstance(out, DocumentBatch) else []
                if there or out.num_items:
                    self.left_out.update(set(before).difference(there))

    # -- sinks --------------------------------------------------------------------------------

    def _write(self, index: int, stage: BaseWriter, tasks: Iterable[AnyTask]) -> Iterator[AnyTask]:
        counts = self.counts[index]
        counts.metrics["is_writer"] = 1
        with self.files.writing(stage, self.path) as stream:
            for task in tasks if stage.appends else joined(stage, tasks):
                if not isinstance(task, DocumentBatch):
                    raise wrong_kind(stage, DocumentBatch, task)
                self.beat(self.rows, stage.name)
                watch = Stopwatch()
                counts.rows_in += task.num_items
                counts.bytes_in += task.size_bytes
                written = self._written(index, stage, stream, task)
                counts.rows_out += sum(batch.num_items for batch in written)
                count_tokens(counts, task, written)
                counts.tasks += 1
                watch.charge(counts)
        yield from ()

    def _written(
        self, index: int, stage: BaseWriter, stream: LazyStream, task: DocumentBatch
    ) -> list[DocumentBatch]:
        """Append a batch; rows the format refuses are set aside. Returns what was appended."""
        outs, refused = append(stage, stream, task)
        for row, reason in refused:
            if self.context.on_error == "raise":
                raise CallFailed("data", stage.name, reason)
            self.aside.reject(index, from_row(self.attempt.part, stage.name, reason, row))
        return outs

    @property
    def rejected(self) -> list[Rejected]:
        """What goes to quarantine, by file where that is known."""
        file = self.attempt.file
        return [
            entry if entry.file or not file else replace(entry, file=file)
            for entry in self.aside.rejected
        ]

    def source_digest(self) -> str:
        """Hash of the bytes this call has read; empty if it read none."""
        if self._read_here is None or self.attempt.probe or not self.context.durable:
            return ""
        return digest_slices(self._read_here.slices)

    def _progress(self, rows: int, stage: str) -> None:
        self.rows = max(self.rows, rows)
        self.beat(self.rows, stage)


def _without_place(error: ThresherError) -> str:
    return f"{error.what}; {error.todo}" if error.todo else error.what


def _last_row(batch: DocumentBatch) -> int:
    found = numbers(batch)
    return int(found[-1]) if found is not None and found.size else -1
