# SPDX-License-Identifier: Apache-2.0
"""The job of the tokens test: ``python tokens_job.py OUTPUT``.

``JOB_WRITER`` says which writer, ``JOB_MODEL`` which tokenizer; with ``JOB_PROCESSES`` it runs in
worker processes, otherwise in threads of the driver. Each part is written as two files or pairs.
"""

import os
import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, MegatronTokenizerWriter, PackedSequenceWriter
from thresher.tasks import DocumentBatch

output = sys.argv[1]
model = os.environ["JOB_MODEL"]
WRITERS = {
    "megatron": MegatronTokenizerWriter(output, model, append_eod=True),
    "packed": PackedSequenceWriter(output, model, sequence_length=256, packing="best_fit"),
}


class Halve(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Makes two tasks of one: a part has several files."""

    name = "halve"
    gil_free = "JOB_PROCESSES" not in os.environ

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:
        middle = task.num_items // 2
        table = task.data
        return [task.with_data(table.slice(0, middle)), task.with_data(table.slice(middle))]


result = Pipeline(
    "job",
    stages=[
        JsonlReader(os.environ["JOB_INPUT"], blocksize="150KB"),
        Halve(),
        WRITERS[os.environ["JOB_WRITER"]],
    ],
    config={"fusion": False},
).run(LocalExecutor(workers=2))
print(result.status)
