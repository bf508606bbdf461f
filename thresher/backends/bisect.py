# SPDX-License-Identifier: Apache-2.0
"""Narrowing an exception down to the rows that raise it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from thresher.backends.call_failed import CallFailed
from thresher.tasks import DocumentBatch
from thresher.tasks.columns import from_numpy
from thresher.tasks.joining import join

Call = Callable[[DocumentBatch], list[DocumentBatch]]


@dataclass
class Bisected:
    """What calling a stage on a batch piece by piece gave."""

    outs: list[DocumentBatch] = field(default_factory=list)
    bad: list[tuple[DocumentBatch, Exception]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def other_places(self, batch: DocumentBatch) -> list[int]:
        """Where the rows of the batch stand that are not bad."""
        places: list[int] = np.flatnonzero(self._good(batch)).tolist()
        return places

    def others(self, batch: DocumentBatch) -> DocumentBatch:
        """The rows of the batch that are not bad."""
        return batch.with_data(batch.data.filter(from_numpy(self._good(batch))))

    def _good(self, batch: DocumentBatch) -> npt.NDArray[np.bool_]:
        good = np.ones(batch.num_items, np.bool_)
        good[self.places] = False
        return good


def bisect(call: Call, batch: DocumentBatch, error: Exception, first: int = 0) -> Bisected:
    """Halve ``batch``, on which ``call`` raised ``error``, until only single rows raise.

    ``bad`` holds those as one-row batches with their error, in order, and ``places`` where they
    stand, counted from ``first``. Memory errors are met the
    same way: smaller batches need less. A broken contract is no matter of rows and ends it all.
    """
    result = Bisected()
    if batch.num_items <= 1:
        result.bad.append((batch, error))
        result.places.append(first)
        return result
    middle = batch.num_items // 2
    for start, stop in ((0, middle), (middle, batch.num_items)):
        piece = batch.with_data(batch.data.slice(start, stop - start))
        try:
            result.outs += call(piece)
        except CallFailed:
            raise
        except Exception as raised:
            inner = bisect(call, piece, raised, first + start)
            result.outs += inner.outs
            result.bad += inner.bad
            result.places += inner.places
    return result


def rejoined(batches: list[DocumentBatch]) -> list[DocumentBatch]:
    """The pieces of a bisected batch as one batch; none if no rows are left."""
    pieces = [batch for batch in batches if batch.num_items]
    return [join(pieces)] if pieces else []
