# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many of a document's lines or paragraphs are distinct, and how many characters they have."""

from __future__ import annotations

import numpy as np

from thresher.kernels.blocks import count_characters
from thresher.kernels.compiled import jit
from thresher.kernels.distinct import count_distinct, table_size
from thresher.kernels.hashing import hash_all


@jit
def working_memory(room):
    """int64 -> what :func:`measure` works with, for up to ``room`` strings at a time."""
    return (
        np.empty(room, np.int64),
        np.empty(room, np.uint64),
        np.empty(table_size(room), np.uint64),
    )


@jit
def measure(data, begin, stop, count, starts, lengths, work):
    """(int64, int64, int64): distinct strings, characters of all strings, and of the distinct ones.

    The ``count`` strings, int64 starts and lengths, lie within ``data[begin:stop]``.
    """
    characters, hashes, slots = work
    is_ascii = count_characters(data, begin, stop) == stop - begin
    total = 0
    for item in range(count):
        start = starts[item]
        length = lengths[item]
        if not is_ascii:
            length = count_characters(data, start, start + length)
        characters[item] = length
        total += length
    hash_all(data, count, starts, lengths, hashes)
    n_distinct, distinct = count_distinct(data, count, starts, lengths, characters, hashes, slots)
    return n_distinct, total, distinct
