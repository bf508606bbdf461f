# SPDX-License-Identifier: Apache-2.0
"""Tasks that a stage is given whole: parts joined for it, tasks of the wrong kind, and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from thresher.backends.bisect import rejoined
from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.faults import cause_of, is_of_the_machine, may_be_of_the_place
from thresher.errors import (
    DataError,
    ModelError,
    PlanError,
    StorageError,
    ThresherError,
    message_of,
)
from thresher.planning.plan import Stage
from thresher.stages.writing import BaseWriter
from thresher.storage.failures import from_os_error
from thresher.tasks import DocumentBatch, Task
from thresher.tasks.bad_rows import BadRows

AnyTask = Task[Any]


def no_matter_of_rows(stage: Stage, error: Exception) -> CallFailed | None:
    """How a call ends whose error would be the same with any row; None if rows may be to blame."""
    if isinstance(error, CallFailed):
        return error
    if isinstance(error, ImportError):
        todo = "install the package where the workers run; nothing was charged to rows"
        return CallFailed("broken", stage.name, in_words(error), todo)
    if isinstance(error, PlanError):
        return CallFailed("broken", stage.name, error.what, error.todo)
    if isinstance(error, ModelError):
        return CallFailed("model", stage.name, error.what, error.todo)
    if not is_of_the_machine(error):
        return None
    if isinstance(error, OSError):
        error = from_os_error(error, "go on", str(error.filename or f"stage {stage.name!r}"))
    assert isinstance(error, StorageError)
    return CallFailed("storage", error.where, error.what, error.todo)


def of_a_whole_task(stage: Stage, error: Exception) -> CallFailed:
    """How a call ends that raised on a task without rows to narrow it down to."""
    if told := no_matter_of_rows(stage, error):
        return told
    if isinstance(error, DataError):  # it would be the same again
        return CallFailed("data", stage.name, message_of(error))
    cause = cause_of(stage.name, error)
    kind = "place" if may_be_of_the_place(error) else "raised"
    return CallFailed(kind, stage.name, in_words(error), cause=cause)


def named_badly(stage: Stage, task: DocumentBatch, error: BadRows) -> CallFailed | None:
    """How a call ends whose stage names no row, or one that it was not given; None otherwise."""
    if error.reasons and all(0 <= at < task.num_items for at in error.reasons):
        return None
    return CallFailed(
        "broken",
        stage.name,
        f"raised BadRows for the rows {sorted(error.reasons)} of {task.num_items}",
        "name rows by their position in the batch, at least one",
    )


def of_writing(stage: BaseWriter, error: Exception) -> CallFailed:
    """How a call ends in which a writer raised for no fault of the rows."""
    if isinstance(error, CallFailed):
        return error
    if isinstance(error, OSError):
        error = from_os_error(error, "write", stage.path)
    if isinstance(error, StorageError):
        return CallFailed("storage", error.where, error.what, error.todo)
    if isinstance(error, DataError):
        return CallFailed("data", stage.name, message_of(error))
    if isinstance(error, ThresherError):
        return CallFailed("broken", stage.name, error.what, error.todo)
    return CallFailed("raised", stage.name, in_words(error), cause=cause_of(stage.name, error))


def joined(stage: Stage, tasks: Iterable[AnyTask]) -> Iterator[AnyTask]:
    """All batches of a part as one, for a stage that must see them together."""
    batches: list[DocumentBatch] = []
    for task in tasks:
        if not isinstance(task, DocumentBatch):
            raise wrong_kind(stage, DocumentBatch, task)
        batches.append(task)
    yield from rejoined(batches)


def wrong_kind(stage: Stage, wanted: type[AnyTask], task: AnyTask) -> CallFailed:
    what = f"takes a {wanted.__name__} and was given a {type(task).__name__}"
    todo = f"put a stage that makes a {wanted.__name__} before it"
    return CallFailed("broken", stage.name, what, todo)
