# SPDX-License-Identifier: Apache-2.0
"""IncompleteStoryFilter: whether a text has an end."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.tasks.columns import to_numpy

_ENDS = (".", "!", "?", '"', "”")
_TAIL = 32
"""Characters at the end that are looked at first: few texts end in more white space."""

_SPACES = "".join(character for character in map(chr, range(0x3001)) if character.isspace())


class IncompleteStoryFilter(DocumentFilter):
    """Keep documents that end like a story: their last character but white space is a mark.

    Score: int64, 1 if the last character that is no white space is one of ``. ! ? " ”``, else 0.

    Null rule: a null, empty or blank document scores 0.

    Source: the TinyStories tutorial of NeMo Curator.

    >>> IncompleteStoryFilter().score_document("They were happy ever after.")
    1
    """

    name = "incomplete_story"

    def score_document(self, text: str) -> int:
        """1 for an end, 0 for none."""
        return int(text.rstrip().endswith(_ENDS))

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """1 for an end, 0 for none."""
        texts = pc.fill_null(column, "")
        tails = pc.utf8_rtrim(pc.utf8_slice_codeunits(texts, -_TAIL), _SPACES)
        ended = to_numpy(reduce(pc.or_, [pc.ends_with(tails, mark) for mark in _ENDS]))
        scores = ended.astype(np.int64)
        blank = to_numpy(pc.equal(pc.binary_length(tails), 0))
        for row in np.flatnonzero(blank & to_numpy(pc.greater(pc.binary_length(texts), _TAIL))):
            scores[row] = self.score_document(texts[int(row)].as_py())
        return scores

    def bounds(self) -> Bounds:
        """A lower end."""
        return 1, None
