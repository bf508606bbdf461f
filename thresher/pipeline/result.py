# SPDX-License-Identifier: Apache-2.0
"""RunResult: what a run gave, read lazily."""

from __future__ import annotations

import base64
import pickle
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, overload

from thresher.runs.part import OUT, SPILL, PartRecord
from thresher.runs.report.observer import Failure
from thresher.runs.report.waterfall import waterfall
from thresher.runs.task_file import from_bytes, read_task
from thresher.stats import StageCounts, StagePerfStats
from thresher.tasks import DocumentBatch, FileGroupTask, Task
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.joining import table_view


class RunResult(Sequence[Task[Any]]):
    """The tasks that left the last stage, part by part in plan order.

    Behind a writer a part's task is a ``FileGroupTask`` with its files; parts that wrote nothing
    have none. Other tasks are read from the run directory when they are asked for.

    Parameters
    ----------
    status : str
        ``"complete"``, ``"complete with failures"``, ``"nothing to do"``, ``"interrupted"``, or
        ``"waiting"`` where one of several drivers has done its share and others have not; then it
        holds that share.
    counts : list[StageCounts]
        Rows through every stage, over all parts, earlier runs' included.
    failures : tuple[Failure, ...]
        Parts of which something failed: all of them, or rows on which a stage failed. The same
        call tries them again, 3 times at most.
    """

    def __init__(
        self,
        pipeline: str,
        status: str,
        counts: list[StageCounts],
        records: Sequence[PartRecord],
        output: str,
        run_dir: str,
        *,
        temporary: bool = False,
        seconds: float = 0.0,
        failures: tuple[Failure, ...] = (),
    ) -> None:
        self.pipeline = pipeline
        self.status = status
        self.counts = counts
        self.output = output
        self.run_dir = run_dir
        self.seconds = seconds
        self.failures = failures
        self._temporary = temporary
        self._places = [(r, i) for r in records for i in range(_n_tasks(r))]
        self._stats = {r.key: [_perf(counts) for counts in r.counts] for r in records}

    @property
    def manifest_path(self) -> str:
        """The run's manifest; there once the run is complete."""
        return f"{self.run_dir}/manifest.json"

    @property
    def quarantine_dir(self) -> str:
        """Where rows that could not be processed are, with the reasons."""
        return f"{self.run_dir}/quarantine"

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(counts.quarantined for counts in self.counts)

    def report(self) -> str:
        """The row waterfall as text."""
        return waterfall(self.counts)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Task[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task[Any]]: ...
    def __getitem__(self, index: int | slice) -> Task[Any] | list[Task[Any]]:
        if isinstance(index, slice):
            return [self._task(*place) for place in self._places[index]]
        return self._task(*self._places[index])

    def __iter__(self) -> Iterator[Task[Any]]:
        return (self._task(*place) for place in self._places)

    def __repr__(self) -> str:
        rows = self.counts[-1].rows_out if self.counts else 0
        return (
            f"RunResult(pipeline={self.pipeline!r}, status={self.status!r}, tasks={len(self)}, "
            f"rows={rows})"
        )

    def __del__(self) -> None:
        if getattr(self, "_temporary", False):
            shutil.rmtree(self.run_dir, ignore_errors=True)

    def _task(self, record: PartRecord, index: int) -> Task[Any]:
        files = record.on_port(OUT)
        if files:
            paths = [f"{self.output}/{file.final}" for file in files]
            task: Task[Any] = FileGroupTask(self.pipeline, paths)
        elif record.inline:
            task = from_bytes(_inline(record)[index][1])
        else:
            task = read_task(f"{self.run_dir}/{record.on_port(SPILL)[index].final}")
        if isinstance(task, DocumentBatch):
            with suppress(BadRows):  # a value that no column holds is left as JSON
                task = table_view(task)
        stats = self._stats[record.key]  # one for all of a part's tasks: summaries count it once
        return task.evolve(task_id=task.task_id or record.name, _stage_perf=list(stats))


def _n_tasks(record: PartRecord) -> int:
    if record.on_port(OUT):
        return 1
    return len(_inline(record)) if record.inline else len(record.on_port(SPILL))


def _inline(record: PartRecord) -> list[tuple[Any, bytes]]:
    decoded: list[tuple[Any, bytes]] = pickle.loads(base64.b64decode(record.inline))
    return decoded


def _perf(counts: StageCounts) -> StagePerfStats:
    return StagePerfStats(
        counts.stage,
        process_time=counts.seconds,
        input_data_size_mb=counts.bytes_in / 2**20,
        num_items_processed=counts.rows_in,
        custom_metrics={k: v for k, v in counts.metrics.items() if not k.startswith("is_")},
    )
