# SPDX-License-Identifier: Apache-2.0
"""Row accounting of one stage call: what became of the rows, proven by their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from thresher.backends.unchanged import json_again, restored, without_replaced
from thresher.errors import StageError
from thresher.stages.base import Rows
from thresher.tasks import RAW, ROW, DocumentBatch
from thresher.tasks.columns import from_numpy, to_numpy

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Account:
    """``rows_in + expanded = rows_out + dropped + merged``, or ``opaque``."""

    rows_in: int
    rows_out: int
    dropped: int = 0
    expanded: int = 0
    merged: int = 0
    opaque: bool = False


def numbers(batch: DocumentBatch) -> Numbers | None:
    """The row numbers of a batch, int64[n_rows], or None where a stage has lost them."""
    index = batch.data.schema.get_field_index(ROW)
    if index < 0:
        return None
    column = batch.data.column(index)
    if column.type != pa.int64() or column.null_count:
        return None
    values: Numbers = to_numpy(column)
    return values


def account(stage: str, rows: Rows, task: DocumentBatch, outs: list[DocumentBatch]) -> Account:
    """Check what a stage did to rows against what it declares.

    Raises
    ------
    StageError
        If the row numbers contradict the declaration.
    """
    n_in, n_out = task.num_items, sum(out.num_items for out in outs)
    before = numbers(task)
    after = [numbers(out) for out in outs]
    if before is None or any(found is None for found in after):
        return _by_counts(stage, rows, n_in, n_out)
    joined = np.concatenate([a for a in after if a is not None]) if after else before[:0]
    if rows == "same" and not np.array_equal(before, joined):
        raise _broken(stage, "same", "changed, dropped or reordered rows")
    if _is_unique_subset(before, joined):
        lost = n_in - n_out
        if rows == "merge":
            return Account(n_in, n_out, merged=lost)
        return Account(n_in, n_out, dropped=lost)
    counts = _occurrences(before, joined)
    if rows in ("subset", "merge") and (counts[1] > counts[0]).any():
        raise _broken(stage, rows, "repeated rows, or made rows that it was not given")
    if rows == "merge":
        return Account(n_in, n_out, merged=n_in - n_out)
    if (counts[0] == 0).any():
        if rows == "expand":
            raise _broken(stage, "expand", "made rows whose parents it was not given")
        return Account(n_in, n_out, opaque=True)
    gone, more = counts[0] - counts[1], counts[1] - counts[0]
    return Account(n_in, n_out, dropped=int(gone.clip(0).sum()), expanded=int(more.clip(0).sum()))


def _by_counts(stage: str, rows: Rows, n_in: int, n_out: int) -> Account:
    """Without row numbers only the counts can be held against the declaration."""
    if rows == "same" and n_in != n_out:
        raise _broken(stage, "same", f"made {n_out} rows of {n_in}")
    if rows == "subset" and n_out > n_in:
        raise _broken(stage, "subset", f"made {n_out} rows of {n_in}")
    if rows in ("same", "subset"):
        return Account(n_in, n_out, dropped=n_in - n_out)
    return Account(n_in, n_out, opaque=True)


def _is_unique_subset(before: Numbers, after: Numbers) -> bool:
    if after.size > before.size:
        return False
    if after.size == before.size and np.array_equal(before, after):
        return True
    if _is_rising(before) and _is_rising(after):  # as they come from readers and filters
        places = np.searchsorted(before, after)
        return bool(
            after.size == 0 or (after[-1] <= before[-1] and (before[places] == after).all())
        )
    if np.unique(after).size != after.size:
        return False
    return bool(np.isin(after, before).all())


def _occurrences(before: Numbers, after: Numbers) -> Numbers:
    """int64[2, n]: how often each of the n numbers stands in the one and in the other.

    After a stage that expands, several rows bear the number of their common parent.
    """
    values, places = np.unique(np.concatenate((before, after)), return_inverse=True)
    split = before.size
    counted = [np.bincount(p, minlength=values.size) for p in (places[:split], places[split:])]
    return np.asarray(counted, dtype=np.int64)


def _is_rising(values: Numbers) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _broken(stage: str, declared: str, did: str) -> StageError:
    return StageError(
        f"declares rows={declared!r} but {did}",
        where=f"stage {stage!r}",
        todo="keep the '__row' column as it comes, or declare what the stage does to rows",
    )


def restore(
    task: DocumentBatch, out: DocumentBatch, seen: DocumentBatch, *, ours: bool
) -> DocumentBatch:
    """Give an output the hidden facts that its stage did not know of.

    The raw records are taken along by row number, and the columns that still hold what was read
    are found: our own stages keep that right themselves, after others values are compared with
    those that the stage has ``seen``.
    """
    carries = RAW in task.data.column_names
    if ours and (RAW in out.data.column_names or not carries):
        if not carries:
            return _without_raw(out)
        return out.evolve(_parsed=task._parsed, _carried=task._carried & out._carried)
    out = out.evolve(data=without_replaced(out.data, seen.data))
    before, after = numbers(seen), numbers(out)
    out = numbered_again(task, out, seen)
    if before is None or after is None or not np.isin(after, before).all():
        return _without_raw(out.evolve(data=json_again(out.data, seen.data)))
    positions = _positions(before, after)
    source, shown = task.data, seen.data
    if positions is not None:
        chosen = from_numpy(positions)
        source, shown = source.take(chosen), shown.take(chosen)
    had_null = frozenset(n for n in shown.column_names if seen.data.column(n).null_count)
    keeps_records = carries and _is_unique_subset(before, after)
    data, unchanged = restored(out.data, source, shown, had_null)
    if not keeps_records:
        return _without_raw(out.evolve(data=data))
    kept = [name for name in data.column_names if name != RAW]  # a frame has it in another layout
    data = data.select(kept).append_column(source.schema.field(RAW), source.column(RAW))
    return out.evolve(data=data, _parsed=task._parsed, _carried=task._carried & unchanged)


def renumbered(batch: DocumentBatch) -> DocumentBatch:
    """A batch for one call of a stage, in which no two rows have one number.

    Several rows of one parent bear its number; which is which in an answer, only others can tell.
    """
    found = numbers(batch)
    if found is None or _is_rising(found) or np.unique(found).size == found.size:
        return batch
    return _with_numbers(batch, np.arange(found.size))


def numbered_again(task: DocumentBatch, out: DocumentBatch, seen: DocumentBatch) -> DocumentBatch:
    """An answer to rows that were ``seen`` under other numbers, under those of ``task``."""
    before, handed, after = numbers(task), numbers(seen), numbers(out)
    if before is None or handed is None or after is None or np.array_equal(before, handed):
        return out
    known = (after >= 0) & (after < handed.size)
    return _with_numbers(out, np.where(known, before[np.where(known, after, 0)], after))


def _with_numbers(batch: DocumentBatch, found: Numbers) -> DocumentBatch:
    at = batch.data.schema.get_field_index(ROW)
    column = from_numpy(found.astype(np.int64, copy=False))
    return batch.evolve(data=batch.data.set_column(at, ROW, column))


def _positions(before: Numbers, after: Numbers) -> Numbers | None:
    """Where each row of ``after`` stands in ``before``; None if they are the same rows."""
    if np.array_equal(before, after):
        return None
    order = np.argsort(before, kind="stable")
    found: Numbers = order[np.searchsorted(before, after, sorter=order)]
    return found


def _without_raw(out: DocumentBatch) -> DocumentBatch:
    if RAW not in out.data.column_names and not out._parsed:
        return out
    names = [name for name in out.data.column_names if name != RAW]
    return out.evolve(data=out.data.select(names), _parsed=frozenset(), _carried=frozenset())
