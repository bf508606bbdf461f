# SPDX-License-Identifier: Apache-2.0
"""Judging and deciding apart: what filters of every modality have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import StageError
from thresher.stages.base import ProcessingStage
from thresher.stages.parameters import Parametrised
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import visible
from thresher.tasks.json_text import python_values
from thresher.tasks.json_written import column_of as column_of_values
from thresher.tasks.nested import convert_leaves
from thresher.tasks.showing import shown
from thresher.tasks.types import guessed, is_json, is_string, is_text

_NOT_IN_PYTHON = (ValueError, OverflowError, KeyError)
"""What Arrow raises for values that Python does not have."""

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


def text_of(task: DocumentBatch, field: str, stage: str) -> pa.ChunkedArray:
    """The column ``field`` of a batch, as strings.

    Raises
    ------
    StageError
        If there is none.
    BadRows
        If rows hold something else than text.
    """
    column = column_of(task, field, stage)
    kind = column.type
    declared = task.data.schema.field(field)
    if is_text(declared) and not pa.types.is_string_view(kind):
        return column
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_dictionary(kind) and is_string(kind.value_type):
        return column.cast(kind.value_type).cast(pa.large_string())
    values = values_of(task, field, stage)
    bad = {
        row: f"field {field!r} is {_shown(value)}, not text"
        for row, value in enumerate(values)
        if value is not None and not isinstance(value, str)
    }
    if bad:
        raise BadRows(bad)
    return pa.chunked_array([pa.array(values, pa.large_string())])


def values_of(task: DocumentBatch, field: str, stage: str) -> list[Any]:
    """The values of the column ``field`` as Python objects: as JSON has them, if it is from JSON.

    Raises
    ------
    StageError
        If there is no such column.
    BadRows
        If Python has no such values: a date in the year 10000, for one.
    """
    column, declared = column_of(task, field, stage), task.data.schema.field(field)
    try:
        return python_values(column, declared)
    except _NOT_IN_PYTHON:
        return _values_one_by_one(column, field)


def _values_one_by_one(column: pa.ChunkedArray, field: str) -> list[Any]:
    """The same where Python does not have all of the values.

    It has no nanoseconds where pandas is not installed; these are cut off, as in times of day.
    """
    in_microseconds = convert_leaves(column, _without_nanoseconds)
    values: list[Any] = []
    bad: dict[int, str] = {}
    for row, value in enumerate(column):
        for each in (value, in_microseconds[row]):
            try:
                values.append(each.as_py())
                break
            except _NOT_IN_PYTHON:
                continue
        else:
            bad[row] = f"column {field!r} holds {shown(value)}, which is no value of Python's"
    if bad:
        raise BadRows(bad)
    return values


def _without_nanoseconds(leaf: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(leaf.type) and leaf.type.unit == "ns":
        whole = pc.floor_temporal(leaf, unit="microsecond")
        return pc.cast(whole, pa.timestamp("us", leaf.type.tz))
    if pa.types.is_duration(leaf.type) and leaf.type.unit == "ns":
        return pc.cast(leaf, pa.duration("us"), safe=False)
    return leaf


def numbers_of(task: DocumentBatch, field: str, stage: str) -> pa.ChunkedArray:
    """The column ``field`` of a batch, as numbers.

    Raises
    ------
    StageError
        If there is none.
    BadRows
        If rows hold something else than numbers.
    """
    column = column_of(task, field, stage)
    kind, declared = column.type, task.data.schema.field(field)
    types = pa.types
    if types.is_null(kind):
        return column.cast(pa.float64())
    if not is_json(declared) and (types.is_integer(kind) or types.is_floating(kind)):
        return column
    values = values_of(task, field, stage)
    numbers: list[float | None] = []
    bad: dict[int, str] = {}
    for row, value in enumerate(values):
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        if value is not None and not is_number:
            bad[row] = f"field {field!r} is {_shown(value)}, not a number"
        numbers.append(float(value) if is_number else None)
    if bad:
        raise BadRows(bad)
    return pa.chunked_array([pa.array(numbers, pa.float64())])


def _shown(value: Any) -> str:
    kinds = {bool: "true or false", dict: "an object", list: "a list", str: "text"}
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "a number"
    return kinds.get(type(value), f"a {type(value).__name__}")


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


def with_values(
    task: DocumentBatch, name: str, values: Scores, *, keeps_json: bool | None = None
) -> DocumentBatch:
    """The batch with a column of scores or other values, which no sink writes otherwise.

    ``keeps_json`` keeps values of JSON as the JSON that they are, even if they have one type:
    beside a column that was there before, 1.0 is not 1.

    Raises
    ------
    BadRows
        If rows hold values that no column holds.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return task.with_column(name, values)
    if isinstance(values, np.ndarray):
        return task.with_column(name, from_numpy(values))
    if keeps_json is None:
        keeps_json = name in task.data.column_names
    column, mixed = column_of_values(list(values), name, keeps_json=keeps_json)
    made = task.with_column(name, column, is_json=mixed)
    index = made.data.schema.get_field_index(name)
    field = guessed(made.data.schema.field(index))
    return made.evolve(data=made.data.set_column(index, field, made.data.column(index)))
