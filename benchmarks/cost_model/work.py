# SPDX-License-Identifier: Apache-2.0
"""Stages that wait: two emulated nodes on one machine are then really twice as fast as one."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pyarrow.compute as pc

from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

SECONDS_PER_MB = (0.3, 1.0, 0.15)
CPUS = (1.0, 0.75, 1.0)
"""Different, so that the three are Steps of their own."""


class Waits(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Waits for so many seconds per megabyte of ``text``."""

    rows = "same"

    def __init__(self, seconds_per_mb: float) -> None:
        self.seconds_per_mb = seconds_per_mb

    def inputs(self) -> tuple[list[str], list[str]]:
        """Read the text."""
        return [], ["text"]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Wait, and pass the task on."""
        size = pc.sum(pc.binary_length(task.data.column("text"))).as_py() or 0
        time.sleep(self.seconds_per_mb * size / 1e6)
        return task


def pipeline(source: Path, output: Path, limited: bool) -> Pipeline:
    """Three Steps of unequal cost; ``limited`` allows the costliest a single worker."""
    waits = [
        Waits(seconds).with_(resources=Resources(cpus=cpus))
        for seconds, cpus in zip(SECONDS_PER_MB, CPUS, strict=True)
    ]
    if limited:
        waits[1] = waits[1].with_(num_workers=1)
    stages = [JsonlReader(str(source)), *waits, JsonlWriter(str(output))]
    return Pipeline("cost-model", stages=stages)


def write_source(folder: Path, parts: int) -> None:
    """Files of unequal size, two megabytes on average; the same at every call."""
    chance = random.Random(7)
    for number in range(parts):
        rows = round(200 * chance.lognormvariate(-0.08, 0.4))
        records = (
            json.dumps({"id": f"{number}-{i}", "text": "words " * 1700}) for i in range(rows)
        )
        (folder / f"{number:03}.jsonl").write_text("\n".join(records) + "\n")
