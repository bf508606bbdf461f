# SPDX-License-Identifier: Apache-2.0
"""Preset: several published rules as one stage, which drops documents or notes what they score."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.errors import PlanError
from thresher.stages.base import TEXT, Columns
from thresher.stages.filtering import Mask, RowFilterStage, text_of
from thresher.stages.text import arguments
from thresher.stages.text.presets.counting import Column, Counter, Counts, count
from thresher.tasks import DocumentBatch
from thresher.tasks.columns import from_numpy

Scores: TypeAlias = "dict[str, npt.NDArray[np.float64]]"
"""float64[n_rows] by rule."""

Mode: TypeAlias = Literal["filter", "annotate"]


class Rule(NamedTuple):
    """The scores that a rule keeps: from ``low`` to ``high``, both included; None is no bound."""

    name: str
    low: float | None = None
    high: float | None = None

    def keeps(self, scores: npt.NDArray[np.float64]) -> Mask:
        """bool[n]: which of n scores lie within the bounds."""
        keep = np.ones(len(scores), np.bool_)
        if self.low is not None:
            keep &= scores >= self.low
        if self.high is not None:
            keep &= scores <= self.high
        return keep


class Preset(RowFilterStage):
    """Base of presets: rules in order, and the counts that their scores are made of.

    Parameters
    ----------
    text_field : str
        The column of text. A null document is treated as an empty one.
    mode : "filter" | "annotate"
        ``"filter"`` drops documents, counted by ``<preset>.<rule>`` under the first rule that does
        not keep them. ``"annotate"`` drops none and adds columns: ``<preset>_kept`` (bool),
        ``<preset>_rule`` (string, the first rule that does not keep it) and ``<preset>_score``
        (float64, what it scores there), both null where it is kept.
    all_scores : bool
        When annotating, also add what a document scores by each rule: ``<preset>_<rule>``
        (float64).
    """

    gil_free = True
    version: ClassVar[str] = "1"

    def __init__(
        self, text_field: str = "text", mode: Mode = "filter", all_scores: bool = False
    ) -> None:
        where = type(self).__name__
        arguments.column_names([text_field], "text_field", where, optional=False)
        if mode not in ("filter", "annotate"):
            raise PlanError(
                f"mode={mode!r} is no mode", where=where, todo="give 'filter' or 'annotate'"
            )
        if all_scores and mode == "filter":
            raise PlanError(
                "all_scores adds columns, which mode='filter' does not",
                where=where,
                todo="give mode='annotate' too",
            )
        self.text_field = text_field
        self.mode = mode
        self.all_scores = all_scores
        if mode == "annotate":
            self.__dict__["rows"] = "same"  # a class attribute for those that filter

    # -- what a preset defines ----------------------------------------------------------------

    @abstractmethod
    def rules(self) -> Sequence[Rule]:
        """The rules that are switched on, in the order in which they are applied."""

    @abstractmethod
    def counters(self) -> Sequence[Counter]:
        """What to count of each document."""

    @abstractmethod
    def score_counts(self, counts: Counts) -> Scores:
        """What each rule scores, made of the counts."""

    # -- what all presets do ------------------------------------------------------------------

    def inputs(self) -> Columns:
        """The text column."""
        return ["data"], [self.text_field]

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def outputs(self) -> Columns:
        """The columns that annotating adds."""
        return ["data"], list(self._columns()) if self.mode == "annotate" else []

    def kernels(self) -> Sequence[str]:
        """The kernels of what is counted."""
        return [counter.kernel for counter in self.counters()]

    def scores(self, column: Column) -> Scores:
        """float64[n_rows] by rule: what the documents of a column score."""
        return self.score_counts(count(column, self.counters()))

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]] | None:
        """What each rule keeps of all rows; None where scores are stored."""
        if self.mode == "annotate":
            return None
        return self._judged(self.scores(text_of(task, self.text_field, self.name)))

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The rows that all rules keep; or all rows, with what they score."""
        return self._decide(task, self.scores(text_of(task, self.text_field, self.name)))

    def _decide(self, task: DocumentBatch, scores: Scores) -> DocumentBatch:
        if self.mode == "annotate":
            return self._annotate(task, scores)
        return self._select_in_turn(task, self._judged(scores))

    def _judged(self, scores: Scores) -> list[tuple[str, Mask]]:
        return [
            (f"{self.name}.{rule.name}", rule.keeps(scores[rule.name])) for rule in self.rules()
        ]

    def _annotate(self, task: DocumentBatch, scores: Scores) -> DocumentBatch:
        n_rows = task.num_items
        rules = self.rules()
        failed = np.full(n_rows, -1, np.int32)
        score = np.zeros(n_rows, np.float64)
        for number, rule in enumerate(rules):
            here = (failed < 0) & ~rule.keeps(scores[rule.name])
            failed[here] = number
            score[here] = scores[rule.name][here]
        names = pa.array([rule.name for rule in rules], pa.string())
        first = pa.DictionaryArray.from_arrays(from_numpy(failed, failed >= 0), names)
        made: dict[str, Any] = {
            f"{self.name}_kept": from_numpy(failed < 0),
            f"{self.name}_rule": first.dictionary_decode(),
            f"{self.name}_score": from_numpy(score, failed >= 0),
        }
        if self.all_scores:
            made |= {f"{self.name}_{rule.name}": from_numpy(scores[rule.name]) for rule in rules}
        for name, values in made.items():
            task = task.with_column(name, values)
        return task

    def _columns(self) -> list[str]:
        names = ["kept", "rule", "score"]
        if self.all_scores:
            names += [rule.name for rule in self.rules()]
        return [f"{self.name}_{name}" for name in names]


def share(part: Any, whole: Any, undefined: float = 0.0) -> npt.NDArray[np.float64]:
    """int64[n], int64[n] -> float64[n]: ``part / whole``, ``undefined`` where whole is 0."""
    found = np.full(len(whole), undefined, np.float64)
    return np.divide(part, whole, out=found, where=whole != 0)
