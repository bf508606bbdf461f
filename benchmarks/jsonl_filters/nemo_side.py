# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side: its own stages, called one after another in this process, without Ray.

python nemo_side.py INPUT_FOLDER OUTPUT_FOLDER
"""

import sys
from pathlib import Path

from nemo_curator.stages.text.filters import ScoreFilter
from nemo_curator.stages.text.filters.heuristic import (
    MeanWordLengthFilter,
    NonAlphaNumericFilter,
    SymbolsToWordsFilter,
    WordCountFilter,
)
from nemo_curator.stages.text.filters.heuristic.repetition import RepeatingTopNGramsFilter
from nemo_curator.stages.text.io.reader.jsonl import JsonlReaderStage
from nemo_curator.stages.text.io.writer.jsonl import JsonlWriter
from nemo_curator.tasks import FileGroupTask

FILTERS = [
    WordCountFilter(min_words=50, max_words=100_000),
    MeanWordLengthFilter(min_mean_word_length=3, max_mean_word_length=10),
    NonAlphaNumericFilter(max_non_alpha_numeric_to_text_ratio=0.25),
    SymbolsToWordsFilter(max_symbol_to_word_ratio=0.1),
    RepeatingTopNGramsFilter(n=2, max_repeating_ngram_ratio=0.2),
]


def main(source: Path, target: Path) -> None:
    """Read, filter and write, one file at a time."""
    stages = [JsonlReaderStage(), *map(ScoreFilter, FILTERS), JsonlWriter(str(target))]
    for stage in stages:
        stage.setup()
    for path in sorted(source.glob("*.jsonl")):
        task = FileGroupTask(
            dataset_name="benchmark", data=[str(path)], _metadata={"source_files": [str(path)]}
        )
        for stage in stages:
            task = stage.process(task)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
