# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many lines of a document are distinct; those of nothing but white space do not count."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.scratch import longest
from thresher.kernels.split import split_lines
from thresher.kernels.unique_strings import measure, working_memory


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``unique_lines``, ``line_characters`` of all lines without their line feeds, and
    ``unique_line_characters`` of the distinct ones.
    """
    names = ("unique_lines", "line_characters", "unique_line_characters")
    counts = np.empty((len(names), len(offsets) - 1), np.int64)
    _count_unique(data, offsets, longest(offsets) + 2, counts)
    return dict(zip(names, counts, strict=True))


@jit
def _count_unique(data, offsets, room, counts):
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    first = np.empty(room, np.int64)
    last = np.empty(room, np.int64)
    work = working_memory(room)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_lines = split_lines(data, begin, stop, starts, ends, first, last)
        lengths = ends
        for line in range(n_lines):
            lengths[line] -= starts[line]
        found = measure(data, begin, stop, n_lines, starts, lengths, work)
        counts[0, document], counts[1, document], counts[2, document] = found
