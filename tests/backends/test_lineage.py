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
from thresher.tasks.joining import table_view
from thresher.tasks.types import is_json, json_field


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


def restored(task: DocumentBatch, out: Any, *, ours: bool = False) -> DocumentBatch:
    """What becomes of a stage's output; a stage of the user's has seen tables."""
    seen = task if ours else table_view(task)
    out = out if isinstance(out, DocumentBatch) else DocumentBatch("set", out)
    return restore(task, out, seen, ours=ours)


FRAMES: dict[str, Callable[[DocumentBatch], Any]] = {
    "pandas": DocumentBatch.to_pandas,
    "polars": DocumentBatch.to_polars,
}


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_a_frame_left_alone_are_as_they_were(frame: str) -> None:
    task = carried_batch()
    out = restored(task, FRAMES[frame](task))

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
    out = restored(task, changed)

    assert task._carried - out._carried == {"text"}
    assert out.data.column("text").to_pylist() == ["a", None, "other"]


def test_rows_keep_their_record_when_some_go_and_others_change_places() -> None:
    task = carried_batch()
    out = restored(task, task.data.drop_columns([RAW]).take([2, 0]))

    assert out.data.column(RAW).to_pylist() == [b"two", b"zero"]
    assert out.data.column("big").to_pylist() == [-(2**60) - 1, 2**53 + 1]
    assert out._carried == task._carried


def test_a_renamed_or_dropped_column_is_not_carried_and_stays_parsed() -> None:
    task = carried_batch()
    names = [{"text": "body"}.get(n, n) for n in task.data.column_names]
    renamed = task.data.rename_columns(names).drop_columns(["count"])
    out = restored(task, renamed)

    assert out._parsed - out._carried == {"text", "count"}
    assert "body" in out.data.column_names


def test_rows_that_were_multiplied_or_renumbered_have_no_record() -> None:
    task = carried_batch()
    for data in (task.data.take([0, 0, 1]), task.data.drop_columns([ROW])):
        out = restored(task, task.with_data(data))
        assert RAW not in out.data.column_names
        assert out._parsed == out._carried == frozenset()


def test_our_own_stages_are_taken_at_their_word() -> None:
    task = carried_batch()
    out = restored(task, task.with_column("text", ["x", "y", "z"]), ours=True)

    assert task._carried - out._carried == {"text"}
    assert out.data.column(RAW).equals(task.data.column(RAW))


def test_a_large_number_that_was_changed_is_found_changed() -> None:
    task = carried_batch()
    frame = task.to_pandas()
    frame["count"] = frame["count"] + 1
    out = restored(task, frame)

    assert "count" not in out._carried
    assert np.nansum(out.data.column("count").to_numpy(zero_copy_only=False)) == 6


# -- columns of JSON ------------------------------------------------------------------------------

JSON_VALUES = {
    "numbers": ["1", "0.5", "2.0"],
    "lists": ["[1, 2]", None, "[ ]"],
    "objects": ['{"b": 1.0,"a":null}', "{ }", None],
    "mixed": ["1", '"x"', '{"a": 1}'],
    "large": [str(2**64), "1e400", None],
}


def json_batch(*, carried: bool = True) -> DocumentBatch:
    """Three rows of columns of JSON, and one of text; with the records they came from, or not."""
    texts = {**JSON_VALUES, "text": ["a", None, "ü"]}
    columns = {name: pa.array(values, pa.large_string()) for name, values in texts.items()}
    columns |= {ROW: pa.array([4, 5, 6], pa.int64())}
    fields = [
        json_field(n) if n in JSON_VALUES else pa.field(n, c.type) for n, c in columns.items()
    ]
    table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    if not carried:
        return DocumentBatch("set", table)
    table = table.append_column(RAW, pa.array([b"zero", b"one", b"two"], pa.large_binary()))
    names = frozenset(texts)
    return DocumentBatch("set", table, _parsed=names, _carried=names)


def test_a_stage_sees_json_in_the_narrowest_type() -> None:
    seen = table_view(json_batch()).data

    assert {name: str(seen.schema.field(name).type) for name in JSON_VALUES} == {
        "numbers": "double", "lists": "list<item: int64>",
        "objects": "struct<a: null, b: double>", "mixed": "large_string", "large": "large_string",
    }  # fmt: skip
    assert [field.name for field in seen.schema if is_json(field)] == ["mixed", "large"]
    assert seen.column("numbers").to_pylist() == [1.0, 0.5, 2.0]
    untouched = carried_batch()
    assert table_view(untouched) is untouched


@pytest.mark.parametrize("carried", [True, False])
@pytest.mark.parametrize("frame", [*FRAMES, "table"])
def test_json_that_was_left_alone_is_as_it_was(frame: str, carried: bool) -> None:
    task = json_batch(carried=carried)
    seen = table_view(task)
    out = restored(task, FRAMES[frame](seen) if frame != "table" else seen.data)

    for name, values in JSON_VALUES.items():
        assert is_json(out.data.schema.field(name)), name
        assert out.data.column(name).to_pylist() == values
    assert out._carried == (frozenset((*JSON_VALUES, "text")) if carried else frozenset())
    assert (RAW in out.data.column_names) == carried


@pytest.mark.parametrize("carried", [True, False])
def test_json_rows_that_go_or_change_places_or_multiply(carried: bool) -> None:
    task = json_batch(carried=carried)
    for places in ([2, 0], [1], [0, 0, 1]):
        out = restored(task, table_view(task).data.take(places))
        for name, values in JSON_VALUES.items():
            assert is_json(out.data.schema.field(name)), name
            assert out.data.column(name).to_pylist() == [values[place] for place in places]
        assert (RAW in out.data.column_names) == (carried and len(places) < 3)


def test_text_that_a_stage_puts_among_json_is_text() -> None:
    task = json_batch()
    seen = table_view(task).data
    index = seen.schema.get_field_index("mixed")
    for field in (pa.field("mixed", pa.string()), seen.schema.field(index)):
        changed = pa.array(["1", '"X"', "NaN"], field.type)
        out = restored(task, seen.set_column(index, field, changed))

        assert is_json(out.data.schema.field("mixed"))
        assert out.data.column("mixed").to_pylist() == ["1", '"X"', '"NaN"']
        assert task._carried - out._carried == {"mixed"}


def test_json_that_a_stage_made_numbers_of_has_their_type() -> None:
    task = json_batch()
    seen = table_view(task).data
    index = seen.schema.get_field_index("numbers")
    out = restored(task, seen.set_column(index, "numbers", pa.array([1.0, 0.5, 3.0])))

    assert out.data.schema.field("numbers") == pa.field("numbers", pa.float64())
    assert task._carried - out._carried == {"numbers"}


def test_json_whose_rows_cannot_be_told_apart_is_still_json() -> None:
    task = json_batch()
    seen = table_view(task).data.drop_columns([ROW])
    out = restored(task, seen)

    assert [field.name for field in out.data.schema if is_json(field)] == ["mixed", "large"]
    assert out.data.column("mixed").to_pylist() == JSON_VALUES["mixed"]
    index = seen.schema.get_field_index("mixed")
    out = restored(task, seen.set_column(index, "mixed", pa.array(["no json", "1", None])))
    assert [field.name for field in out.data.schema if is_json(field)] == ["mixed", "large"]
    assert out.data.column("mixed").to_pylist() == ['"no json"', "1", None]


def test_our_own_stages_see_json_as_it_is() -> None:
    task = json_batch(carried=False)
    out = restored(task, task, ours=True)

    assert out is task
