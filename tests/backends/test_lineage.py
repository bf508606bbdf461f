# SPDX-License-Identifier: Apache-2.0
"""Row accounting, and what a stage did not know of restored behind it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.backends.lineage import Account, account, restore
from thresher.errors import StageError
from thresher.stages.base import Rows
from thresher.tasks import RAW, ROW, DocumentBatch


def numbered(*rows: int, **columns: Any) -> DocumentBatch:
    return DocumentBatch(
        "set", pa.table({"id": list(rows), ROW: pa.array(rows, pa.int64()), **columns})
    )


def account_of(rows: Rows, before: list[int], *outs: list[int]) -> Account:
    return account("stage", rows, numbered(*before), [numbered(*out) for out in outs])


# -- what becomes of rows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "before", "outs", "expected"),
    [
        ("same", [0, 1, 2], [[0, 1, 2]], Account(3, 3)),
        ("same", [0, 1, 2], [[0], [1, 2]], Account(3, 3)),
        ("subset", [0, 1, 2], [[1]], Account(3, 1, dropped=2)),
        ("subset", [0, 1, 2], [], Account(3, 0, dropped=3)),
        ("subset", [5, 9, 2], [[2, 9]], Account(3, 2, dropped=1)),
        ("subset", [0, 0, 1, 1], [[0, 1, 1]], Account(4, 3, dropped=1)),
        ("expand", [0, 1], [[0, 0, 1]], Account(2, 3, expanded=1)),
        ("expand", [0, 1, 2], [[0, 0], [2]], Account(3, 3, dropped=1, expanded=1)),
        ("expand", [0, 0], [[0, 0, 0]], Account(2, 3, expanded=1)),
        ("merge", [0, 1, 2], [[0]], Account(3, 1, merged=2)),
        ("merge", [0, 0, 0, 1], [[1, 0, 0]], Account(4, 3, merged=1)),
        ("any", [0, 1, 2], [[2, 0]], Account(3, 2, dropped=1)),
        ("any", [0, 1], [[0, 1, 1]], Account(2, 3, expanded=1)),
        ("any", [0, 1], [[7, 8]], Account(2, 2, opaque=True)),
    ],
)
def test_rows_are_accounted_for_by_number(
    rows: Rows, before: list[int], outs: list[list[int]], expected: Account
) -> None:
    assert account_of(rows, before, *outs) == expected


@pytest.mark.parametrize(
    ("rows", "before", "out"),
    [
        ("same", [0, 1, 2], [0, 1]),
        ("same", [0, 1, 2], [1, 0, 2]),
        ("same", [0, 1, 2], [0, 1, 1]),
        ("subset", [0, 1, 2], [0, 0]),
        ("subset", [0, 1, 2], [3]),
        ("subset", [0, 0, 1], [0, 1, 1]),
        ("merge", [0, 0, 1], [0, 1, 1]),
        ("merge", [0, 1, 2], [3]),
        ("expand", [0, 1], [0, 0, 2]),
    ],
)
def test_a_broken_promise_is_an_error(rows: Rows, before: list[int], out: list[int]) -> None:
    with pytest.raises(StageError) as caught:
        account_of(rows, before, out)
    assert f"rows={rows!r}" in caught.value.what
    assert "'stage'" in caught.value.where


def test_without_numbers_the_counts_have_to_do() -> None:
    task, out = numbered(0, 1, 2), DocumentBatch("set", {"id": [1, 2]})

    assert account("stage", "subset", task, [out]) == Account(3, 2, dropped=1)
    assert account("stage", "any", task, [out]) == Account(3, 2, opaque=True)
    with pytest.raises(StageError):
        account("stage", "same", task, [out])
    with pytest.raises(StageError):
        account("stage", "subset", out, [task])


@given(st.lists(st.integers(0, 6), max_size=8), st.lists(st.integers(0, 6), max_size=10))
def test_every_account_balances(before: list[int], after: list[int]) -> None:
    told = account_of("any", before, after)

    if not told.opaque:
        assert told.rows_in + told.expanded == told.rows_out + told.dropped + told.merged


# -- restoring ------------------------------------------------------------------------------------

VALUES = {
    "count": pa.array([1, None, 3], pa.int64()),
    "big": pa.array([2**53 + 1, None, -(2**60) - 1], pa.int64()),
    "flag": pa.array([True, None, False]),
    "share": pa.array([0.5, None, 1.5]),
    "text": pa.array(["a", None, "ü"]),
    "when": pa.array([0, None, 1_700_000_000_123_456], pa.timestamp("us")),
    "day": pa.array([0, None, 20_000], pa.date32()),
    "tags": pa.array([["a"], None, []], pa.list_(pa.string())),
    "more": pa.array([{"k": 1}, {"k": None}, {"k": 3}]),
    "none": pa.nulls(3),
}


def carried_batch() -> DocumentBatch:
    raw = pa.array([b"zero", b"one", b"two"], pa.large_binary())
    names = frozenset(VALUES)
    table = pa.table({**VALUES, ROW: pa.array([4, 5, 6], pa.int64()), RAW: raw})
    return DocumentBatch("set", table, _parsed=names, _carried=names)


FRAMES: dict[str, Callable[[DocumentBatch], Any]] = {
    "pandas": DocumentBatch.to_pandas,
    "polars": DocumentBatch.to_polars,
}


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_a_frame_left_alone_are_as_they_were(frame: str) -> None:
    task = carried_batch()
    out = restore(task, DocumentBatch("set", FRAMES[frame](task)), ours=False)

    assert out._parsed == task._parsed
    assert out._carried == task._carried
    for name in (*VALUES, RAW, ROW):
        assert out.data.column(name).equals(task.data.column(name)), name


@pytest.mark.parametrize("frame", FRAMES)
def test_a_changed_column_is_no_longer_carried(frame: str) -> None:
    task = carried_batch()
    table = DocumentBatch("set", FRAMES[frame](task)).data
    index = table.schema.get_field_index("text")
    changed = table.set_column(index, "text", pa.array(["a", None, "other"]))
    out = restore(task, DocumentBatch("set", changed), ours=False)

    assert task._carried - out._carried == {"text"}
    assert out.data.column("text").to_pylist() == ["a", None, "other"]


def test_rows_keep_their_record_when_some_go_and_others_change_places() -> None:
    task = carried_batch()
    out = restore(
        task, DocumentBatch("set", task.data.drop_columns([RAW]).take([2, 0])), ours=False
    )

    assert out.data.column(RAW).to_pylist() == [b"two", b"zero"]
    assert out.data.column("big").to_pylist() == [-(2**60) - 1, 2**53 + 1]
    assert out._carried == task._carried


def test_a_renamed_or_dropped_column_is_not_carried_and_stays_parsed() -> None:
    task = carried_batch()
    names = [{"text": "body"}.get(n, n) for n in task.data.column_names]
    renamed = task.data.rename_columns(names).drop_columns(["count"])
    out = restore(task, DocumentBatch("set", renamed), ours=False)

    assert out._parsed - out._carried == {"text", "count"}
    assert "body" in out.data.column_names


def test_rows_that_were_multiplied_or_renumbered_have_no_record() -> None:
    task = carried_batch()
    for data in (task.data.take([0, 0, 1]), task.data.drop_columns([ROW])):
        out = restore(task, task.with_data(data), ours=False)
        assert RAW not in out.data.column_names
        assert out._parsed == out._carried == frozenset()


def test_our_own_stages_are_taken_at_their_word() -> None:
    task = carried_batch()
    out = restore(task, task.with_column("text", ["x", "y", "z"]), ours=True)

    assert task._carried - out._carried == {"text"}
    assert out.data.column(RAW).equals(task.data.column(RAW))


def test_a_large_number_that_was_changed_is_found_changed() -> None:
    task = carried_batch()
    frame = task.to_pandas()
    frame["count"] = frame["count"] + 1
    out = restore(task, DocumentBatch("set", frame), ours=False)

    assert "count" not in out._carried
    assert np.nansum(out.data.column("count").to_numpy(zero_copy_only=False)) == 6
