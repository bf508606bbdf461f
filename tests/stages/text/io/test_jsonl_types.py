# SPDX-License-Identifier: Apache-2.0
"""Values keep their type: what columns JSONL records become, and which records are set aside."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.text.io.jsonl_files import ALL, group, lines, read
from thresher.stages.base import NUMBER, TEXT
from thresher.stages.reading import ReadPlan, ReadReport, Sample, SourceError
from thresher.stages.text.io import JsonlReaderStage, jsonl_blocks
from thresher.stages.text.io.jsonl_table import MAX_COLUMNS
from thresher.tasks import RAW, ROW, DocumentBatch, FileGroupTask
from thresher.tasks.joining import join
from thresher.tasks.json_text import python_values
from thresher.tasks.types import JSON, ColumnType, is_json

NUMBERS = ReadPlan(("n",), {"n": NUMBER}, always=("n",))


@pytest.fixture(params=["plain", "compiled"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_KERNELS", request.param)


def types_of(table: pa.Table) -> dict[str, str]:
    return {f.name: "JSON" if is_json(f) else str(f.type) for f in table.schema if f.name != ROW}


def told(plan: ReadPlan, path: Path, *records: str, **options: Any) -> tuple[list[Any], list[str]]:
    """Values of the column ``n``, and why other records are set aside."""
    table, report = read(lines(path, *records), plan, JsonlReaderStage(**options))
    index = table.schema.get_field_index("n")
    values = python_values(table.column(index), table.schema.field(index))
    return values, [bad.reason for bad in report.bad]


# -- types by value -------------------------------------------------------------------------------


def test_a_column_has_the_type_of_its_values_or_is_json(tmp_path: Path) -> None:
    first = (
        '{"s":"a","i":1,"f":0.5,"e":1E2,"b":true,"z":null,"m":1,"w":1,"o":{"k": 1.0},"l":[1],'
        '"h":18446744073709551616,"t":1e400}'
    )
    second = '{"s":null,"i":-9223372036854775808,"f":null,"e":2.0,"b":false,"m":"x","w":0.5,"l":[]}'
    table, report = read(lines(tmp_path / "a.jsonl", first, second), ALL)

    assert not report.bad
    assert types_of(table) == {
        "s": "large_string", "i": "int64", "f": "double", "e": "double", "b": "bool", "z": "null",
        "m": "JSON", "w": "JSON", "o": "JSON", "l": "JSON", "h": "JSON", "t": "JSON",
    }  # fmt: skip
    assert table.drop_columns([ROW]).to_pylist() == [
        {"s": "a", "i": 1, "f": 0.5, "e": 100.0, "b": True, "z": None, "m": "1", "w": "1",
         "o": '{"k": 1.0}', "l": "[1]", "h": "18446744073709551616", "t": "1e400"},
        {"s": None, "i": -(2**63), "f": None, "e": 2.0, "b": False, "z": None, "m": '"x"',
         "w": "0.5", "o": None, "l": "[]", "h": None, "t": None},
    ]  # fmt: skip


def batches_of_a_line(task: FileGroupTask, monkeypatch: pytest.MonkeyPatch) -> list[DocumentBatch]:
    monkeypatch.setattr(jsonl_blocks, "STEP", 1)
    return list(JsonlReaderStage().streaming(1).read(task, ReadReport()))


def test_each_batch_has_the_types_of_its_own_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = lines(tmp_path / "a.jsonl", '{"v":1}', '{"v":0.5,"w":[1]}', '{"v":"x"}', '{"v":null}')
    found = [batch.data for batch in batches_of_a_line(task, monkeypatch)]

    assert list(map(types_of, found)) == [
        {"v": "int64"}, {"v": "double", "w": "JSON"}, {"v": "large_string"}, {"v": "null"}
    ]  # fmt: skip
    assert [table.column("v")[0].as_py() for table in found] == [1, 0.5, "x", None]
    assert [table.column(ROW)[0].as_py() for table in found] == [0, 1, 2, 3]


def test_batches_of_any_types_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = lines(tmp_path / "a.jsonl", '{"v":1,"w":1}', '{"v":0.5}', '{"v":2,"w":[1.0]}')
    joined = join(batches_of_a_line(task, monkeypatch))

    # As one batch has them: each number as it is written.
    assert types_of(joined.data) == {"v": "JSON", "w": "JSON"}
    assert joined.data.column("v").to_pylist() == ["1", "0.5", "2"]
    assert joined.data.column("w").to_pylist() == ["1", None, "[1.0]"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip
RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "ü", "d"]), VALUES, max_size=4), max_size=8
)


def tagged(value: Any) -> Any:
    """A JSON value that is equal to another if JSON takes them for the same: 1 is 1.0, not true."""
    if isinstance(value, dict):
        return {key: tagged(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tagged(inner) for inner in value]
    return str(value) if isinstance(value, bool) else (value,)


@given(RECORDS, st.integers(1, 200))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_value_is_changed_however_batches_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: list[dict[str, Any]], n_bytes: int
) -> None:
    task = lines(tmp_path / "a.jsonl", *map(json.dumps, records))
    for size in (1 << 20, n_bytes):
        with monkeypatch.context() as patch:
            patch.setattr(jsonl_blocks, "STEP", 1)
            table, told = read(task, ReadPlan(carry=True), JsonlReaderStage().streaming(size))
        assert not told.bad
        assert told.names == {name for record in records for name in record}
        for name in told.names:
            field = table.schema.field(name)
            values = python_values(table.column(name), field)
            assert list(map(tagged, values)) == [tagged(r.get(name)) for r in records]
        raw = b"".join(table.column(RAW).to_pylist())
        assert raw == b"".join(json.dumps(record).encode() + b"\n" for record in records)


# -- numbers --------------------------------------------------------------------------------------


def test_a_column_of_numbers(tmp_path: Path) -> None:
    values, bad = told(
        NUMBERS, tmp_path / "a.jsonl",
        '{"n":1}', '{"n":0.5}', '{"n":"1"}', '{"n":null}', "{}", '{"n":true}', '{"n":[1]}',
        '{"n":{}}', '{"n":9007199254740992}',
    )  # fmt: skip

    assert values == [1.0, 0.5, None, None, 9007199254740992.0]
    assert set(map(type, values)) == {float, type(None)}
    assert bad == [
        "field 'n' is text, not a number", "field 'n' is true, not a number",
        "field 'n' is a list, not a number", "field 'n' is an object, not a number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["1", "-3"], [1, -3]),
        (["9223372036854775807", "1"], [2**63 - 1, 1]),
        (["9007199254740993", "0.5"], [2**53 + 1, 0.5]),  # exact as JSON alone
        (["18446744073709551616"], [2**64]),  # a float64 holds it
        (["1e308", "5e-324"], [1e308, 5e-324]),
        (["0.1", "6.02214076e23", "1e23"], [0.1, 6.02214076e23, 1e23]),  # the nearest float64
        (["0.0", "-0.0e9", "0e-400"], [0.0, -0.0, 0.0]),
    ],
)
def test_numbers_are_exact(tmp_path: Path, numbers: list[str], expected: list[Any]) -> None:
    values, bad = told(NUMBERS, tmp_path / "a.jsonl", *(f'{{"n":{n}}}' for n in numbers))

    assert list(map(repr, values)) == list(map(repr, expected))
    assert not bad


@pytest.mark.parametrize(
    "digits",
    ["9223372036854775809", "-9223372036854775809", "1e400", "-1e309", "9" * 5000,
     "9007199254740993.0", "9007199254740992.5", "-9007199254740993e0", "1e-400", "-0.01e-999"],
)  # fmt: skip
def test_a_number_that_neither_type_holds_costs_its_record(tmp_path: Path, digits: str) -> None:
    values, bad = told(NUMBERS, tmp_path / "a.jsonl", f'{{"n":{digits}}}', '{"n":1}')

    assert values == [1]
    assert bad == [f"field 'n' is {digits[:40]}, which no int64 or float64 holds"]


@pytest.mark.parametrize("digits", ["1e400", "9007199254740993.0", "1e-400", "-0.001e-999"])
@pytest.mark.parametrize("others", [[], ["0.5"], ["0.0", "null"], ["1"]])
def test_a_column_with_a_number_that_no_type_holds_is_json(
    tmp_path: Path, digits: str, others: list[str]
) -> None:
    records = [f'{{"n":{each}}}' for each in [digits, *others]]
    table, report = read(lines(tmp_path / "a.jsonl", *records), ALL)

    assert types_of(table) == {"n": "JSON"}
    written = [None if each == "null" else each for each in [digits, *others]]
    assert table.column("n").to_pylist() == written
    assert not report.bad


# -- types that are asked for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fine", "expected", "misfits"),
    [
        ("int64", ["1", "-9223372036854775808"], [1, -(2**63)],
         ["0.5", '"1"', "9223372036854775808", "true", "[]"]),
        ("int8", ["-128", "127"], [-128, 127], ["128", "-129"]),
        ("float64", ["1", "0.5", "9007199254740992"], [1.0, 0.5, 2.0**53],
         ["9007199254740995", "9007199254740993.0", "1e-400", "1e400", '"x"', "false"]),
        ("float64", ["1", "0.5"], [1.0, 0.5], ["9007199254740993"]),
        ("float32", ["1", "0.5", "0.1"], [1.0, 0.5, 0.10000000149011612], ["1e300", "1e400"]),
        ("float32", ["16777216"], [2.0**24], ["16777217"]),
        ("bool", ["true", "false"], [True, False], ["1", '"true"', "{}"]),
        ("text", ['"a"', '"\\u00e9"'], ["a", "é"], ["1", "[]", '"\\ud800"']),
        ("json", ["1", '{"a":1e400}', '"x"'], [1, {"a": float("inf")}, "x"], []),
        ("decimal(10, 2)", ["1.5", "12345678.25"],
         [decimal.Decimal("1.50"), decimal.Decimal("12345678.25")],
         ["0.005", "123456789", "1e400", '"1.5"']),
        ("date32", ['"2024-05-06"'], [datetime.date(2024, 5, 6)], ['"06.05.2024"', "20240506"]),
        ("timestamp[us]", ['"2024-05-06T07:08:09.5"'],
         [datetime.datetime(2024, 5, 6, 7, 8, 9, 500_000)], ['"now"', "1"]),
        ("timestamp[us, UTC]", ['"2024-05-06T07:08:09Z"', '"2024-05-06T09:08:09+02:00"'],
         [datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)] * 2,
         ['"2024-05-06T07:08:09"']),
        ("list<int32>", ["[1,null]", "[]"], [[1, None], []], ["[3000000000]", "[0.5]", "{}", "1"]),
        ("list<float64>", ["[1,0.5]"], [[1.0, 0.5]], ["[9007199254740993]", '["x"]']),
        (pa.struct([("k", pa.int64())]), ['{"k":1}', "{}"], [{"k": 1}, {"k": None}],
         ['{"k":1,"new":2}', "[1]", '{"k":"x"}']),
    ],
)  # fmt: skip
def test_types_that_are_asked_for(
    tmp_path: Path, kind: Any, fine: list[str], expected: list[Any], misfits: list[str]
) -> None:
    records = [*fine, "null", *misfits]
    stage = JsonlReaderStage(types={"n": kind})
    task = lines(tmp_path / "a.jsonl", *(f'{{"n":{value}}}' for value in records), "{}")
    table, report = read(task, ReadPlan(("n",), always=("n",)), stage)

    wanted = stage.pinned_types()["n"]
    field = table.schema.field("n")
    assert field == wanted.to_field("n")
    assert python_values(table.column("n"), field) == [*expected, None, None]
    assert [bad.row for bad in report.bad] == list(range(len(fine) + 1, len(records)))
    for bad, value in zip(report.bad, misfits, strict=True):
        half_pair = "\\ud" in value
        assert bad.reason.endswith("which is no text" if half_pair else f", not {wanted}")


def test_a_type_that_is_asked_for_of_a_column_nobody_has(tmp_path: Path) -> None:
    task = lines(tmp_path / "a.jsonl", '{"a":1}')
    stage = JsonlReaderStage(types={"n": "int32"})

    assert types_of(read(task, ALL, stage)[0]) == {"a": "int64"}
    there, _ = read(task, ReadPlan(None, always=("n",), expected={"n": JSON}), stage)
    assert types_of(there) == {"n": "int32", "a": "int64"}
    assert there.column("n").to_pylist() == [None]


# -- keys -----------------------------------------------------------------------------------------


def test_keys_that_come_late_are_columns(tmp_path: Path) -> None:
    records = ['{"a":1}'] * 5000
    records[4321] = '{"b" : "late", "a":2,"\\u006eo":{"x": 2}}'
    table, _ = read(lines(tmp_path / "a.jsonl", *records), ALL)

    assert types_of(table) == {"a": "int64", "b": "large_string", "no": "JSON"}
    assert table.column("b").drop_null().to_pylist() == ["late"]
    assert table.column("no").to_pylist()[4321] == '{"x": 2}'


def test_a_late_key_among_records_with_keys_of_another_sort(tmp_path: Path) -> None:
    records = ['{"a":1,"a":2}'] * 200
    records[101] = '{"a":1,"late":5}'
    task = lines(tmp_path / "a.jsonl", *records)
    table, _ = read(task, ALL, JsonlReaderStage(duplicate_keys="last"))

    assert types_of(table) == {"a": "int64", "late": "int64"}
    assert table.column("late").to_pylist()[101] == 5


def test_more_than_a_thousand_keys_are_refused(tmp_path: Path) -> None:
    members = [f'"k{i}":{i}' for i in range(MAX_COLUMNS + 2)]
    # One record after the other is looked at for keys, so that the last two find no room.
    task = lines(tmp_path / "a.jsonl", '{"k0":7}', "{" + ",".join(members) + "}", '{"k1":7}')
    with pytest.raises(SourceError, match="line 2 brings 'k1000'") as caught:
        read(task, ALL)

    assert (caught.value.path, caught.value.rows) == (str(tmp_path / "a.jsonl"), 3)
    assert "fields=" in caught.value.todo
    # With the records themselves at hand nothing has to be kept in columns.
    names = [f"k{i}" for i in range(MAX_COLUMNS)]
    carried, _ = read(task, ReadPlan(carry=True))
    assert carried.column_names == [ROW, *names, RAW]


@pytest.mark.parametrize("n_expected", [1, MAX_COLUMNS - 1, MAX_COLUMNS, MAX_COLUMNS + 5])
def test_the_keys_of_a_sample_take_no_room(tmp_path: Path, n_expected: int) -> None:
    names = [f"k{i}" for i in range(MAX_COLUMNS - 1)]
    records = ["{" + ",".join(f'"{name}":1' for name in names) + "}", '{"asked":1}']
    plan = ReadPlan(expected={f"e{i}": JSON for i in range(n_expected)}, always=("asked",))
    task = lines(tmp_path / "a.jsonl", *records)
    for size in (1, 1 << 20):
        table, _ = read(task, plan, JsonlReaderStage().streaming(size))
        assert sorted(table.column_names) == sorted([ROW, "asked", *names])


def test_columns_that_no_record_has_are_there_if_they_are_wanted(tmp_path: Path) -> None:
    task = lines(tmp_path / "a.jsonl", '{"a":1}')
    expected = {
        "a": JSON,
        "seen": ColumnType(pa.int64()),
        "odd": JSON,
        "gone": ColumnType(pa.bool_()),
    }
    plan = ReadPlan(None, {"asked": TEXT}, expected=expected, always=("seen", "asked", "odd"))
    table, _ = read(task, plan, JsonlReaderStage())

    # A sample's guess types what has no values, so that stages can compute with it.
    assert types_of(table) == {
        "a": "int64", "seen": "int64", "odd": "null", "asked": "large_string"
    }  # fmt: skip


def test_names_are_told_in_the_order_of_the_first_record(tmp_path: Path) -> None:
    task = lines(tmp_path / "a.jsonl", "broken", '{"c":1,"a":null}', '{"b":1,"a":1}')
    _, told = read(task, ReadPlan(expected={"a": JSON, "b": JSON, "z": JSON}))

    assert told.first_names == ("c", "a")
    assert told.names == {"a", "b", "c"}


# -- keys that occur twice, and names nobody can use ----------------------------------------------


def test_a_used_key_that_occurs_twice_costs_its_record(tmp_path: Path) -> None:
    task = lines(
        tmp_path / "a.jsonl",
        '{"n":1,"x":0,"x":1}', '{"n":1,"n":2}', '{"n":3,"o":{"n":1,"n":2}}', '{"n":4,"\\u006e":5}',
    )  # fmt: skip
    table, told = read(task, ReadPlan(("n",), carry=True))

    assert table.column("n").to_pylist() == [1, 3]
    assert [(bad.row, bad.reason) for bad in told.bad] == [
        (1, "the key 'n' occurs twice"), (3, "the key 'n' occurs twice")
    ]  # fmt: skip
    assert table.column(RAW).to_pylist()[0] == b'{"n":1,"x":0,"x":1}\n'


def test_the_last_of_two_values_counts_if_that_is_asked_for(tmp_path: Path) -> None:
    task = lines(
        tmp_path / "a.jsonl",
        '{"n":1,"x":0,"x":1, "n" : 2}', ' {"n":7,"n":"8","n":9}', '{"n":3}', '{"n":1,"n":null }',
    )  # fmt: skip
    table, told = read(task, ReadPlan(("n",), carry=True), JsonlReaderStage(duplicate_keys="last"))

    assert not told.bad
    assert table.column("n").to_pylist() == [2, 9, 3, None]
    assert table.column(RAW).to_pylist() == [
        b'{"x":0,"x":1, "n" : 2}\n', b' {"n":9}\n', b'{"n":3}\n', b'{"n":null }\n'
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("__row", "the key '__row' is the name of a column of Thresher's own"),
        ("__raw", "the key '__raw' is the name of a column of Thresher's own"),
        ("\\ud800", "a key has half a surrogate pair, which is no text"),
    ],
)
def test_a_key_that_no_column_can_have(tmp_path: Path, key: str, reason: str) -> None:
    record = f'{{"n":1,"{key}":5}}'
    task = lines(tmp_path / "a.jsonl", '{"n":0}', record)

    table, told = read(task, ALL)
    assert table.column("n").to_pylist() == [0]
    assert [(bad.row, bad.reason) for bad in told.bad] == [(1, reason)]
    for plan in (ReadPlan(carry=True), ReadPlan(("n",), carry=True)):  # it passes to the letter
        table, told = read(task, plan)
        assert not told.bad
        assert table.column(RAW).to_pylist()[1] == record.encode() + b"\n"


# -- samples --------------------------------------------------------------------------------------


def test_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows: list[dict[str, Any]] = [
        {"s": "a", "i": 1, "f": 1, "b": True, "z": None, "m": 1, "o": {"k": 1}, "l": [1],
         "h": 2**64, "big": 2**60},
        {"s": None, "i": 2, "f": 1.5, "b": None, "m": "x", "o": {"k": 2, "j": "x"}, "l": [],
         "e": []},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"__row": 1}\nbroken\n')
    found = JsonlReaderStage().sample(group(path), 100)

    assert {name: str(kind) for name, kind in found.columns.items()} == {
        "s": "large_string", "i": "int64", "f": "double", "b": "bool", "z": "null", "m": "JSON",
        "o": "struct<j: string, k: int64>", "l": "list<item: int64>", "h": "JSON", "big": "int64",
        "e": "list<item: null>",
    }  # fmt: skip
    assert [name for name, kind in found.columns.items() if kind.is_void] == ["z"]
    assert [name for name, kind in found.columns.items() if not kind.is_exact] == ["big"]
    assert found.first_names == ("s", "i", "f", "b", "z", "m", "o", "l", "h", "big")
    assert found.reserved == ("__row",)
    assert found.is_whole


def test_a_sample_is_of_the_first_records_only(tmp_path: Path) -> None:
    task = lines(tmp_path / "a.jsonl", '{"a":1}', '{"a":"x"}', '{"b":1}')
    stage = JsonlReaderStage()

    assert stage.sample(task, 1) == Sample({"a": ColumnType(pa.int64())}, ("a",), is_whole=False)
    assert list(stage.sample(task, 3).columns) == ["a", "b"]
    assert stage.sample(task, 3).is_whole
    (tmp_path / "empty").write_bytes(b"\n\n")
    assert stage.sample(group(tmp_path / "empty"), 3) == Sample({}, is_whole=True)
