# SPDX-License-Identifier: Apache-2.0
"""SetAside: the rows of one call that go to quarantine, and the counts that they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thresher.backends.context import Attempt
from thresher.backends.quarantine import Rejected
from thresher.planning.plan import Stage
from thresher.runs.task_file import read_task
from thresher.stages.reading import ReaderStage
from thresher.stats import StageCounts
from thresher.tasks import FileGroupTask, SpillTask, Task


class SetAside:
    """Keeps entries of quarantine.

    Parameters
    ----------
    stages : Sequence[Stage]
        Of the Step that is called.
    attempt : Attempt
        What of the part is known to be lost.
    counts : Sequence[StageCounts]
        One per stage; ``quarantined`` and ``estimated`` are added to.
    """

    def __init__(
        self, stages: Sequence[Stage], attempt: Attempt, counts: Sequence[StageCounts]
    ) -> None:
        self.stages = stages
        self.attempt = attempt
        self.counts = counts
        self.rejected: list[Rejected] = []

    def reject(self, index: int, rejected: Rejected) -> None:
        """Set rows aside that the stage at ``index`` was given."""
        self.rejected.append(rejected)
        self.counts[index].quarantined += rejected.rows
        self.counts[index].estimated += rejected.rows if rejected.estimated else 0

    def without_lost_files(self, index: int, task: FileGroupTask) -> FileGroupTask:
        """The group without the files that an earlier attempt has found to be unreadable."""
        lost = {file.path: file for file in self.attempt.lost_files}
        if not lost:
            return task
        stage = self.stages[index].name
        for file in lost.values():
            self._reject_range(index, file.path, file.rows, file.reason, stage, file.is_estimate)
        kept = [piece for piece in task.slices if piece.path not in lost]
        paths = list(dict.fromkeys(piece.path for piece in kept))
        return task.evolve(data=paths, slices=tuple(kept))

    def reject_whole(self, task: Task[Any]) -> None:
        """Set all rows of the part aside, by file: it has failed for a reason that is known."""
        places = [i for i, stage in enumerate(self.stages) if isinstance(stage, ReaderStage)]
        index = places[0] if places else 0
        reader = self.stages[index]
        culprit, _, reason = self.attempt.reject.partition("\n")
        if index == 0 and isinstance(reader, ReaderStage) and isinstance(task, FileGroupTask):
            self.counts[index].metrics["is_reader"] = 1
            kept = self.without_lost_files(index, task)
            for path, rows in reader.count(kept).items():
                self._reject_range(index, path, rows, reason, culprit, is_estimate=False)
            return
        roots = map(read_task, task.data) if isinstance(task, SpillTask) else [task]
        rows = sum(root.num_items for root in roots)
        of_files = isinstance(task, FileGroupTask)  # nobody knows what is in them
        path = str(task.data[0]) if of_files and task.data else ""
        self._reject_range(index, path, rows, reason, culprit, is_estimate=of_files)

    def _reject_range(
        self, index: int, file: str, rows: int, reason: str, stage: str, is_estimate: bool
    ) -> None:
        """Set rows aside that were never read, from the first one of a file on."""
        cause = f"{stage}: {reason}"
        entry = Rejected(
            self.attempt.part, 0, stage, reason, file, rows=rows, estimated=is_estimate,
            failed=True, cause=cause,
        )  # fmt: skip
        self.counts[index].rows_in += rows
        self.reject(index, entry)

    def locate(self, reader: ReaderStage, source: FileGroupTask) -> None:
        """Give rejected rows their file and line, where a reader can find them again."""
        missing = {r.row for r in self.rejected if r.row is not None and not r.file}
        if not missing:
            return
        places = reader.locate(source, missing)
        self.rejected = [
            Rejected(**{**vars(r), **places[r.row]}) if not r.file and r.row in places else r
            for r in self.rejected
        ]
