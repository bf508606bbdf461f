# SPDX-License-Identifier: Apache-2.0
"""Row accounting of one stage call: what became of the rows, proven by their numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import StageError
from thresher.stages.base import Rows
from thresher.tasks import HIDDEN, RAW, ROW, DocumentBatch
from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.json_text import are_alike, python_values
from thresher.tasks.types import is_json, is_string, is_text

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
    if not pa.types.is_integer(column.type) or column.null_count:
        return None
    values: Numbers = to_numpy(column).astype(np.int64, copy=False)
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
    those that the stage has ``seen``. Columns of JSON that are unchanged are JSON again.
    """
    carries = RAW in task.data.column_names
    if ours and (RAW in out.data.column_names or not carries):
        if not carries:
            return _without_raw(out)
        return out.evolve(_parsed=task._parsed, _carried=task._carried & out._carried)
    before, after = numbers(task), numbers(out)
    if before is None or after is None or not np.isin(after, before).all():
        return _without_raw(_json_again(out, seen.data))
    positions = _positions(before, after)
    source, shown = task.data, seen.data
    if positions is not None:
        chosen = from_numpy(positions)
        source, shown = source.take(chosen), shown.take(chosen)
    keeps_records = carries and _is_unique_subset(before, after)
    data, unchanged = _unchanged_columns(out.data, source, shown, task._carried)
    if not keeps_records:
        return _without_raw(out.evolve(data=data))
    if RAW not in data.column_names:
        data = data.append_column(source.schema.field(RAW), source.column(RAW))
    return out.evolve(data=data, _parsed=task._parsed, _carried=task._carried & unchanged)


def _unchanged_columns(
    data: pa.Table, source: pa.Table, shown: pa.Table, carried: frozenset[str]
) -> tuple[pa.Table, frozenset[str]]:
    """The table with the columns that a stage did not change as they were, and their names.

    Only those matter that are carried, or that are JSON.
    """
    unchanged = set()
    for name in data.column_names:
        at = source.schema.get_field_index(name)
        if at < 0 or name in HIDDEN:
            continue
        field = source.schema.field(at)
        if name not in carried and not is_json(field):
            continue
        index = data.schema.get_field_index(name)
        if _unchanged(shown.column(name), data.column(index)):
            unchanged.add(name)
            data = data.set_column(index, field, source.column(at))
        elif is_json(shown.schema.field(name)) and is_text(data.schema.field(index)):
            data = data.set_column(index, field, _requoted(shown.column(name), data.column(index)))
    return data, frozenset(unchanged)


def _requoted(before: pa.ChunkedArray, after: pa.ChunkedArray) -> pa.Array:
    """A column of JSON text in which a stage has put other strings: these are text."""
    texts = [
        new if new == old or new is None else json.dumps(new, ensure_ascii=False)
        for old, new in zip(before.to_pylist(), after.to_pylist(), strict=True)
    ]
    return pa.array(texts, pa.large_string())


def _json_again(out: DocumentBatch, shown: pa.Table) -> DocumentBatch:
    """An output whose rows cannot be told apart: what still reads as JSON is taken for it."""
    data = out.data
    for index, field in enumerate(data.schema):
        at = shown.schema.get_field_index(field.name)
        if at < 0 or not is_json(shown.schema.field(at)) or not is_text(field):
            continue
        try:
            python_values(data.column(index), shown.schema.field(at))
        except ValueError:
            continue
        data = data.set_column(index, shown.schema.field(at), data.column(index))
    return out if data is out.data else out.evolve(data=data)


def _positions(before: Numbers, after: Numbers) -> Numbers | None:
    """Where each row of ``after`` stands in ``before``; None if they are the same rows."""
    if np.array_equal(before, after):
        return None
    order = np.argsort(before, kind="stable")
    found: Numbers = order[np.searchsorted(before, after, sorter=order)]
    return found


def _unchanged(before: pa.ChunkedArray, after: pa.ChunkedArray) -> bool:
    """Whether both hold the same values, though a frame may have widened their type.

    Frames make floats of whole numbers where one is null, and rounds large ones so.
    """
    if before.type == after.type:
        return bool(before.equals(after))
    types = pa.types
    if before.null_count == len(before) or after.null_count == len(after):
        return before.null_count == after.null_count
    if types.is_nested(before.type) or types.is_nested(after.type):
        return are_alike(before.to_pylist(), after.to_pylist())
    if types.is_integer(before.type) and types.is_floating(after.type):
        return bool(pc.cast(before, after.type, safe=False).equals(after))
    left, right = _as_text(before), _as_text(after)
    return left is not None and right is not None and bool(left.equals(right))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column of strings, of categories too, in one type; None for any other."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    return column.cast(pa.large_string()) if is_string(column.type) else None


def _without_raw(out: DocumentBatch) -> DocumentBatch:
    if RAW not in out.data.column_names and not out._parsed:
        return out
    names = [name for name in out.data.column_names if name != RAW]
    return out.evolve(data=out.data.select(names), _parsed=frozenset(), _carried=frozenset())
