# SPDX-License-Identifier: Apache-2.0
"""datatrove's side: its reader, writer and executor, and the five rules as lambda filters.

The rules are written straight from their definitions, which are NeMo Curator's.

    python datatrove_side.py INPUT_FOLDER OUTPUT_FOLDER
"""

import re
import sys
from collections.abc import Callable

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

ELLIPSES = {"...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more"}
HASHES = re.compile("#+")
UNUSUAL = re.compile(r"[^a-zA-Z0-9\n?!,.]")


def word_count(text: str) -> int:
    """Return the number of words."""
    return len(text.split())


def mean_word_length(text: str) -> float:
    """Return the mean length of a word."""
    words = text.split()
    return sum(len(word) for word in words) / len(words)


def non_alphanumeric(text: str) -> float:
    """Return the share of characters that are no ASCII letter, digit or common punctuation."""
    return len(UNUSUAL.findall(text)) / len(text)


def is_symbol(word: str) -> bool:
    """Say whether a word is an ellipsis or mostly hash signs."""
    return word in ELLIPSES or len(HASHES.findall(word)) / len(word) > 0.5


def symbols_to_words(text: str) -> float:
    """Return the share of words that are symbols."""
    words = text.split()
    return sum(is_symbol(word) for word in words) / len(words)


def top_bigram(text: str) -> float:
    """Return the share of the text that its most frequent bigram, the first of equals, covers."""
    words = text.split()
    if len(words) < 2:
        return 1.0
    bigrams = [tuple(words[i : i + 2]) for i in range(len(words) - 1)]
    counts: dict[tuple[str, ...], int] = {}
    for bigram in bigrams:
        counts[bigram] = counts.get(bigram, 0) + 1
    top = " ".join(max(counts, key=lambda bigram: counts[bigram]))
    return (len(text) - len(text.replace(top, ""))) / len(text)


def main(
    symbols: Callable[[str], float] = symbols_to_words, top: Callable[[str], float] = top_bigram
) -> None:
    """Read, filter and write in one task."""
    source, target = sys.argv[1:]
    filters = [
        LambdaFilter(lambda document: 50 <= word_count(document.text) <= 100_000),
        LambdaFilter(lambda document: 3 <= mean_word_length(document.text) <= 10),
        LambdaFilter(lambda document: non_alphanumeric(document.text) <= 0.25),
        LambdaFilter(lambda document: symbols(document.text) <= 0.1),
        LambdaFilter(lambda document: top(document.text) <= 0.2),
    ]
    reader = JsonlReader(source, glob_pattern="*.jsonl")
    writer = JsonlWriter(target, compression=None)
    LocalPipelineExecutor(
        [reader, *filters, writer], tasks=1, workers=1, logging_dir=f"{target}/../logs"
    ).run()


if __name__ == "__main__":
    main()
