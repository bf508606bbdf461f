# SPDX-License-Identifier: Apache-2.0
"""Filters by a given piece of text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import PlanError, StageError
from thresher.kernels.arrow_text import is_text
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.tasks.columns import to_numpy

_IS_AT = {"prefix": pc.starts_with, "suffix": pc.ends_with, "any": pc.match_substring}


class SubstringFilter(DocumentFilter):
    """Keep documents that have a piece of text at their beginning, at their end, or anywhere.

    Score: int64, 1 if the document has it there, else 0. Case counts.

    Null rule: a null or empty document has nothing but the empty piece of text.

    Source: the heuristic filters of NeMo Curator.

    >>> SubstringFilter("sum", position="any").score_document("lorem ipsum")
    1

    Parameters
    ----------
    position : str
        ``"prefix"``, ``"suffix"`` or ``"any"``.

    Raises
    ------
    PlanError
        If the position is none of them.
    """

    EXAMPLES = (
        {"substring": "the", "position": "any"},
        {"substring": "a", "position": "prefix"},
        {"substring": "é", "position": "suffix"},
        {"substring": "", "position": "any"},
        {"substring": "\ud800", "position": "any"},
    )

    def __init__(self, substring: str, position: str) -> None:
        if position not in _IS_AT:
            raise PlanError(
                f"there is no position {position!r}",
                where=type(self).__name__,
                todo="give 'prefix', 'suffix' or 'any'",
            )
        self.substring = substring
        self.position = position

    def score_document(self, text: str) -> int:
        """1 or 0."""
        if self.position == "prefix":
            return int(text.startswith(self.substring))
        if self.position == "suffix":
            return int(text.endswith(self.substring))
        return int(self.substring in text)

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """1 or 0 for each."""
        if not is_text(column.type):
            raise StageError(f"the column holds {column.type}, not text", todo="name a text column")
        try:
            pattern = self.substring.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which no column can hold
            return [0] * len(column)
        found = _IS_AT[self.position](column.cast(pa.large_string()), pattern=pattern)
        return to_numpy(pc.fill_null(found, not self.substring).cast(pa.int64()))

    def bounds(self) -> Bounds:
        """Only 1."""
        return 1, None
