# SPDX-License-Identifier: Apache-2.0
"""Presets that leave out lines before they judge what is left."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.stages.base import Columns
from thresher.stages.filtering import Mask, text_of
from thresher.stages.text.presets.counting import Column, Counter, Counts
from thresher.stages.text.presets.preset import Preset, Scores
from thresher.tasks import DocumentBatch


class RewritingPreset(Preset):
    """Base of presets that change the text; annotating leaves it as it is."""

    @abstractmethod
    def clean(self, column: Column) -> tuple[pa.ChunkedArray, Counts]:
        """The documents of a column, cleaned, and what was counted of each; null stays null."""

    def counters(self) -> Sequence[Counter]:
        """None: what is counted comes with the text."""
        return ()

    def outputs(self) -> Columns:
        """The text, or what annotating adds."""
        return super().outputs() if self.mode == "annotate" else (["data"], [self.text_field])

    def scores(self, column: Column) -> Scores:
        """float64[n_rows] by rule."""
        return self.score_counts(self.clean(column)[1])

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]] | None:
        """None: it changes text."""
        return None

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The documents that are kept, cleaned; or all rows, with what they score."""
        column = text_of(task, self.text_field, self.name)
        cleaned, counts = self.clean(column)
        if self.mode == "filter" and not cleaned.equals(column):
            task = task.with_column(self.text_field, cleaned)
        return self._decide(task, self.score_counts(counts))


def text_array(text: Bytes, ends: Integers) -> pa.Array:
    """uint8[n_bytes], int64[n+1] -> n documents as large strings, without nulls."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(ends)), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.large_string(), len(ends) - 1, buffers)


def rewritten(column: Column, chunks: list[pa.Array]) -> pa.ChunkedArray:
    """The chunks in place of those of a text column; what was null there is null."""
    made = pa.chunked_array(chunks, pa.large_string())
    if column.null_count:
        made = pc.if_else(column.is_valid(), made, pa.nulls(1, pa.large_string())[0])
    return made.cast(column.type) if pa.types.is_string(column.type) else made
