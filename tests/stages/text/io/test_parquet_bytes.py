# SPDX-License-Identifier: Apache-2.0
"""The bytes of a Parquet file depend on its rows and types alone, however the rows come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.stages.text.io.jsonl_files import json_table
from tests.tasks.test_json_text import VALUES
from thresher.stages.text.io import parquet_stream
from thresher.stages.text.io.parquet_stream import Layout, ParquetStream
from thresher.stages.text.io.row_weights import cut_places, row_weights
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.joining import join
from thresher.tasks.types import JSON, ColumnType, Types, is_json, merge_columns

fresh_files = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(
    path: Path, tables: Sequence[pa.Table], layout: Layout | None = None, **options: Any
) -> tuple[bytes, ParquetStream]:
    stream = ParquetStream(str(path), {"compression": "zstd", **options}, None, layout)
    for table in tables:
        stream.write(table)
    stream.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    data = path.read_bytes()
    path.unlink()
    return data, stream


def sliced(table: pa.Table, cuts: Sequence[int]) -> list[pa.Table]:
    bounds = [0, *sorted({min(cut, table.num_rows) for cut in cuts}), table.num_rows]
    return [table.slice(a, b - a) for a, b in pairwise(bounds)]


# -- weights ---------------------------------------------------------------------------------------


def weight(value: Any, kind: pa.DataType) -> int:
    """What a value weighs, by definition: the bytes of its strings, and 8 for all else."""
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return weight(value, kind.value_type)
    if types.is_string(kind) or types.is_large_string(kind):
        return len((value or "").encode())
    if types.is_binary(kind) or types.is_large_binary(kind):
        return len(value or b"")
    if types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return sum(weight((value or {}).get(f.name), f.type) for f in fields)
    if types.is_map(kind):
        pairs = value or []
        return 8 + sum(weight(k, kind.key_type) + weight(v, kind.item_type) for k, v in pairs)
    if types.is_nested(kind):
        return 8 + sum(weight(inner, kind.value_type) for inner in value or [])
    return 8


STRUCT = pa.struct([("s", pa.string()), ("n", pa.int64())])
WEIGHED: list[tuple[pa.DataType, list[Any]]] = [
    (pa.int8(), [1, None, 3, 4]),
    (pa.bool_(), [True, None, False, True]),
    (pa.string(), ["a", None, "é" * 20, ""]),
    (pa.large_string(), ["abc", None, "", "x"]),
    (pa.binary(), [b"ab", None, b"", b"\x00" * 9]),
    (pa.null(), [None] * 4),
    (pa.list_(pa.string()), [["a", None], None, [], ["bcd"]]),
    (pa.large_list(pa.int8()), [[1], None, [], [1, 2, 3]]),
    (pa.list_(pa.int8(), 2), [[1, 2], None, [3, None], [5, 6]]),
    (pa.list_view(pa.string()), [["a"], None, [], ["bc", "d"]]),
    (STRUCT, [{"s": "abc", "n": 1}, None, {"s": None, "n": None}, {"s": "x", "n": 2}]),
    (pa.list_(STRUCT), [[{"s": "ab", "n": 1}, None], None, [], [{"s": "x", "n": None}]]),
    (pa.map_(pa.string(), pa.string()), [[("k" * 50, "v")], [("l", None)], None, []]),
    (pa.dictionary(pa.int8(), pa.string()), ["abc", None, "abc", "d"]),
    (pa.list_(pa.list_(pa.string())), [[["a"], []], None, [[], ["bc"]], []]),
]


@pytest.mark.parametrize(("kind", "values"), WEIGHED, ids=[str(kind)[:40] for kind, _ in WEIGHED])
def test_weights_are_those_of_the_definition(kind: pa.DataType, values: list[Any]) -> None:
    column = pa.array(values, kind)
    expected = [weight(value, kind) for value in values]
    for start in range(5):
        for stop in range(start, 5):
            part = pa.table({"x": column.slice(start, stop - start)})
            assert row_weights(part).tolist() == expected[start:stop]
    chunks = pa.table(
        {"x": pa.chunked_array([column, column.slice(2), column.slice(4)]), "y": [1] * 6}
    )
    assert row_weights(chunks).tolist() == [8 + n for n in [*expected, *expected[2:]]]


def test_weights_of_what_lies_under_a_null() -> None:
    masked = pa.StructArray.from_arrays(
        [pa.array(["x" * 100, "y"])], ["s"], mask=pa.array([True, False])
    )
    clean = pa.array([None, {"s": "y"}], masked.type)
    assert masked.equals(clean)
    assert (
        row_weights(pa.table({"x": masked})).tolist()
        == row_weights(pa.table({"x": clean})).tolist()
    )
    ends = pc.run_end_encode(pa.array(["ab", "ab", "c"]))
    assert row_weights(pa.table({"x": ends})).tolist() == [2, 2, 1]
    assert row_weights(pa.table({"a": []})).tolist() == []


# -- cuts ------------------------------------------------------------------------------------------


def plain_places(
    weights: list[int], filled: int, most: int, rows: int, most_rows: int
) -> list[int]:
    places = []
    for at, each in enumerate(weights, 1):
        filled, rows = filled + each, rows + 1
        if filled >= most or rows >= most_rows:
            places.append(at)
            filled = rows = 0
    return places


@given(
    st.lists(st.integers(0, 30), max_size=40), st.integers(1, 60), st.integers(1, 9),
    st.data(), st.lists(st.integers(0, 40), max_size=5),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_cuts_do_not_depend_on_batches(
    weights: list[int], most: int, most_rows: int, data: st.DataObject, cuts: list[int]
) -> None:
    filled = data.draw(st.integers(0, most - 1))
    rows = data.draw(st.integers(0, most_rows - 1))
    whole = plain_places(weights, filled, most, rows, most_rows)
    assert cut_places(np.array(weights, np.int64), filled, most, rows, most_rows) == whole

    found, first = [], 0
    bounds = [0, *sorted({min(cut, len(weights)) for cut in cuts}), len(weights)]
    for start, stop in pairwise(bounds):
        piece = np.array(weights[start:stop], np.int64)
        places = cut_places(piece, filled, most, rows, most_rows)
        found += [start + place for place in places]
        if places:
            filled = rows = 0
        first = places[-1] if places else 0
        filled += int(piece[first:].sum())
        rows += len(piece) - first
    assert found == whole


# -- bytes -----------------------------------------------------------------------------------------


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=6),
    st.lists(st.integers(0, 6), max_size=3),
)
@example([{"a": {"k": None, "n": 1}}, {"a": "x"}], [1])
@example([{"a": {"id": 2**60, "n": 1}}, {"a": {"n": 0.5}}], [1])
@example([{"a": 0.5}, {"a": True}], [1])
@example([{"a": {"k": 1}}, {"a": {"l": [None]}}, {}, {"b": 1}], [1, 2, 3])
@fresh_files
def test_json_columns_give_the_same_bytes_however_they_are_cut(
    tmp_path: Path, records: list[dict[str, Any]], cuts: list[int]
) -> None:
    names = sorted({name for record in records for name in record})
    texts = {
        name: [None if (v := record.get(name)) is None else json.dumps(v) for record in records]
        for name in names
    }
    table = json_table(**texts)
    expected, stream = written(tmp_path / "a", [table])
    cut, again = written(tmp_path / "a", sliced(table, cuts))

    assert (again.held, again.columns) == (stream.held, stream.columns)
    assert cut == expected
    # The same of parts, each in a file of its own.
    held = [written(tmp_path / "a", [part])[1].held for part in sliced(table, cuts)]
    assert merge_columns(held) == merge_columns(held[::-1]) == stream.held


TABLE = pa.table(
    {
        "id": pa.array(range(200), pa.int64()),
        "text": [f"text {i} " * (i % 50) for i in range(200)],
        "score": [None if i % 7 == 0 else i / 8 for i in range(200)],
        "tags": [[str(j) for j in range(i % 4)] for i in range(200)],
        "meta": [{"a": i, "b": str(i)} if i % 3 else None for i in range(200)],
        "coded": pa.array([f"c{i % 5}" for i in range(200)]).dictionary_encode(),
        "pairs": pa.array(
            [[("k" * (i % 9), i)] for i in range(200)], pa.map_(pa.string(), pa.int64())
        ),
    }
)


@given(st.lists(st.integers(0, 200), max_size=5))
@fresh_files
def test_a_table_gives_the_same_bytes_however_it_is_sliced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: list[int]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(parquet_stream, "ROW_GROUP_BYTES", 10_000)
        expected, _ = written(tmp_path / "a", [TABLE])
        assert written(tmp_path / "a", sliced(TABLE, cuts))[0] == expected
    few, _ = written(tmp_path / "a", [TABLE], row_group_size=64)
    assert written(tmp_path / "a", sliced(TABLE, cuts), row_group_size=64)[0] == few
    (tmp_path / "a").write_bytes(few)
    footer = pq.read_metadata(tmp_path / "a")
    (tmp_path / "a").unlink()
    groups = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
    assert groups == [64] * 3 + [8]


LATE = [
    pa.table({"a": [1, 2, 3], "b": pa.nulls(3), "m": [1, 2, 3]}),
    pa.table({"a": [4, None], "b": ["x", "y"], "m": [{"k": 1.0}, None]}),
    pa.table({"a": [0.5], "c": [True], "m": ["z"]}),
    pa.table({"a": pa.nulls(2, pa.string()), "d": [[1], []]}),
]


def test_columns_that_widen_give_the_bytes_of_one_batch(tmp_path: Path) -> None:
    whole = join([DocumentBatch("set", table) for table in LATE]).data
    expected, stream = written(tmp_path / "a", [whole])
    for size in (2, 1 << 17):
        options = {} if size > 2 else {"row_group_size": size}
        one, _ = written(tmp_path / "a", [whole], **options)
        assert written(tmp_path / "a", LATE, **options)[0] == one
    (tmp_path / "a").write_bytes(expected)
    found = pq.read_table(tmp_path / "a")
    assert found.to_pylist() == [
        {"a": 1.0, "b": None, "c": None, "d": None, "m": "1"},
        {"a": 2.0, "b": None, "c": None, "d": None, "m": "2"},
        {"a": 3.0, "b": None, "c": None, "d": None, "m": "3"},
        {"a": 4.0, "b": "x", "c": None, "d": None, "m": '{"k":1}'},
        {"a": None, "b": "y", "c": None, "d": None, "m": None},
        {"a": 0.5, "b": None, "c": True, "d": None, "m": '"z"'},
        {"a": None, "b": None, "c": None, "d": [1], "m": None},
        {"a": None, "b": None, "c": None, "d": [], "m": None},
    ]
    assert is_json(found.schema.field("m"))
    assert stream.columns["m"].is_json


KINDS = [ColumnType(pa.int8()), ColumnType(pa.float64()), ColumnType(pa.string()), JSON]


@given(
    st.dictionaries(st.sampled_from(["a", "b", "m", "unseen"]), st.sampled_from(KINDS)),
    st.sampled_from([LATE, LATE[::-1][:1] + LATE[:3]]),
)
@fresh_files
def test_what_is_expected_does_not_change_what_is_held(
    tmp_path: Path, expected: Types, tables: list[pa.Table]
) -> None:
    _, plain = written(tmp_path / "a", tables)
    data, stream = written(tmp_path / "a", tables, Layout(expected=expected))

    assert stream.held == plain.held
    # Written again with the final columns it is what it would have been.
    final = Layout(pinned=plain.columns, only=True)
    assert written(tmp_path / "a", tables, final)[0] == written(tmp_path / "a", tables)[0]
    if stream.columns == plain.columns:
        assert data == written(tmp_path / "a", tables)[0]
    assert set(stream.columns) == set(plain.columns)


@pytest.mark.parametrize("fresh", [True, False], ids=["waiting", "written"])
def test_rows_that_cannot_go_with_earlier_ones_are_written_all_the_same(
    tmp_path: Path, fresh: bool
) -> None:
    options = {} if fresh else {"row_group_size": 1}
    far = pa.table({"t": pa.array([32_503_680_000, 1], pa.timestamp("s"))})
    fine = pa.table({"t": pa.array([5, 6], pa.timestamp("ns"))})
    data, stream = written(tmp_path / "a", [far, fine], **options)
    (tmp_path / "a").write_bytes(data)

    assert stream.columns["t"].is_json
    values = pq.read_table(tmp_path / "a").column("t").to_pylist()
    assert values[0] == '"3000-01-01T00:00:00.000000"'
    assert len(values) == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array([1.0, float("inf")]), pa.array(["x"])),
        (pa.array([1, 2], pa.duration("s")), pa.array(["x"])),
        (pa.array([[1]]), pa.array([[{"a": float("inf")}]])),
    ],
)
def test_a_value_that_json_lacks_costs_its_own_row_or_nothing(
    tmp_path: Path, first: pa.Array, second: pa.Array
) -> None:
    for order in ((first, second), (second, first)):
        stream = ParquetStream(str(tmp_path / "a"), {}, None)
        n_rows = 0
        for column in order:
            table = pa.table({"x": column})
            try:
                stream.write(table)
            except BadRows as error:
                table = error.others(table)
                stream.write(table)
            n_rows += table.num_rows
        stream.close()
        assert pq.read_table(tmp_path / "a").num_rows == n_rows
        assert n_rows >= len(first) + len(second) - 1


def test_a_batch_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    wrong = [
        json_table(a=['"\\ud800"', "1"]),
        json_table(a=['{"k":1,"k":2}', "1"]),
    ]
    stream = ParquetStream(str(tmp_path / "a"), {}, None)
    stream.write(table)
    for each in wrong:
        with pytest.raises(BadRows) as caught:
            stream.write(each)
        assert list(caught.value.reasons) == [0]
    stream.write(table)
    stream.close()

    assert stream.held == {"a": ColumnType(pa.int64()), "b": ColumnType(pa.string())}
    assert pq.read_table(tmp_path / "a").to_pylist() == table.to_pylist() * 2
