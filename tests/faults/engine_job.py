# SPDX-License-Identifier: Apache-2.0
"""The job that is disturbed on engines: ``python engine_job.py OUTPUT``.

``JOB_ENGINE`` names one of ``tests.engines.executors.ENGINES``, or is ``local``. Three Steps over
a part of the example corpus; the second one makes two tasks of one.
"""

import os
import sys
import time

from tests.engines.executors import ENGINES
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

HALF = Resources(cpus=0.5)


class Halve(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Makes two tasks of one, slowly."""

    name = "halve"

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:
        time.sleep(float(os.environ.get("JOB_SLOW", "0.2")))
        middle = task.num_items // 2
        table = task.data
        return [task.with_data(table.slice(0, middle)), task.with_data(table.slice(middle))]


engine = os.environ.get("JOB_ENGINE", "local")
result = Pipeline(
    "job",
    stages=[
        JsonlReader(os.environ["JOB_INPUT"], blocksize="48KB"),
        ScoreFilter(filter_obj=WordCountFilter(min_words=40)).with_(resources=HALF),
        Halve().with_(resources=HALF),
        JsonlWriter(sys.argv[1]).with_(resources=HALF),
    ],
    config={"fusion": False},
).run(LocalExecutor(workers=2) if engine == "local" else ENGINES[engine]())
print(result.status)
