# SPDX-License-Identifier: Apache-2.0
"""Narrowing an exception down to the rows that raise it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from thresher.backends.call_failed import CallFailed
from thresher.tasks import DocumentBatch

Call = Callable[[DocumentBatch], list[DocumentBatch]]


@dataclass
class Bisected:
    """What calling a stage on a batch piece by piece gave."""

    outs: list[DocumentBatch] = field(default_factory=list)
    bad: list[tuple[DocumentBatch, Exception]] = field(default_factory=list)


def bisect(call: Call, batch: DocumentBatch, error: Exception) -> Bisected:
    """Halve ``batch``, on which ``call`` raised ``error``, until only single rows raise.

    ``bad`` holds those as one-row batches with their error, in order. Memory errors are met the
    same way: smaller batches need less. A broken contract is no matter of rows and ends it all.
    """
    result = Bisected()
    if batch.num_items <= 1:
        result.bad.append((batch, error))
        return result
    middle = batch.num_items // 2
    for start, stop in ((0, middle), (middle, batch.num_items)):
        piece = batch.with_data(batch.data.slice(start, stop - start))
        try:
            result.outs += call(piece)
        except CallFailed:
            raise
        except Exception as raised:
            inner = bisect(call, piece, raised)
            result.outs += inner.outs
            result.bad += inner.bad
    return result


def join(batches: list[DocumentBatch]) -> list[DocumentBatch]:
    """Put the pieces of a bisected batch together again, as one batch where types allow."""
    pieces = [batch for batch in batches if batch.num_items]
    if len(pieces) <= 1:
        return pieces
    try:
        table = pa.concat_tables([piece.data for piece in pieces], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pieces
    carried = frozenset.intersection(*(piece._carried for piece in pieces))
    return [pieces[0].evolve(data=table, _carried=carried)]
