# SPDX-License-Identifier: Apache-2.0
"""TokenCounter: how many tokens documents have, carried along so that every stage can sum them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thresher.errors import ThresherError
from thresher.stages.base import TEXT, Columns, ProcessingStage, WorkerMetadata
from thresher.stages.filtering import text_of
from thresher.stages.text.tokenizing import LoadedTokenizer, TokenizerSource
from thresher.tasks import TOKENS, DocumentBatch
from thresher.tasks.columns import from_numpy


class TokenCounter(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Counts the tokens of every document, once.

    The counts travel in a hidden column: the statistics of all later stages say how many tokens
    went in and came out, and no writer writes them. A stage that rewrites the text leaves the
    counts as they were. Text that spells a special token is counted as other text is.

    Parameters
    ----------
    tokenizer : str
        A Hugging Face ``tokenizer.json``, a folder with one, or the name of a model on the hub,
        which needs the package ``transformers``.
    text_field : str
        The column to count.
    """

    name = "token_counter"
    version = "2"
    rows = "same"
    gil_free = True

    def __init__(self, tokenizer: str, text_field: str = "text") -> None:
        self.tokenizer = str(tokenizer)
        self.text_field = text_field
        self._loaded: LoadedTokenizer | None = None

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def inputs(self) -> Columns:
        """The text."""
        return [], [self.text_field]

    def plan_mistakes(self) -> list[ThresherError]:
        """A tokenizer that is not there."""
        return TokenizerSource(self.tokenizer).mistakes(type(self).__name__)

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Load the tokenizer.

        Raises
        ------
        ModelError
            If the file is not there or is no tokenizer.
        """
        self._loaded = TokenizerSource(self.tokenizer).load_or_fetch()

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Add the hidden column of counts, int32[n_rows]; null texts have 0 tokens."""
        if self._loaded is None:
            self.setup()
        assert self._loaded is not None
        texts = text_of(task, self.text_field, self.name)
        counts = self._loaded.counts(texts, special=False)
        return task.with_column(TOKENS, from_numpy(counts.astype(np.int32)))


def documents_begin(stages: Sequence[Any]) -> int:
    """How many stages of a pipeline run before there are documents to count."""
    for place, stage in enumerate(stages):
        takes, gives = stage.as_stage().task_types()
        if takes is not None and issubclass(takes, DocumentBatch):
            return place
        if gives is None or issubclass(gives, DocumentBatch):
            return place + 1
    return len(stages)
