# SPDX-License-Identifier: Apache-2.0
"""Judging and deciding apart: what filters of every modality have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.errors import StageError
from thresher.stages.base import ProcessingStage
from thresher.stages.parameters import Parametrised
from thresher.tasks import DocumentBatch
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import visible

Stage = TypeVar("Stage", bound="RowFilterStage")

Scores: TypeAlias = "npt.NDArray[Any] | pa.Array | pa.ChunkedArray | list[Any]"
"""One score per row: numbers as an array, anything else as a list."""

Mask: TypeAlias = "npt.NDArray[np.bool_]"
"""bool[n_rows]: which rows stay."""

Bounds: TypeAlias = "tuple[float | None, float | None]"
"""Lowest and highest score that is kept, both included; None is no bound."""


class Judge(Parametrised, ABC):
    """Decides by a score; how the score is made is the subclass's.

    Declare either :meth:`bounds` or your own ``keep`` rule. A null or NaN score is outside all
    bounds.
    """

    version: ClassVar[str] = "1"

    @property
    def name(self) -> str:
        """What statistics and drop counts call it; the class name unless declared."""
        return str(self.__dict__.get("_name") or type(self).__name__)

    def bounds(self) -> Bounds:
        """The scores that are kept."""
        raise StageError(
            f"{type(self).__name__} does not say which scores to keep",
            todo="define bounds(self), or a keep method",
        )

    def within_bounds(self, score: Any) -> bool:
        """Whether one score lies within the bounds."""
        low, high = self.bounds()
        if score is None or score != score:
            return False
        return bool((low is None or low <= score) and (high is None or score <= high))

    def mask_within_bounds(self, scores: Scores) -> Mask:
        """bool[n]: which of n scores lie within the bounds."""
        low, high = self.bounds()
        values = as_numbers(scores)
        if values is None:
            return np.fromiter(
                map(self.within_bounds, as_objects(scores)), dtype=np.bool_, count=len(scores)
            )
        keep = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), np.bool_)
        if low is not None:
            keep &= values >= low
        if high is not None:
            keep &= values <= high
        return keep


class RowFilterStage(ProcessingStage[DocumentBatch, DocumentBatch]):
    """A stage that drops rows and tells why.

    Each worker has a copy of the stage of its own, so the counts need no lock.
    """

    rows = "subset"

    def drops(self) -> dict[str, int]:
        """Rows dropped since the last call, by rule; called by the runner after each task."""
        dropped: dict[str, int] = self.__dict__.pop("_drops", {})
        return dropped

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]] | None:
        """For each of its rules in order: its name, and bool[n_rows], which rows it keeps.

        Neighbouring stages that can judge a whole batch have its rows cut out once, at the end.
        None if the stage does more than drop rows.
        """
        return None

    def _select(self, task: DocumentBatch, keep: Mask, rule: str) -> DocumentBatch:
        """The rows of ``task`` where ``keep`` holds; the others are counted under ``rule``."""
        return self._select_in_turn(task, [(rule, keep)])

    def _select_in_turn(
        self, task: DocumentBatch, judged: Iterable[tuple[str, Mask]]
    ) -> DocumentBatch:
        """The rows that every rule keeps; the others are counted under the first that does not."""
        counts: dict[str, int] = self.__dict__.setdefault("_drops", {})
        alive = np.ones(task.num_items, np.bool_)
        left = task.num_items
        for rule, keep in judged:
            alive &= keep
            before, left = left, int(np.count_nonzero(alive))
            if left < before:
                counts[rule] = counts.get(rule, 0) + before - left
        if left == task.num_items:
            return task
        return task.with_data(task.data.filter(from_numpy(alive)))

    @classmethod
    def sharing(cls: type[Stage], stages: Sequence[Stage]) -> list[Stage]:
        """Neighbouring stages of this class, changed so that they share work; see share_work."""
        return list(stages)


def share_work(stages: Sequence[ProcessingStage[Any, Any]]) -> list[ProcessingStage[Any, Any]]:
    """The stages, with neighbouring filters of one class changed to copies that share work.

    For one thread that runs the stages one after another on each task: what one stage has counted
    of a column, the next need not count again. Results stay the same, also if a task is changed,
    cut or joined between two stages.
    """
    shared: list[ProcessingStage[Any, Any]] = []
    for kind, group in groupby(stages, key=type):
        run: list[Any] = list(group)
        shared += kind.sharing(run) if issubclass(kind, RowFilterStage) and len(run) > 1 else run
    return shared


def column_of(task: DocumentBatch, field: str, stage: str) -> pa.ChunkedArray:
    """The column ``field`` of a batch.

    Raises
    ------
    StageError
        If there is none, with the nearest name there is.
    """
    names = task.data.column_names
    if field in names:
        return task.data.column(field)
    raise StageError(
        f"there is no column {field!r}",
        where=f"stage {stage!r}, task {task.task_id!r}",
        todo=did_you_mean(field, visible(names)),
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Advice that names the nearest of the names there are."""
    from difflib import get_close_matches

    there = list(known)
    near = get_close_matches(name, there, n=1)
    listing = "the columns are " + (", ".join(map(repr, there)) or "none")
    return f"did you mean {near[0]!r}? {listing}" if near else listing


def as_numbers(scores: Scores) -> npt.NDArray[Any] | None:
    """The scores as int64[n], float64[n] or bool[n], null as NaN; None if they are no numbers."""
    if isinstance(scores, list):
        return None
    values = scores
    if isinstance(values, pa.Array | pa.ChunkedArray):
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            return None
        values = np.asarray(values.to_numpy(zero_copy_only=False))
    return values if values.dtype.kind in "iufb" else None


def as_objects(scores: Scores) -> list[Any]:
    """The scores as plain Python values."""
    if isinstance(scores, pa.Array | pa.ChunkedArray):
        values: list[Any] = scores.to_pylist()
        return values
    return scores if isinstance(scores, list) else list(scores.tolist())


def as_arrow(scores: Scores, field: str) -> pa.Array | pa.ChunkedArray:
    """The scores as a column to store.

    Raises
    ------
    StageError
        If they have no common type.
    """
    if isinstance(scores, pa.Array | pa.ChunkedArray):
        return scores
    try:
        return from_numpy(scores) if isinstance(scores, np.ndarray) else pa.array(scores)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise StageError(
            f"the scores for column {field!r} have no common type: {error}",
            todo="return one type of score (bool, int, float or str) for all documents",
        ) from error
