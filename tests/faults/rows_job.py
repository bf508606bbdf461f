# SPDX-License-Identifier: Apache-2.0
"""The job of the rows test.

``python rows_job.py INPUT OUTPUT BLOCKSIZE IDS_THAT_RAISE ID_THAT_KILLS``: every row passes,
unchanged, but for those that raise and the one that kills its worker.
"""

import os
import signal
import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch

source, output, blocksize, raising, killing = sys.argv[1:]


class Touchy(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Raises on some documents, dies on one."""

    name = "touchy"
    rows = "same"

    def __init__(self, raising: frozenset[str], killing: str) -> None:
        self.raising = raising
        self.killing = killing

    def process(self, task: DocumentBatch) -> DocumentBatch:
        ids = set(task.data.column("id").to_pylist())
        if self.killing in ids:
            os.kill(os.getpid(), signal.SIGKILL)
        if met := self.raising & ids:
            raise ValueError(f"cannot bear {min(met)}")
        return task


Pipeline(
    "rows",
    stages=[
        JsonlReader(source, blocksize=blocksize),
        Touchy(frozenset(raising.split(",")), killing),
        JsonlWriter(output),
    ],
).run(LocalExecutor(workers=2))
