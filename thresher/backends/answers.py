# SPDX-License-Identifier: Apache-2.0
"""What stages are asked and what they answer: groups of tasks in, one answer per task out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa

from thresher.backends.call_failed import CallFailed
from thresher.backends.lineage import Account, account, renumbered
from thresher.errors import StageError
from thresher.planning.check import is_ours
from thresher.planning.plan import Stage
from thresher.tasks import ROW, DocumentBatch, Task
from thresher.tasks.joining import table_view

AnyTask = Task[Any]


def groups_of(tasks: Iterable[AnyTask], size: int) -> Iterator[list[AnyTask]]:
    """Up to ``size`` neighbouring tasks; never across the children of another call."""
    group: list[AnyTask] = []
    for task in tasks:
        group.append(task)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def ask(stage: Stage, group: list[AnyTask]) -> tuple[list[AnyTask], list[list[AnyTask]]]:
    """Call a stage: what it was given, and its answer to each task."""
    handed = [_handed(stage, task) for task in group]
    return handed, checked_answers(stage, group, stage.process_batch(list(handed)))


def checked_answers(stage: Stage, group: list[AnyTask], answers: Any) -> list[list[AnyTask]]:
    """Exactly one answer per task, each a task, a list of tasks or None, as a list.

    Raises
    ------
    CallFailed
        If the stage answered anything else.
    """
    if not isinstance(answers, list | tuple) or len(answers) != len(group):
        given = len(answers) if isinstance(answers, list | tuple) else type(answers).__name__
        raise CallFailed(
            "broken",
            stage.name,
            f"process_batch answered {given} for {len(group)} tasks",
            "answer with one task, list of tasks or None per task, in order",
        )
    return [_flatten(stage, answer) for answer in answers]


def rows_of(stage: Stage, task: DocumentBatch, outs: list[DocumentBatch]) -> Account:
    """What became of a batch's rows; a declaration that they contradict ends the call."""
    try:
        return account(stage.name, stage.rows, task, outs)
    except StageError as error:
        raise CallFailed("broken", stage.name, error.what, error.todo) from error


def named(task: AnyTask, outs: list[Any]) -> list[Any]:
    """Give children their parent's id, and their place among several."""
    if len(outs) == 1:
        out = outs[0]
        return outs if out.task_id == task.task_id else [out.evolve(task_id=task.task_id)]
    return [out.evolve(task_id=f"{task.task_id}/{i}") for i, out in enumerate(outs)]


def checked_numbers(batch: DocumentBatch) -> DocumentBatch:
    """A batch from others, whose numbers are int64 or not there: frames may give any type back.

    What is no number at all is as good as lost.
    """
    index = batch.data.schema.get_field_index(ROW)
    if index < 0:
        return batch
    column = batch.data.column(index)
    if not column.null_count:
        if column.type == pa.int64():
            return batch
        if pa.types.is_integer(column.type):
            with suppress(pa.ArrowInvalid):  # no reader counts that far
                whole = column.cast(pa.int64())
                return batch.evolve(data=batch.data.set_column(index, ROW, whole))
    return batch.evolve(data=batch.data.remove_column(index))


def _handed(stage: Stage, task: AnyTask) -> AnyTask:
    """What a stage is given: one of the user's sees tables, where ours see JSON as it is."""
    if is_ours(stage) or not isinstance(task, DocumentBatch):
        return task
    return renumbered(table_view(task))


def _flatten(stage: Stage, answer: Any) -> list[AnyTask]:
    if answer is None:
        return []
    if isinstance(answer, DocumentBatch):
        return [checked_numbers(answer)]
    if isinstance(answer, Task):
        return [answer]
    if isinstance(answer, list | tuple) or hasattr(answer, "__next__"):
        return [out for part in answer for out in _flatten(stage, part)]
    raise CallFailed(
        "broken",
        stage.name,
        f"process returned a {type(answer).__name__}",
        "return a task, a list of tasks or None",
    )
