# SPDX-License-Identifier: Apache-2.0
"""Thresher's side: the heuristics' scores and the presets' signals, in this process.

python -m benchmarks.text_filters.thresher_side JSONL RUNS

Documents are one Arrow column of batches of 8 MB, as our readers give them. One thread, unless
said otherwise.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from benchmarks.text_filters import heuristics
from benchmarks.text_filters.timing import repeat, tell, texts_of
from thresher.stages.filtering import as_numbers
from thresher.stages.text import filters, presets
from thresher.stages.text.filters.signals import SignalMemo
from thresher.stages.text.presets.counting import count
from thresher.tasks import DocumentBatch

BATCH = 8_000_000


def main(path: str, runs: int) -> None:
    """Measure, compiled code loaded before."""
    texts = texts_of(path)
    columns = list(_columns(texts))
    rules = heuristics.made(filters)
    gopher = [*presets.GopherQuality().counters(), *presets.GopherRepetition().counters()]
    cleaner = presets.C4(mode="annotate", all_scores=True)

    def all_signals(column):
        """Gopher's and C4's signals; the text that C4 leaves is made, too."""
        count(column, gopher)
        cleaner.process(DocumentBatch("b", pa.table({"text": column})))

    _scores(rules, columns[0].slice(0, 10))
    all_signals(columns[0].slice(0, 10))
    seconds, found = repeat(lambda: [_scores(rules, column) for column in columns], runs)
    gopher_seconds, _ = repeat(lambda: [count(column, gopher) for column in columns], runs)
    preset_seconds, _ = repeat(lambda: [all_signals(column) for column in columns], runs)
    tell(
        seconds=seconds,
        scores=[
            np.concatenate([as_numbers(each[k]) for each in found]).tolist()
            for k in range(len(rules))
        ],
        gopher_seconds=gopher_seconds,
        preset_seconds=preset_seconds,
        scaling=_scaling(lambda column: count(column, gopher), columns),
    )


def _columns(texts):
    """The texts in batches."""
    batch, size = [], 0
    for text in texts:
        batch.append(text)
        size += len(text.encode())
        if size >= BATCH:
            yield pa.array(batch, pa.large_string())
            batch, size = [], 0
    if batch:
        yield pa.array(batch, pa.large_string())


def _scores(rules, column):
    """Every score of every document of a batch; neighbours share their signals."""
    memo = SignalMemo(name for rule in rules for name in rule.needed_signals())
    return [rule.score_with(column, memo) for rule in rules]


def _scaling(work, columns):
    """Wall seconds of one thread over those of two."""
    took = []
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            list(pool.map(work, columns * 4))
            took.append(time.perf_counter() - start)
    return took[0] / took[1]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
