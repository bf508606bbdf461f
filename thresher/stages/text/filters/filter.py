# SPDX-License-Identifier: Apache-2.0
"""Filter: keeps rows by a column that holds scores, or anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thresher.errors import PlanError
from thresher.stages.base import Columns
from thresher.stages.filtering import Mask, RowFilterStage, column_of, values_of
from thresher.stages.text import arguments
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.tasks import DocumentBatch
from thresher.tasks.types import is_json

Decider = DocumentFilter | Callable[[Any], Any]


class Filter(RowFilterStage):
    """Drop rows by the value of a column.

    Parameters
    ----------
    filter_fn : DocumentFilter | function | list of them
        A function is given the value, as JSON has it (``None`` for null), and says whether to keep
        the row; a DocumentFilter decides by the value as a stored score. Those of a list are
        applied one after another, each to the rows that are left.
    filter_field : str | list[str]
        The column, one for each.
    invert : bool | list[bool]
        Keep what would be dropped.
    name : str | None
        The stage's name; that of the filter, or of the chain, when not given.

    Raises
    ------
    PlanError
        If lists differ in length or no column is named.
    """

    def __init__(
        self,
        filter_fn: Decider | Sequence[Decider],
        filter_field: str | Sequence[str],
        invert: bool | Sequence[bool] = False,
        name: str | None = None,
    ) -> None:
        where = "Filter"
        self.deciders: list[Any] = arguments.one_or_many(filter_fn, "filter_fn", where)
        arguments.rules(self.deciders, "filter_fn", where)
        n = len(self.deciders)
        listed = isinstance(filter_fn, list | tuple)
        if filter_field is None:
            raise PlanError("filter_field is None", where=where, todo="name a column")
        self.filter_fields = arguments.one_for_each(
            filter_field, n, "filter_field", where, listed=listed, broadcast=False
        )
        self.inverts = arguments.one_for_each(
            invert, n, "invert", where, listed=listed, broadcast=True
        )
        arguments.column_names(self.filter_fields, "filter_field", where, optional=False)
        self.rule_names = [arguments.name_of(decider) for decider in self.deciders]
        self.name = name or arguments.chain_name("filter", self.deciders, self.rule_names)

    def inputs(self) -> Columns:
        """The columns to decide by."""
        return ["data"], list(dict.fromkeys(self.filter_fields))

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The rows that are kept; none at all make an empty batch."""
        for decider, field, invert, rule in zip(
            self.deciders, self.filter_fields, self.inverts, self.rule_names, strict=True
        ):
            keep = self._decide(decider, task, field)
            task = self._select(task, ~keep if invert else keep, rule)
        return task

    def _decide(self, decider: Decider, task: DocumentBatch, field: str) -> Mask:
        column = column_of(task, field, self.name)
        if isinstance(decider, DocumentFilter) and not is_json(task.data.schema.field(field)):
            return decider.keep_scores(column)
        values = values_of(task, field, self.name)
        if isinstance(decider, DocumentFilter):
            return decider.keep_scores(values)
        answers = (bool(decider(value)) for value in values)
        return np.fromiter(answers, dtype=np.bool_, count=len(values))
