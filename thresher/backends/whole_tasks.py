# SPDX-License-Identifier: Apache-2.0
"""Tasks that a stage is given whole: parts joined for it, tasks of the wrong kind, and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from thresher.backends.bisect import rejoined
from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.faults import cause_of, is_of_the_place
from thresher.errors import DataError, ModelError, StorageError
from thresher.planning.plan import Stage
from thresher.tasks import DocumentBatch, Task

AnyTask = Task[Any]


def of_a_whole_task(stage: Stage, error: Exception) -> CallFailed:
    """How a call ends that raised on a task without rows to narrow it down to."""
    if isinstance(error, StorageError):  # the same for every part: the run ends
        return CallFailed("storage", error.where, error.what, error.todo)
    if isinstance(error, ModelError):
        return CallFailed("model", stage.name, error.what, error.todo)
    if isinstance(error, DataError):  # it would be the same again
        return CallFailed("data", stage.name, str(error))
    cause = cause_of(stage.name, error)
    kind = "place" if is_of_the_place(error) else "raised"
    return CallFailed(kind, stage.name, in_words(error), cause=cause)


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
