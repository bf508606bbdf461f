# SPDX-License-Identifier: Apache-2.0
"""ScoreFilter: scores documents and keeps those its filters keep."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.stages.base import TEXT, Columns, NodeInfo, WorkerMetadata
from thresher.stages.filtering import Mask, RowFilterStage, text_of, with_values
from thresher.stages.text import arguments
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.hooks import fetch_models, load_models
from thresher.stages.text.filters.signals import SignalMemo, kernels_of
from thresher.tasks import DocumentBatch


class ScoreFilter(RowFilterStage):
    """Score documents and drop those whose score is not kept.

    Parameters
    ----------
    filter_obj : DocumentFilter | list[DocumentFilter]
        Filters of a list are applied one after another, each to the rows that are left.
    text_field : str | list[str]
        Column to score; one for all filters or one for each.
    score_field : str | list[str | None] | None
        Column to store the score in; none is stored when not given.
    invert : bool | list[bool]
        Keep what the filter would drop.
    name : str | None
        The stage's name; that of the filter, or of the chain, when not given.

    Raises
    ------
    PlanError
        If lists differ in length, or nothing is given to filter by.
    """

    def __init__(
        self,
        filter_obj: DocumentFilter | Sequence[DocumentFilter],
        text_field: str | Sequence[str] = "text",
        score_field: str | Sequence[str | None] | None = None,
        invert: bool | Sequence[bool] = False,
        name: str | None = None,
    ) -> None:
        where = "ScoreFilter"
        self.filters = arguments.one_or_many(filter_obj, "filter_obj", where)
        for rule in self.filters:
            if not isinstance(rule, DocumentFilter):
                raise arguments.WrongTypeError(
                    f"filter_obj holds a {type(rule).__name__}, not a DocumentFilter",
                    where=where,
                    todo="give DocumentFilters; for a function use Score and Filter",
                )
        n = len(self.filters)
        listed = isinstance(filter_obj, list | tuple)
        self.text_fields = arguments.one_for_each(
            text_field, n, "text_field", where, listed=listed, broadcast=True
        )
        self.score_fields = arguments.one_for_each(
            score_field, n, "score_field", where, listed=listed, broadcast=score_field is None
        )
        self.inverts = arguments.one_for_each(
            invert, n, "invert", where, listed=listed, broadcast=True
        )
        arguments.column_names(self.text_fields, "text_field", where, optional=False)
        arguments.column_names(self.score_fields, "score_field", where, optional=True)
        names = [arguments.name_of(rule) for rule in self.filters]
        self.name = name or arguments.chain_name("score_filter", self.filters, names)
        # A class attribute for other stages; here it depends on the filters.
        self.__dict__["gil_free"] = all(rule.needed_signals() for rule in self.filters)

    def inputs(self) -> Columns:
        """The text columns."""
        return ["data"], list(dict.fromkeys(self.text_fields))

    def outputs(self) -> Columns:
        """The score columns."""
        return ["data"], [field for field in self.score_fields if field is not None]

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return dict.fromkeys(self.text_fields, TEXT)

    def kernels(self) -> Sequence[str]:
        """The kernels of the filters' signals."""
        return kernels_of(name for rule in self.filters for name in rule.needed_signals())

    def setup_on_node(
        self, node_info: NodeInfo | None = None, worker_metadata: WorkerMetadata | None = None
    ) -> None:
        """Let filters fetch their models."""
        fetch_models(self.filters)

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Let filters load their models."""
        load_models(self.filters)

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The rows that all filters keep; none at all make an empty batch."""
        memos, passed_on = self._memos()
        rules = zip(self.filters, self.text_fields, self.score_fields, self.inverts, strict=True)
        for rule, field, score_field, invert in rules:
            scores = rule.score_with(text_of(task, field, self.name), memos[field])
            keep = rule.keep_scores(scores)
            if invert:
                keep = ~keep
            if score_field is not None:
                task = with_values(task, score_field, scores)
            left = self._select(task, keep, rule.name)
            if left is not task:
                for own, each in memos.items():
                    if own not in task.data.column_names:  # that of a later stage, yet to be made
                        continue
                    each.follow(task.data.column(own), keep, left.data.column(own))
                task = left
        _forget(memos, passed_on)
        return task

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]] | None:
        """What each rule keeps of all rows; None where scores are stored."""
        if any(field is not None for field in self.score_fields):
            return None
        memos, passed_on = self._memos()
        masks: list[tuple[str, Mask]] = []
        for rule, field, invert in zip(self.filters, self.text_fields, self.inverts, strict=True):
            scores = rule.score_with(text_of(task, field, self.name), memos[field])
            keep = rule.keep_scores(scores)
            masks.append((rule.name, ~keep if invert else keep))
        _forget(memos, passed_on)
        return masks

    @classmethod
    def sharing(cls, stages: Sequence[ScoreFilter]) -> list[ScoreFilter]:
        """Copies that pass on to the next what they have counted of a column."""
        memos = _memos_for(stages)
        last = stages[-1]
        return [stage.copy(_shared_memos=(memos, stage is not last)) for stage in stages]

    def _memos(self) -> tuple[dict[str, SignalMemo], bool]:
        """The memo of each column, and whether the next stage goes on with them."""
        shared: tuple[dict[str, SignalMemo], bool] | None = self.__dict__.get("_shared_memos")
        return (_memos_for([self]), False) if shared is None else shared


def _memos_for(stages: Sequence[ScoreFilter]) -> dict[str, SignalMemo]:
    """A memo for each column, which expects what all the stages will ask."""
    names: dict[str, list[str]] = {}
    for stage in stages:
        for rule, field in zip(stage.filters, stage.text_fields, strict=True):
            names.setdefault(field, []).extend(rule.needed_signals())
    return {field: SignalMemo(expected) for field, expected in names.items()}


def _forget(memos: dict[str, SignalMemo], passed_on: bool) -> None:
    if not passed_on:
        for memo in memos.values():
            memo.forget()
