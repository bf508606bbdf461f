# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""The repeated sequences of n words of a document, for one n after another.

``words`` is (uint8[n_bytes], edges), ``hashes`` their ``hash_words``. ``work`` holds what is known:
int32 positions, ids, firsts, marks and counts, uint64 keys, again int32 positions and uint64 keys,
all [n_words], int32[table_size] table and uint32[tally_size] tally (see :func:`working_memory`);
``state`` int64[STATE] the numbers below, all 0 at first.
"""

from __future__ import annotations

import numpy as np
from numba import types

from thresher.kernels.compiled import part
from thresher.kernels.distinct import table_size
from thresher.kernels.tally import (
    every_sequence,
    longer_sequences,
    tallied,
    tally_all,
    tally_size,
)
from thresher.kernels.tell_apart import count_each, longer_by_ids, tell_apart

_N = 0  # words of the sequences that were looked at last
_COUNT = 1  # how many of them may be repeated
_DISTINCT = 2  # how many of those are distinct; -1 while they were not told apart
_MOST = 3  # the highest tally
STATE = 4


@part
def working_memory(n_words):
    """int64 -> the working memory for documents of up to ``n_words`` words."""
    return (
        np.empty(n_words, np.int32),
        np.empty(n_words, np.int32),
        np.empty(n_words, np.int32),
        np.empty(n_words, np.int32),
        np.empty(n_words, np.int32),
        np.empty(n_words, np.uint64),
        np.empty(n_words, np.int32),
        np.empty(n_words, np.uint64),
        np.empty(table_size(n_words), np.int32),
        np.empty(tally_size(n_words), np.uint32),
    )


@part
def find_repeated(words, hashes, n, n_words, apart, work, state):
    """Find the sequences of n words, more than the time before, that may be repeated.

    ``apart`` bool: whether to tell them apart.
    """
    positions, ids, firsts, marks, counts, keys, _, _, table, tally = work
    last, count, n_distinct = state[_N], state[_COUNT], state[_DISTINCT]
    compared = n  # how many words of two sequences need comparing
    if last > 0 and n_distinct >= 0 and n <= 2 * last:
        count = longer_by_ids(
            count, last, n, n_words, positions, keys, ids, n_distinct, marks, counts
        )
        compared, apart = 0, True
    else:
        if last == 0 or n_distinct >= 0:
            count = every_sequence(n, n_words, hashes, positions, keys)
        else:
            slots = tally[: tally_size(count)]
            count = longer_sequences(count, last, n, n_words, hashes, positions, keys, slots, marks)
        slots = tally[: tally_size(count)]
        state[_MOST] = tally_all(count, keys, slots)
        if apart:
            least = types.int64(2)  # not a literal, for which all would be compiled again
            count = tallied(count, positions, keys, slots, least, positions, keys)
    state[_DISTINCT] = -1
    if apart:
        state[_DISTINCT] = tell_apart(words, compared, count, positions, keys, ids, firsts, table)
    state[_N] = n
    state[_COUNT] = count


@part
def most_frequent(words, work, state):
    """int64: the word at which the most frequent sequence begins, of several the first.

    If no sequence is repeated, the answer is 0.
    """
    positions, ids, firsts, _, counts, keys, likely_positions, likely_keys, table, tally = work
    count, n_distinct, most = state[_COUNT], state[_DISTINCT], state[_MOST]
    if n_distinct >= 0:
        item, times = _first_of_most(count, ids, firsts, n_distinct, counts)
        return positions[item] if times > 1 else 0
    slots = tally[: tally_size(count)]
    item, times = -1, most
    for look in range(2):
        # What slots share may hide behind a high tally, so a second look may be needed.
        least = max(times, 2)
        if least > most or (look == 1 and times == most):
            break
        likely = tallied(count, positions, keys, slots, least, likely_positions, likely_keys)
        n_distinct = tell_apart(
            words, state[_N], likely, likely_positions, likely_keys, ids, firsts, table
        )
        item, times = _first_of_most(likely, ids, firsts, n_distinct, counts)
    return likely_positions[item] if item >= 0 and times > 1 else 0


@part
def repeated_positions(work, state):
    """int32[n]: where the sequences that came before begin, ascending; they were told apart.

    The array is part of ``work``.
    """
    positions, ids, firsts, repeated = work[0], work[1], work[2], work[6]
    n_repeated = 0
    for item in range(state[_COUNT]):
        repeated[n_repeated] = positions[item]
        n_repeated += firsts[ids[item]] != item
    return repeated[:n_repeated]


@part
def _first_of_most(count, ids, firsts, n_distinct, counts):
    """(int64, int64): the first of the most frequent sequences, and how often it comes."""
    if n_distinct == 0:
        return 0, 0
    count_each(count, ids, n_distinct, counts)
    top = 0
    for known in range(1, n_distinct):
        if counts[known] > counts[top]:
            top = known
    return firsts[top], counts[top]
