# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How many paragraphs of a document are distinct; they are what ``text.split("\\n\\n")`` gives."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.compiled import jit
from thresher.kernels.scratch import longest
from thresher.kernels.split import split_paragraphs
from thresher.kernels.unique_strings import measure, working_memory


def signals(data: Bytes, offsets: Integers) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1] -> int64[n] each of:

    ``unique_paragraphs``, ``paragraph_characters`` of all paragraphs without what parts them, and
    ``unique_paragraph_characters`` of the distinct ones.
    """
    names = ("unique_paragraphs", "paragraph_characters", "unique_paragraph_characters")
    counts = np.empty((len(names), len(offsets) - 1), np.int64)
    _count_unique(data, offsets, longest(offsets) + 2, counts)
    return dict(zip(names, counts, strict=True))


@jit
def _count_unique(data, offsets, room, counts):
    starts = np.empty(room, np.int64)
    lengths = np.empty(room, np.int64)
    work = working_memory(room)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_paragraphs = split_paragraphs(data, begin, stop, starts, lengths)
        found = measure(data, begin, stop, n_paragraphs, starts, lengths, work)
        counts[0, document], counts[1, document], counts[2, document] = found
