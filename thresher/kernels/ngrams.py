# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How much of a document its most frequent n words make up, and its repeated n words.

All n are counted in one pass, in ascending order, over words split and hashed once.
"""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.blocks import BLOCK, bits_below, block_at, continuations, count_bits
from thresher.kernels.compiled import jit, part
from thresher.kernels.find import count_occurrences
from thresher.kernels.hashing import hash_words
from thresher.kernels.repeated_sequences import (
    STATE,
    find_repeated,
    most_frequent,
    repeated_positions,
    working_memory,
)
from thresher.kernels.split import SPARE_EDGES, split_words
from thresher.kernels.words import signals as count_words

_TOP, _DUPLICATE = "top_ngram_characters", "duplicate_ngram_characters"


def signals(data: Bytes, offsets: Integers, *names: str) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n_documents+1], names -> int64[n_documents] by name.

    The names are, for a number n,

    - ``top_ngram_characters:<n>``: characters that go when the most frequent n words (of several,
      the first), joined by blanks, are deleted wherever the text has them;
    - ``duplicate_ngram_characters:<n>``: characters of all n words that came before in the text,
      as ``RepeatingDuplicateNGramsFilter`` defines it.

    Both are -1 for documents of fewer than n words.
    """
    asked = [(int(name.partition(":")[2]), name.partition(":")[0]) for name in names]
    sizes = sorted({n for n, _ in asked})
    wanted = np.array([[(n, kind) in asked for n in sizes] for kind in (_TOP, _DUPLICATE)])
    found = np.full((2, len(sizes), len(offsets) - 1), -1, np.int64)
    n_words = int(count_words(data, offsets)["words"].max(initial=0))
    n_bytes = int(np.diff(offsets).max(initial=0))
    counted = bool(wanted[1].any())  # whether the characters of words matter
    _score(data, offsets, np.array(sizes, np.int64), wanted, counted, n_words, n_bytes, found)
    rows = {_TOP: 0, _DUPLICATE: 1}
    return {f"{kind}:{n}": found[rows[kind], sizes.index(n)] for n, kind in asked}


def compile_all() -> None:
    """Compile what :func:`signals` consists of, by calling it."""
    signals(*sample(), f"{_TOP}:1", f"{_DUPLICATE}:1")


@jit
def _score(data, offsets, sizes, wanted, counted, most_words, most_bytes, found):
    edges = np.empty(2 * most_words + SPARE_EDGES, np.int64)
    hashes = np.empty(most_words, np.uint64)
    characters = np.empty(most_words + 1, np.int64)
    work = working_memory(most_words)
    pattern = np.empty(most_bytes, np.uint8)
    state = np.empty(STATE, np.int64)
    words = (data, edges)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_words = split_words(data, begin, stop, edges)
        if n_words < sizes[0]:
            continue
        hash_words(data, n_words, edges, hashes)
        if counted:
            _count_characters(words, begin, n_words, characters)
        state[:] = 0
        for size in range(sizes.size):
            n = sizes[size]
            if n_words < n:
                break
            find_repeated(words, hashes, n, n_words, wanted[1, size], work, state)
            if wanted[0, size]:
                top = most_frequent(words, work, state)
                found[0, size, document] = _deleted(words, begin, stop, n, top, pattern)
            if wanted[1, size]:
                found[1, size, document] = _duplicated(n, characters, work, state)


@part
def _count_characters(words, begin, n_words, characters):
    """Write the characters of the first 0, 1, 2, ... words to int64[n_words + 1]."""
    data, edges = words
    place = begin
    heads = ~continuations(block_at(data, place))  # the first bytes of the block's characters
    before = 0  # characters that begin before the block
    characters[0] = total = 0
    for edge in range(2 * n_words):
        while edges[edge] >= place + BLOCK:
            before += count_bits(heads)
            place += BLOCK
            heads = ~continuations(block_at(data, place))
        n_characters = before + count_bits(heads & bits_below(edges[edge] - place))
        if edge & 1:
            total += n_characters
            characters[(edge + 1) >> 1] = total
        else:
            total -= n_characters


@part
def _deleted(words, begin, stop, n, top, pattern):
    """Characters of the n words from number ``top`` on, joined, as often as the text has them.

    ``pattern`` uint8[stop - begin] is working memory.
    """
    data, edges = words
    size = n_continuations = 0
    for k in range(top, top + n):
        for i in range(edges[2 * k], edges[2 * k + 1]):
            pattern[size] = data[i]
            n_continuations += data[i] & 0xC0 == 0x80
            size += 1
        if k + 1 < top + n:
            pattern[size] = 32
            size += 1
    return (size - n_continuations) * count_occurrences(data, begin, stop, pattern[:size])


@part
def _duplicated(n, characters, work, state):
    """Characters of the repeated sequences; words that two of them share count once."""
    repeated = repeated_positions(work, state)
    total = 0
    covered = 0  # the word behind the last one
    for item in range(repeated.size):
        position = repeated[item]
        overlap = max(covered - position, 0)
        total += characters[position + n] - characters[position + overlap]
        total += min(n - overlap, n - 1)
        covered = position + n
    return total
