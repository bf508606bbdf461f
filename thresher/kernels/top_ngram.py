# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""The n words that follow one another most often in a document, and how much of it they are."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.distinct import count_sequences, table_size
from thresher.kernels.find import count_occurrences
from thresher.kernels.hashing import hash_all
from thresher.kernels.split import split_words
from thresher.kernels.words import signals as count_words


def signals(data: Bytes, offsets: Integers, n: int) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n_documents+1] -> ``top_ngram_characters:<n>``: int64[n_documents].

    Characters that go when the most frequent n words (of several, the first), joined by blanks,
    are deleted wherever the text has them; -1 for documents of fewer than n words.
    """
    found = np.empty(len(offsets) - 1, np.int64)
    words = count_words(data, offsets)["words"]
    _score(data, offsets, n, int(words.max(initial=0)), found)
    return {f"top_ngram_characters:{n}": found}


@jit
def _score(data, offsets, n, most_words, found):
    starts = np.empty(most_words + 1, np.int64)
    lengths = np.empty(most_words + 1, np.int64)
    hashes = np.empty(most_words + 1, np.uint64)
    first = np.empty(most_words + 1, np.int64)
    counts = np.empty(most_words + 1, np.int64)
    slots = np.empty(table_size(most_words), np.uint64)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_words = split_words(data, begin, stop, starts, lengths)
        if n_words < n:
            found[document] = -1
            continue
        hash_all(data, n_words, starts, lengths, hashes)
        n_distinct = count_sequences(
            data, n, n_words, starts, lengths, hashes, first, counts, slots
        )
        top = 0
        for known in range(1, n_distinct):
            if counts[known] > counts[top]:
                top = known
        pattern = _joined(data, n, first[top], starts, lengths)
        n_characters = 0
        for k in range(pattern.size):
            n_characters += pattern[k] & 0xC0 != 0x80
        found[document] = n_characters * count_occurrences(data, begin, stop, pattern)


@jit
def _joined(data, n, top, starts, lengths):
    """The n words from number ``top`` on, joined by blanks: uint8[n_bytes]."""
    size = n - 1
    for k in range(n):
        size += lengths[top + k]
    joined = np.full(size, 32, np.uint8)
    place = 0
    for k in range(n):
        for i in range(lengths[top + k]):
            joined[place + i] = data[starts[top + k] + i]
        place += lengths[top + k] + 1
    return joined
