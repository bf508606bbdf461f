# SPDX-License-Identifier: Apache-2.0
"""Checkpoint: a place in a pipeline where rows are committed to disk."""

from __future__ import annotations

from thresher.stages.base import ProcessingStage
from thresher.tasks import Task


class Checkpoint(ProcessingStage[Task, Task]):  # type: ignore[type-arg]
    """Commit what arrives here, so that changing a later stage re-runs only what follows.

    The pipeline is cut into Segments at this stage; rows wait in the run directory as Arrow files.
    Put one after a costly stage.
    """

    rows = "same"

    def process(self, task: Task) -> Task:  # type: ignore[type-arg]
        """Pass the task on."""
        return task
