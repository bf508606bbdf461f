# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many lines of a document are distinct; those of nothing but white space do not count."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.distinct import count_distinct, table_size
from thresher.kernels.hashing import hash_all
from thresher.kernels.split import most_lines, split_lines


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> ``unique_lines``: int64[n]."""
    found = np.empty(len(offsets) - 1, np.int64)
    _count_unique(data, offsets, found)
    return {"unique_lines": found}


@jit
def _count_unique(data, offsets, found):
    room = most_lines(data, offsets)
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    first = np.empty(room, np.int64)
    counts = np.empty(room, np.int64)
    hashes = np.empty(room, np.uint64)
    slots = np.empty(table_size(room), np.uint64)
    for document in range(offsets.size - 1):
        n_lines = split_lines(
            data, offsets[document], offsets[document + 1], starts, ends, first, counts
        )
        lengths = ends
        for line in range(n_lines):
            lengths[line] -= starts[line]
        hash_all(data, n_lines, starts, lengths, hashes)
        found[document] = count_distinct(data, n_lines, starts, lengths, hashes, slots)
