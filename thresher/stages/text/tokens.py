# SPDX-License-Identifier: Apache-2.0
"""TokenCounter: how many tokens documents have, carried along so that every stage can sum them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from thresher.errors import ModelError
from thresher.stages.base import Columns, ProcessingStage, WorkerMetadata
from thresher.tasks import TOKENS, DocumentBatch
from thresher.tasks.columns import from_numpy

_ROWS_PER_CALL = 1024


class TokenCounter(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Counts the tokens of every document, once.

    The counts travel in a hidden column: the statistics of all later stages say how many tokens
    went in and came out, and no writer writes them. A stage that rewrites the text leaves the
    counts as they were.

    Parameters
    ----------
    tokenizer : str
        A Hugging Face ``tokenizer.json``.
    text_field : str
        The column to count.
    """

    name = "token_counter"
    rows = "same"
    gil_free = True
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("tokenizers", "text"),)

    def __init__(self, tokenizer: str, text_field: str = "text") -> None:
        self.tokenizer = str(tokenizer)
        self.text_field = text_field
        self._loaded: Any = None

    def inputs(self) -> Columns:
        """The text."""
        return [], [self.text_field]

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Load the tokenizer.

        Raises
        ------
        ModelError
            If the file is not there or is no tokenizer.
        """
        from tokenizers import Tokenizer

        try:
            self._loaded = Tokenizer.from_file(self.tokenizer)
            # Files of models often say how long their inputs are; here whole documents count.
            self._loaded.no_truncation()
            self._loaded.no_padding()
        except Exception as error:
            raise ModelError(
                f"the tokenizer cannot be loaded: {error}",
                where=self.tokenizer,
                todo="give the path of a Hugging Face tokenizer.json",
            ) from error

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Add the hidden column of counts, int32[n_rows]; null texts have 0 tokens."""
        texts = task.data.column(self.text_field)
        counts = np.empty(task.num_items, np.int32)
        for start in range(0, task.num_items, _ROWS_PER_CALL):
            piece = ["" if t is None else t for t in texts.slice(start, _ROWS_PER_CALL).to_pylist()]
            encoded = self._loaded.encode_batch_fast(piece, add_special_tokens=False)
            counts[start : start + len(piece)] = [len(e) for e in encoded]
        return task.with_column(TOKENS, from_numpy(counts))


def documents_begin(stages: Sequence[Any]) -> int:
    """How many stages of a pipeline run before there are documents to count."""
    for place, stage in enumerate(stages):
        takes, gives = stage.as_stage().task_types()
        if takes is not None and issubclass(takes, DocumentBatch):
            return place
        if gives is None or issubclass(gives, DocumentBatch):
            return place + 1
    return len(stages)
