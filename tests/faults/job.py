# SPDX-License-Identifier: Apache-2.0
"""The job that the fault tests kill: a script as users write them, without a main guard.

``python job.py OUTPUT [take-over]`` runs five Steps of unequal cost over the example corpus, one
stage each, so that tasks really travel between worker processes; one Step has many children.
"""

import hashlib
import os
import sys
import time

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch


class Digest(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Adds a hash that costs something."""

    name = "digest"
    rows = "same"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        time.sleep(float(os.environ.get("JOB_SLOW", "0")))  # read here: it is no part of the recipe
        texts = task.data.column("text").to_pylist()
        rounds = [hashlib.pbkdf2_hmac("sha256", t.encode(), b"salt", 40).hex() for t in texts]
        return task.with_column("digest", rounds)


class Halve(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Makes two tasks of one: a part has several files."""

    name = "halve"

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:
        middle = task.num_items // 2
        table = task.data
        return [task.with_data(table.slice(0, middle)), task.with_data(table.slice(middle))]


output = sys.argv[1]
result = Pipeline(
    "job",
    stages=[
        JsonlReader(os.environ["JOB_INPUT"], blocksize=os.environ.get("JOB_BLOCK", "96KB")),
        WordCountFilter(min_words=40),
        Halve(),
        Digest(),
        JsonlWriter(output),
    ],
    config={"fusion": False},
).run(
    LocalExecutor(workers=int(os.environ.get("JOB_WORKERS", "2"))),
    take_over="take-over" in sys.argv,
    shard=os.environ.get("JOB_SHARD"),
    wait=float(os.environ.get("JOB_WAIT", "0")),
)
print(result.status)
if result.status == "waiting":
    sys.exit(75)
