# SPDX-License-Identifier: Apache-2.0
"""Stages made of functions, at module level, as users write them."""

from thresher.stages.function_decorators import processing_stage
from thresher.stages.resources import Resources
from thresher.tasks import DocumentBatch


@processing_stage(name="keep_small", resources={"cpus": 0.5}, rows="subset")
def keep_small(task: DocumentBatch) -> DocumentBatch | None:
    """Drop batches of more than three rows."""
    return task if task.num_items <= 3 else None


@processing_stage(name="halves", resources=Resources(cpus=2), batch_size=4)
def halves(task: DocumentBatch) -> list[DocumentBatch]:
    middle = task.num_items // 2
    return [task.with_data(task.data.slice(0, middle)), task.with_data(task.data.slice(middle))]
