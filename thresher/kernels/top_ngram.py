# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""The n words that follow one another most often in a document, and how much of it they are."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.find import count_occurrences
from thresher.kernels.frequent import most_frequent, tally_size
from thresher.kernels.hashing import hash_words
from thresher.kernels.split import SPARE_EDGES, split_words
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
    edges = np.empty(2 * most_words + SPARE_EDGES, np.int64)
    hashes = np.empty(most_words + 1, np.uint64)
    keys = np.empty(most_words, np.uint64)
    tally = np.empty(tally_size(most_words), np.uint32)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_words = split_words(data, begin, stop, edges)
        if n_words < n:
            found[document] = -1
            continue
        hash_words(data, n_words, edges, hashes)
        top = most_frequent(data, n, n_words, edges, hashes, keys, tally)
        pattern = _joined(data, n, top, edges)
        n_characters = 0
        for k in range(pattern.size):
            n_characters += pattern[k] & 0xC0 != 0x80
        found[document] = n_characters * count_occurrences(data, begin, stop, pattern)


@jit
def _joined(data, n, top, edges):
    """The n words from number ``top`` on, joined by blanks: uint8[n_bytes]."""
    size = n - 1
    for k in range(top, top + n):
        size += edges[2 * k + 1] - edges[2 * k]
    joined = np.full(size, 32, np.uint8)
    place = 0
    for k in range(top, top + n):
        length = edges[2 * k + 1] - edges[2 * k]
        for i in range(length):
            joined[place + i] = data[edges[2 * k] + i]
        place += length + 1
    return joined
