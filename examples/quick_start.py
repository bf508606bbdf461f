# SPDX-License-Identifier: Apache-2.0
"""Read, clean, filter, write: the English part of the corpus.

    python examples/quick_start.py        (from the repository's root)

Run it again, and there is nothing left to do.
"""

from thresher.pipeline import Pipeline
from thresher.stages.text.filters import RepeatedLinesFilter, ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.modifiers import Modify, UnicodeReformatter

pipeline = Pipeline(
    name="quick_start",
    max_error_rate=0.05,
    stages=[
        JsonlReader(file_paths="examples/corpus/en"),
        Modify(UnicodeReformatter()),
        ScoreFilter(WordCountFilter(min_words=20), score_field="n_words"),
        # A filter stands for ScoreFilter(it).
        RepeatedLinesFilter(),
        JsonlWriter(path="demo-output/quick_start"),
    ],
)

if __name__ == "__main__":
    pipeline.run()
