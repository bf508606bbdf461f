# SPDX-License-Identifier: Apache-2.0
"""One big file in blocks of 32 MB, four Steps. Arguments: engine, source, output, store in MB."""

import sys

from benchmarks.engines.thresher_side import EXECUTORS
from thresher.backends.local import LocalExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.core.client import RayClient
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

LITTLE = Resources(cpus=0.5)


class Python(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Holds the GIL, as most stages of users do."""

    rows = "subset"
    resources = LITTLE

    def inputs(self) -> tuple[list[str], list[str]]:
        """Read the text."""
        return [], ["text"]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Pass the task on."""
        return task


def main(engine: str, source: str, output: str, store_mb: int) -> None:
    """Run on two CPUs."""
    pipeline = Pipeline(
        "memory",
        stages=[
            JsonlReader(source, blocksize="32MB"),
            ScoreFilter(WordCountFilter(min_words=80)).with_(resources=LITTLE),
            Python(),
            JsonlWriter(output).with_(resources=LITTLE),
        ],
        config={"fusion": False},
    )
    if engine == "local":
        pipeline.run(LocalExecutor(workers=2))
        return
    with RayClient(
        num_cpus=2, object_store_memory=store_mb * 1_000_000, enable_object_spilling=True
    ):
        pipeline.run(XennaExecutor() if engine == "xenna streaming" else EXECUTORS[engine]())


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
