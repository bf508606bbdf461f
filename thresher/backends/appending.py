# SPDX-License-Identifier: Apache-2.0
"""Appending a batch to a file: what a writer has written, and the rows that its format refuses."""

from __future__ import annotations

from thresher.backends.bisect import bisect
from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.faults import cause_of
from thresher.backends.output import LazyStream
from thresher.backends.whole_tasks import named_badly
from thresher.errors import DataError, StorageError, ThresherError
from thresher.stages.writing import BaseWriter
from thresher.storage.failures import from_os_error
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows

Refused = list[tuple[DocumentBatch, str]]
"""Rows as batches of one, each with the reason."""


def append(
    stage: BaseWriter, stream: LazyStream, task: DocumentBatch
) -> tuple[list[DocumentBatch], Refused]:
    """Append a batch to a stream: what was appended, and what was refused.

    Raises
    ------
    CallFailed
        If the writer raises for no fault of the rows.
    """

    def write(piece: DocumentBatch) -> list[DocumentBatch]:
        try:
            stream.write(piece)
        except DataError:
            raise
        except Exception as error:
            raise of_writing(stage, error) from error
        return [piece]

    refused: Refused = []
    while task.num_items:
        try:
            return write(task), refused
        except BadRows as error:  # it may name them one by one
            if problem := named_badly(stage, task, error):
                raise problem from error
            for at, reason in error.in_order():
                refused.append((task.with_data(task.data.slice(at, 1)), reason))
            task = task.with_data(error.others(task.data))
        except DataError as error:
            found = bisect(write, task, error)
            return found.outs, [*refused, *((row, str(raised)) for row, raised in found.bad)]
    return [], refused


def of_writing(stage: BaseWriter, error: Exception) -> CallFailed:
    """How a call ends in which a writer raised for no fault of the rows."""
    if isinstance(error, CallFailed):
        return error
    if isinstance(error, OSError):
        error = from_os_error(error, "write", stage.path)
    if isinstance(error, StorageError):
        return CallFailed("storage", error.where, error.what, error.todo)
    if isinstance(error, ThresherError):
        return CallFailed("broken", stage.name, error.what, error.todo)
    return CallFailed("raised", stage.name, in_words(error), cause=cause_of(stage.name, error))
