# SPDX-License-Identifier: Apache-2.0
"""DocumentSplitter: makes a row of every piece of a document."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from thresher.errors import PlanError
from thresher.stages.base import TEXT, Columns, ProcessingStage
from thresher.stages.filtering import text_of
from thresher.stages.text.pieces import Counts, cut, one_chunk
from thresher.tasks import RAW, TOKENS, DocumentBatch
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import table_like

_OF_PATTERNS = frozenset(".^$*+?{}[]\\|()")


class DocumentSplitter(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Split documents at a separator: one row for each piece, in order.

    Pieces are numbered from 0 within their document; all other columns are copied. An empty
    document is one empty piece, a null one null piece. :class:`DocumentJoiner` is the way back.

    Source: the modules of NeMo Curator, and the rule by which pandas splits strings.

    >>> batch = DocumentBatch("d", {"text": ["a|b", "c"], "id": [7, 8]})
    >>> DocumentSplitter("|").process(batch).data.to_pydict()
    {'text': ['a', 'b', 'c'], 'id': [7, 7, 8], 'segment_id': [0, 1, 0]}

    Parameters
    ----------
    separator : str
        One character stands for itself; a longer separator is a regular expression of Python's
        ``re``. What its groups match becomes a piece, too.
    text_field : str
        The column to split.
    segment_id_field : str
        The column of numbers, int64; one of that name that is there already is replaced.

    Raises
    ------
    PlanError
        If the separator is empty or no regular expression.
    """

    name = "document_splitter"
    rows = "expand"
    gil_free = True

    def __init__(
        self, separator: str, text_field: str = "text", segment_id_field: str = "segment_id"
    ) -> None:
        self.separator = separator
        self.text_field = text_field
        self.segment_id_field = segment_id_field
        if not separator:
            raise PlanError("the separator is empty", "DocumentSplitter", "give a string")
        self._pattern: re.Pattern[str] | None = None
        if len(separator) > 1 and _OF_PATTERNS & set(separator):
            try:
                self._pattern = re.compile(separator)
            except re.error as error:
                raise PlanError(
                    f"separator={separator!r} is no regular expression: {error}",
                    where="DocumentSplitter",
                    todo=f"write {re.escape(separator)!r} to have it stand for itself",
                ) from None

    def inputs(self) -> Columns:
        """The text."""
        return ["data"], [self.text_field]

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def outputs(self) -> Columns:
        """The pieces and their numbers."""
        return ["data"], [self.text_field, self.segment_id_field]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """A row for each piece of each document."""
        column = text_of(task, self.text_field, self.name)
        pieces, counts = self._cut(one_chunk(column))
        parents = from_numpy(np.repeat(np.arange(task.num_items), counts))
        # Records would be copied for every piece of them, and their tokens are no longer known.
        columns = {
            name: pieces if name == self.text_field else task.data.column(name).take(parents)
            for name in task.data.column_names
            if name not in (RAW, TOKENS)
        }
        table = table_like(columns, task.data, {self.text_field})
        made = task.evolve(data=table, _parsed=frozenset(), _carried=frozenset())
        return made.with_column(self.segment_id_field, from_numpy(numbered(counts)))

    def _cut(self, texts: pa.Array) -> tuple[pa.Array, Counts]:
        if self._pattern is None:
            return cut(texts, self.separator)
        split = self._pattern.split
        lists = [[None] if text is None else split(text) for text in texts.to_pylist()]
        counts = np.fromiter(map(len, lists), np.int64, len(lists))
        return pa.array([piece for pieces in lists for piece in pieces], pa.large_string()), counts


def numbered(counts: Counts) -> Counts:
    """int64[n] -> int64[sum]: 0, 1, ... for each count."""
    ends = np.cumsum(counts)
    return np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
