# SPDX-License-Identifier: Apache-2.0
"""Unifying: the last job of a run writes those output files again whose columns are narrower.

Files are written with the columns that they hold. What all of them are to have is known when the
last part is committed: the merge of all types, which does not depend on the order of anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from thresher.backends.context import RunContext
from thresher.backends.driver import Driver, Policy
from thresher.backends.executor import BaseExecutor
from thresher.pipeline.conductor import Conductor
from thresher.pipeline.interrupts import Interrupts
from thresher.pipeline.progress import Progress
from thresher.planning.plan import Plan, Segment, Step
from thresher.planning.source import MEMORY_PER_SOURCE_BYTE
from thresher.runs.columns import first_names, held_columns, narrower
from thresher.runs.part import OUT, Outcome, Part, PartRecord
from thresher.runs.report import Observer
from thresher.runs.run import Run
from thresher.stages.base import ProcessingStage
from thresher.stages.writing import WritePlan
from thresher.tasks import FileGroupTask
from thresher.tasks.types import Types, as_void, merge_columns


class EachFile(ProcessingStage[FileGroupTask, FileGroupTask]):
    """Makes a task of each file, so that each is written again by itself."""

    name = "each_file"
    rows = "any"
    gil_free = True

    def process(self, task: FileGroupTask) -> list[FileGroupTask]:
        """A task for each file, in order."""
        return [task.evolve(data=[piece.path], slices=(piece,)) for piece in task.slices]


class Unifying:
    """Writes files again until all have the same columns."""

    def __init__(
        self,
        plan: Plan,
        run: Run,
        executor: BaseExecutor,
        interrupts: Interrupts,
        observer: Observer,
    ) -> None:
        assert plan.writer is not None
        self.plan = plan
        self.store = run
        self.executor = executor
        self.interrupts = interrupts
        self.observer = observer
        self.writer = plan.writer

    def run(self, records: Sequence[PartRecord], context: RunContext) -> bool:
        """Unify the files of these records; False if that was interrupted."""
        final = self._final(records)
        index = self.plan.segments[-1].index
        own = [record for record in records if record.segment == index and record.on_port(OUT)]
        narrow = narrower(own, final)
        if not narrow:
            return True
        parts = [self._part(record) for record in narrow]
        self.observer.warned(
            f"{len(parts)} of {len(own)} parts are written again: columns of theirs are narrower "
            "than those of other files"
        )
        reader = self.writer.reader_of_own()
        writer = self.writer.bind(WritePlan(final=final))
        steps = (Step(0, (EachFile(),)), Step(1, (reader, writer)))
        policy = Policy("raise", 1.0, getattr(self.executor, "memory", 2**31))
        driver = Driver(parts, len(steps), epoch=self.store.epoch, can_bisect=False, policy=policy)
        silent = Progress(Observer(), self.plan, self.store, 0.0)
        conductor = Conductor(
            driver, self.store, silent, self.interrupts, self.executor, self._commit
        )
        conductor.conduct(Segment(index, steps, "out"), context)
        if driver.error is not None:
            raise driver.error
        return not self.interrupts.draining

    def _final(self, records: Sequence[PartRecord]) -> Types:
        """The columns that all files are to have."""
        held = held_columns(records)
        if (fields := self.writer.fields) is not None:
            held = {name: kind for name, kind in held.items() if name in fields}
        # A type that was asked for is there even if all rows that had the column are gone.
        asked = {name: as_void(kind) for name, kind in self._pinned().items() if name in held}
        held = {**held, **merge_columns([{name: held[name] for name in asked}, asked])}
        first = first_names(records)
        return self.writer.bind(WritePlan({}, first, self.plan.last_names)).columns(held)

    def _pinned(self) -> Types:
        """The types that the reader was asked for."""
        return {} if self.plan.reader is None else self.plan.reader.pinned_types()

    def _part(self, record: PartRecord) -> Part:
        publisher = self.store.publisher
        paths = [publisher.place_of(file) for file in record.on_port(OUT)]
        size = sum(file.bytes for file in record.on_port(OUT))
        return Part(
            record.segment,
            record.name,
            FileGroupTask(self.plan.name, paths),
            fingerprint=record.fingerprint,
            version=record.version,
            estimate=size * MEMORY_PER_SOURCE_BYTE,
            source_bytes=size,
        )

    def _commit(self, outcomes: list[Outcome]) -> None:
        self.store.commit_rewritten(outcomes)
