# SPDX-License-Identifier: Apache-2.0
"""One big file in blocks of 64 MB, two workers. Arguments: source, output, kind of pipeline.

"threads": every stage releases the GIL; "processes": one does not; "steps": that one is a Step of
its own, so that rows travel between processes.
"""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch


class Python(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Holds the GIL, as most stages of users do."""

    rows = "subset"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Read the text."""
        return [], ["text"]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Pass the task on."""
        return task


source, output, kind = sys.argv[1:]
stages = [JsonlReader(source, blocksize="64MB"), ScoreFilter(WordCountFilter(min_words=80))]
if kind != "threads":
    stages.append(Python())
stages.append(JsonlWriter(output))
pipeline = Pipeline("memory", stages=stages, config={"fusion": kind != "steps"})
pipeline.run(LocalExecutor(workers=2))
