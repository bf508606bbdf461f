# SPDX-License-Identifier: Apache-2.0
"""Appending a batch to a file: what a writer has written, and the rows that its format refuses."""

from __future__ import annotations

from thresher.backends.bisect import bisect
from thresher.backends.output import LazyStream
from thresher.backends.whole_tasks import named_badly, of_writing
from thresher.errors import DataError
from thresher.stages.writing import BaseWriter
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
            named = error.in_order()
            refused += [(task.with_data(task.data.slice(at, 1)), why) for at, why in named]
            task = task.with_data(error.others(task.data))
        except DataError as error:
            found = bisect(write, task, error)
            refused += [(row, str(raised)) for row, raised in found.bad]
            if stage.appends:
                return found.outs, refused
            if not found.bad:  # only of all of them together
                raise of_writing(stage, error) from error
            task = found.others(task)  # the file holds the last piece
    return [], refused
