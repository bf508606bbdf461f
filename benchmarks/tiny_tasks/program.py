# SPDX-License-Identifier: Apache-2.0
"""Tiny tasks through three no-op Steps that are not fused. Arguments: tasks, run folder."""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.tasks import DocumentBatch


class First(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Passes tasks on."""

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Pass the task on."""
        return task


class Second(First):
    """Passes tasks on."""


class Third(First):
    """Passes tasks on."""


n_tasks, folder = int(sys.argv[1]), sys.argv[2]
tasks = [DocumentBatch("tiny", {"text": [f"document {i}"]}) for i in range(n_tasks)]
pipeline = Pipeline("tiny", stages=[First(), Second(), Third()], config={"fusion": False})
result = pipeline.run(LocalExecutor(workers=2), initial_tasks=tasks, run_dir=folder)
assert len(result) == n_tasks
