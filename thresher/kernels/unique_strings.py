# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many of a document's lines or paragraphs are distinct, and how many characters they have."""

from __future__ import annotations

import numpy as np

from thresher.kernels.blocks import is_ascii
from thresher.kernels.compiled import jit
from thresher.kernels.distinct import count_distinct, table_size
from thresher.kernels.hashing import hash_all, hash_and_count


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
    if is_ascii(data, begin, stop):
        hash_all(data, count, starts, lengths, hashes)
        for item in range(count):
            characters[item] = lengths[item]
    else:
        hash_and_count(data, count, starts, lengths, hashes, characters)
    total = 0
    for item in range(count):
        total += characters[item]
    n_distinct, distinct = count_distinct(data, count, starts, lengths, characters, hashes, slots)
    return n_distinct, total, distinct
