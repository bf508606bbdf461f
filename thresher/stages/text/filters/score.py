# SPDX-License-Identifier: Apache-2.0
"""Score: adds what documents score as a column, and drops none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from thresher.errors import PlanError
from thresher.stages.base import TEXT, Columns, NodeInfo, ProcessingStage, WorkerMetadata
from thresher.stages.filtering import text_of, values_of, with_values
from thresher.stages.text import arguments
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.hooks import fetch_models, load_models
from thresher.stages.text.filters.signals import SignalMemo, kernels_of
from thresher.tasks import DocumentBatch

Scorer = DocumentFilter | Callable[[Any], Any]


class Score(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Add a column with the score of each row.

    Parameters
    ----------
    score_fn : DocumentFilter | function | list of them
        A function is given one value of the column, as JSON has it; null is ``None``.
    score_field : str | list[str]
        Column to store the score in, one for each.
    text_field : str | list[str]
        Column to score; one for all or one for each.
    name : str | None
        The stage's name; that of the filter, or of the chain, when not given.

    Raises
    ------
    PlanError
        If lists differ in length or a score has no column to go to.
    """

    rows = "same"

    def __init__(
        self,
        score_fn: Scorer | Sequence[Scorer],
        score_field: str | Sequence[str],
        text_field: str | Sequence[str] = "text",
        name: str | None = None,
    ) -> None:
        where = "Score"
        self.scorers: list[Any] = arguments.one_or_many(score_fn, "score_fn", where)
        arguments.rules(self.scorers, "score_fn", where)
        n = len(self.scorers)
        listed = isinstance(score_fn, list | tuple)
        if score_field is None:
            raise PlanError("score_field is None", where=where, todo="name a column")
        self.score_fields = arguments.one_for_each(
            score_field, n, "score_field", where, listed=listed, broadcast=False
        )
        self.text_fields = arguments.one_for_each(
            text_field, n, "text_field", where, listed=listed, broadcast=True
        )
        arguments.column_names(self.score_fields, "score_field", where, optional=False)
        arguments.column_names(self.text_fields, "text_field", where, optional=False)
        names = [arguments.name_of(scorer) for scorer in self.scorers]
        self.name = name or arguments.chain_name("score", self.scorers, names)
        # A class attribute for other stages; here it depends on the filters.
        self.__dict__["gil_free"] = all(
            isinstance(scorer, DocumentFilter) and bool(scorer.needed_signals())
            for scorer in self.scorers
        )

    def inputs(self) -> Columns:
        """The text columns."""
        return ["data"], list(dict.fromkeys(self.text_fields))

    def outputs(self) -> Columns:
        """The score columns."""
        return ["data"], list(self.score_fields)

    def input_kinds(self) -> dict[str, str]:
        """Text, where filters score it."""
        pairs = zip(self.scorers, self.text_fields, strict=True)
        return {field: TEXT for scorer, field in pairs if isinstance(scorer, DocumentFilter)}

    def kernels(self) -> Sequence[str]:
        """The kernels of the filters' signals."""
        filters = (scorer for scorer in self.scorers if isinstance(scorer, DocumentFilter))
        return kernels_of(name for rule in filters for name in rule.needed_signals())

    def setup_on_node(
        self, node_info: NodeInfo | None = None, worker_metadata: WorkerMetadata | None = None
    ) -> None:
        """Let filters fetch their models."""
        fetch_models(self.scorers)

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Let filters load their models."""
        load_models(self.scorers)

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, with the scores."""
        names: dict[str, list[str]] = {}
        for scorer, field in zip(self.scorers, self.text_fields, strict=True):
            if isinstance(scorer, DocumentFilter):
                names.setdefault(field, []).extend(scorer.needed_signals())
        memos = {field: SignalMemo(expected) for field, expected in names.items()}
        for scorer, field, score_field in zip(
            self.scorers, self.text_fields, self.score_fields, strict=True
        ):
            scores: Any
            if isinstance(scorer, DocumentFilter):
                scores = scorer.score_with(text_of(task, field, self.name), memos[field])
            else:
                scores = [scorer(value) for value in values_of(task, field, self.name)]
            task = with_values(task, score_field, scores)
        return task
