# SPDX-License-Identifier: Apache-2.0
"""Thresher's side: one pipeline on the embedded executor with one worker.

python thresher_side.py INPUT_FOLDER OUTPUT_FOLDER
"""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.text.filters import (
    MeanWordLengthFilter,
    NonAlphaNumericFilter,
    RepeatingTopNGramsFilter,
    ScoreFilter,
    SymbolsToWordsFilter,
    WordCountFilter,
)
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter

FILTERS = [
    WordCountFilter(min_words=50, max_words=100_000),
    MeanWordLengthFilter(min_mean_word_length=3, max_mean_word_length=10),
    NonAlphaNumericFilter(max_non_alpha_numeric_to_text_ratio=0.25),
    SymbolsToWordsFilter(max_symbol_to_word_ratio=0.1),
    RepeatingTopNGramsFilter(n=2, max_repeating_ngram_ratio=0.2),
]


def main(source: str, target: str) -> None:
    """Read, filter and write."""
    stages = [JsonlReader(source), *map(ScoreFilter, FILTERS), JsonlWriter(target)]
    Pipeline(name="jsonl_filters", stages=stages).run(LocalExecutor(workers=1))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
