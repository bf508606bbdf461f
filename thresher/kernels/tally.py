# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Which sequences of n words may come more than once in a document.

Sequences are tallied by their keys without comparing them, which takes no branches: a slot's tally
is never less than the count of a sequence in it. Longer sequences can only be repeated where
shorter ones may be, which leaves fewer with each n.

``count`` sequences of n words are given by int32 ``positions``, the words at which they begin,
ascending, and uint64 ``keys``, equal for equal sequences; ``tally`` uint32[tally_size(count)] tells
how many of them have keys of a slot.
"""

from __future__ import annotations

from numba import types

from thresher.kernels.compiled import part
from thresher.kernels.distinct import table_size
from thresher.kernels.hashing import MIX


@part
def tally_size(count):
    """int64 -> int64: slots for ``count`` sequences, so many that few are shared."""
    return 2 * table_size(count)


@part
def every_sequence(n, n_words, hashes, positions, keys):
    """int64: how many sequences of n words there are; all are written to positions and keys."""
    mix = types.uint64(MIX)
    count = n_words - n + 1
    for item in range(count):
        positions[item] = item
        keys[item] = hashes[item]
    for k in range(1, n):
        for item in range(count):
            keys[item] = keys[item] * mix + hashes[item + k]
    return count


@part
def longer_sequences(count, n, longer, n_words, hashes, positions, keys, tally, marks):
    """int64: how many sequences of ``longer`` words may be repeated, by the tally of n words.

    ``marks`` int32[n_words] is working memory, to be left as it is between the calls for a
    document.
    """
    mask = types.uint64(tally.size - 1)
    mix = types.uint64(MIX)
    for item in range(count):
        marks[positions[item]] = n * (tally[keys[item] & mask] > 1)
    left = 0
    for item in range(count):
        position = positions[item]
        if position + longer > n_words:
            break
        key = keys[item]
        for k in range(n, longer):
            key = key * mix + hashes[position + k]
        positions[left] = position
        keys[left] = key
        left += (marks[position] == n) & (marks[position + longer - n] == n)  # takes no branch
    return left


@part
def tally_all(count, keys, tally):
    """int64: the highest tally of a slot; keys are changed so that their low bits tell slots."""
    tally[:] = 0
    mix = types.uint64(MIX)
    half = types.uint64(32)
    mask = types.uint64(tally.size - 1)
    for item in range(count):
        key = keys[item] * mix
        key ^= key >> half
        keys[item] = key
        tally[key & mask] += types.uint32(1)
    most = types.uint32(0)
    for slot in range(tally.size):
        most = max(most, tally[slot])
    return types.int64(most)


@part
def tallied(count, positions, keys, tally, least, left_positions, left_keys):
    """int64: how many sequences are in slots with tallies of ``least`` or more.

    They are written to the last two, which may be the arrays they come from.
    """
    mask = types.uint64(tally.size - 1)
    left = 0
    for item in range(count):
        key = keys[item]
        left_positions[left] = positions[item]
        left_keys[left] = key
        left += tally[key & mask] >= least
    return left
