# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side: ``Score`` of every heuristic on every document, in this process.

python nemo_side.py JSONL RUNS
"""

import sys

import heuristics
import nemo_curator.stages.text.filters.heuristic as string
import nemo_curator.stages.text.filters.heuristic.repetition as repetition
import pandas as pd
from nemo_curator.stages.text.filters import Score
from nemo_curator.tasks import DocumentBatch
from timing import repeat, tell, texts_of


class Classes:
    """All of its heuristics, wherever they are."""

    def __getattr__(self, name):
        return getattr(string, name, None) or getattr(repetition, name)


def main(path: str, runs: int) -> None:
    """Score all documents by all filters."""
    filters = heuristics.made(Classes())
    texts = texts_of(path)
    stages = [Score(rule, score_field=f"s{k}") for k, rule in enumerate(filters)]

    def work():
        batch = DocumentBatch(dataset_name="b", data=pd.DataFrame({"text": texts}))
        for stage in stages:
            batch = stage.process(batch)
        return batch.data

    seconds, scores = repeat(work, runs)
    tell(
        seconds=seconds, scores=[scores[f"s{k}"].astype(float).tolist() for k in range(len(stages))]
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
