# SPDX-License-Identifier: Apache-2.0
"""Tasks that a stage is given whole: parts joined for it, tasks of the wrong kind, and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from thresher.backends.bisect import join
from thresher.backends.call_failed import CallFailed, in_words
from thresher.errors import DataError, StorageError
from thresher.planning.plan import Stage
from thresher.tasks import DocumentBatch, Task

AnyTask = Task[Any]


def of_a_whole_task(stage: Stage, error: Exception) -> CallFailed:
    """How a call ends that raised on a task without rows to narrow it down to."""
    if isinstance(error, StorageError):  # the same for every part: the run ends
        return CallFailed("storage", error.where, error.what, error.todo)
    if isinstance(error, DataError):  # it would be the same again
        return CallFailed("data", stage.name, str(error))
    return CallFailed("raised", stage.name, in_words(error))


def joined(stage: Stage, tasks: Iterable[AnyTask]) -> Iterator[AnyTask]:
    """All batches of a part as one, for a stage that must see them together."""
    batches: list[DocumentBatch] = []
    for task in tasks:
        if not isinstance(task, DocumentBatch):
            raise wrong_kind(stage, DocumentBatch, task)
        batches.append(task)
    whole = join(batches)
    if len(whole) > 1:
        what = "has to see a whole part at once, and its batches differ in the types of columns"
        raise CallFailed("broken", stage.name, what, "give a column one type in all batches")
    yield from whole


def wrong_kind(stage: Stage, wanted: type[AnyTask], task: AnyTask) -> CallFailed:
    what = f"takes a {wanted.__name__} and was given a {type(task).__name__}"
    todo = f"put a stage that makes a {wanted.__name__} before it"
    return CallFailed("broken", stage.name, what, todo)
