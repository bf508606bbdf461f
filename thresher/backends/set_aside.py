# SPDX-License-Identifier: Apache-2.0
"""SetAside: the rows of one call that go to quarantine, and the counts that they change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from thresher.backends.context import Attempt
from thresher.backends.quarantine import Rejected
from thresher.errors import DataError, StorageError
from thresher.planning.plan import Stage
from thresher.runs.task_file import read_task
from thresher.stages.reading import ReaderStage
from thresher.stats import StageCounts
from thresher.tasks import FileGroupTask, SpillTask, Task
from thresher.tasks.file_group import bytes_by_path


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

    def without_lost_files(self, task: FileGroupTask) -> FileGroupTask:
        """The group without the files that an earlier attempt has found to be unreadable."""
        lost = {file.path for file in self.attempt.lost_files}
        kept = [piece for piece in task.slices if piece.path not in lost]
        paths = list(dict.fromkeys(piece.path for piece in kept))
        return task.evolve(data=paths, slices=tuple(kept))

    def reject_lost_files(self, index: int, task: FileGroupTask, rows: int) -> None:
        """Set the rows of these files aside; the others of the group hold so many ``rows``.

        Where nothing is known of a file it is likely to hold as many for each byte.
        """
        lost = {file.path: file for file in self.attempt.lost_files}
        stage = self.stages[index].name
        sizes = bytes_by_path(task.slices)
        kept = sum(size for path, size in sizes.items() if path not in lost)
        for path, size in sizes.items():
            if file := lost.get(path):  # or another task of the part has it
                unknown = file.is_estimate and not file.rows
                likely = max(1, round(rows * size / kept)) if kept else 1
                found = likely if unknown else file.rows
                self._reject_range(index, path, found, file.reason, stage, file.is_estimate)

    def reject_whole(self, task: Task[Any]) -> None:
        """Set all rows of the part aside, by file: it has failed for a reason that is known."""
        culprit, _, reason = self.attempt.reject.partition("\n")
        reader = self.stages[0]
        if isinstance(reader, ReaderStage) and isinstance(task, FileGroupTask):
            self.counts[0].metrics["is_reader"] = 1
            counted = reader.count(self.without_lost_files(task))
            self.reject_lost_files(0, task, sum(counted.values()))
            first, stop = self.attempt.rows or (0, sys.maxsize)
            left = stop - first - sum(each.rows for each in self.rejected)
            for path, rows in counted.items():
                wanted = min(rows, max(left, 0))
                self._reject_range(0, path, wanted, reason, culprit, is_estimate=False)
                left -= wanted
            return
        roots = map(read_task, task.data) if isinstance(task, SpillTask) else [task]
        rows = sum(root.num_items for root in roots)
        self._reject_range(0, self.attempt.file, rows, reason, culprit, is_estimate=False)

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
        """Give rejected rows their file and line, where a reader can find them again.

        A source that is not there any more, or has changed since it was read, tells nothing.
        """
        missing = {r.row for r in self.rejected if r.row is not None and not r.file}
        if not missing:
            return
        try:
            places = reader.locate(source, missing)
        except (DataError, StorageError):
            return
        self.rejected = [
            Rejected(**{**vars(r), **places[r.row]}) if not r.file and r.row in places else r
            for r in self.rejected
        ]
