# SPDX-License-Identifier: Apache-2.0
"""PartitioningStage: what a pipeline's parts are made of, where no file is listed for them."""

from __future__ import annotations

from abc import abstractmethod

from thresher.stages.base import ProcessingStage
from thresher.tasks import EmptyTask, FileGroupTask


class PartitioningStage(ProcessingStage[EmptyTask, FileGroupTask]):
    """Names the sources of a pipeline, one part each.

    It stands first, and is asked when the pipeline is planned: each of its tasks is committed,
    retried and skipped by itself.
    """

    is_source_stage = True
    gil_free = True

    @abstractmethod
    def partitions(self) -> list[tuple[str, FileGroupTask]]:
        """(part name, task) of every part, in order; names are unique and stay the same."""

    def process(self, task: EmptyTask) -> list[FileGroupTask]:
        """The tasks; for use outside a pipeline."""
        return [partition for _, partition in self.partitions()]
