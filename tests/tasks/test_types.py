# SPDX-License-Identifier: Apache-2.0
"""Types of columns: merging is a lattice, and no merged type loses a value."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError
from thresher.tasks.type_names import parse_types
from thresher.tasks.types import (
    ASKED_JSON,
    JSON,
    JSON_TEXT,
    MAX_MEMBERS,
    NOTHING,
    ColumnType,
    as_void,
    declared_type,
    decode,
    encode,
    guessed,
    in_order,
    is_guessed,
    is_json,
    is_text,
    json_field,
    merge_columns,
    merge_types,
    to_schema,
)

INTEGERS = [
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()
]  # fmt: skip
NUMBERS = [
    *INTEGERS, pa.float16(), pa.float32(), pa.float64(), pa.decimal128(1, 0), pa.decimal128(10, 2),
    pa.decimal128(20, 0), pa.decimal128(38, 38), pa.decimal256(60, 5), pa.bool_(), pa.null(),
]  # fmt: skip
STRINGS = [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()), pa.run_end_encoded(pa.int32(), pa.string()),
    pa.binary(), pa.large_binary(), pa.binary(4), pa.binary(5), pa.int64(), pa.null(),
]  # fmt: skip
TIMES = [
    pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"),
    pa.duration("s"), pa.duration("ns"), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"),
    pa.timestamp("us", "UTC"), pa.timestamp("ms", "+00:00"), pa.timestamp("us", "Europe/Berlin"),
    pa.string(), pa.null(),
]  # fmt: skip


def struct(**members: pa.DataType) -> pa.DataType:
    return pa.struct(list(members.items()))


NESTED = [
    pa.list_(pa.int64()), pa.list_(pa.float64()), pa.list_(pa.null()), pa.large_list(pa.int32()),
    pa.list_(pa.int32(), 2), pa.list_(pa.int32(), 3), pa.list_view(pa.int8()),
    pa.list_(pa.list_(pa.string())), struct(), struct(a=pa.int64()), struct(a=pa.float64()),
    struct(a=pa.string()), struct(b=pa.int64(), a=pa.int64()), struct(a=pa.int64(), b=pa.float64()),
    struct(c=struct(a=pa.int64())), struct(c=struct(b=pa.bool_())), pa.list_(struct(a=pa.int64())),
    pa.map_(pa.string(), pa.int64()), pa.map_(pa.string(), pa.float64()), pa.int64(), pa.null(),
]  # fmt: skip


def forms(kinds: list[pa.DataType]) -> list[ColumnType]:
    """The types as footers, and as values, tell them; and what stands beside any type."""
    declared = [declared_type(pa.field("x", kind)) for kind in kinds]
    exact = [ColumnType(kind.type) for kind in declared if not kind.is_exact]
    void = [as_void(declared[0]), as_void(declared[-2])]
    return [*declared, *exact, *void, NOTHING, JSON, ColumnType(JSON_TEXT, True, True)]


POOLS = {
    "numbers": forms(NUMBERS), "strings": forms(STRINGS), "times": forms(TIMES),
    "nested": forms(NESTED),
}  # fmt: skip
ALL = [kind for pool in POOLS.values() for kind in pool]


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_merging_does_not_depend_on_order(pool: list[ColumnType]) -> None:
    merged = {(i, j): a.merge(b) for (i, a), (j, b) in product(enumerate(pool), repeat=2)}
    for i, kind in enumerate(pool):
        assert merged[i, i] == kind
        assert kind.merge(NOTHING) == NOTHING.merge(kind) == (kind if kind != NOTHING else NOTHING)
    for i, j in combinations_with_replacement(range(len(pool)), 2):
        assert merged[i, j] == merged[j, i], (pool[i], pool[j])


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_merging_does_not_depend_on_grouping(pool: list[ColumnType]) -> None:
    merged = {(i, j): a.merge(b) for (i, a), (j, b) in product(enumerate(pool), repeat=2)}
    for (i, a), (j, b), (k, c) in product(enumerate(pool), repeat=3):
        left, right = merged[i, j].merge(c), a.merge(merged[j, k])
        assert left == right, f"{a}, {b}, {c}: {left} or {right}"


KINDS = st.recursive(
    st.sampled_from([pa.int64(), pa.int32(), pa.float64(), pa.string(), pa.bool_(), pa.null()]),
    lambda inner: (
        inner.map(pa.list_)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda members: struct(**members)
        )
    ),
    max_leaves=4,
)
COLUMNS = st.builds(
    ColumnType, KINDS, is_void=st.just(False), is_exact=st.booleans()
) | st.sampled_from(ALL)  # fmt: skip

ID_AND_SCORE = (
    ColumnType(struct(a=pa.int64()), is_exact=False),
    ColumnType(struct(b=pa.int64())),
    ColumnType(struct(b=pa.float64())),
)


@given(st.permutations(range(3)), st.tuples(COLUMNS, COLUMNS, COLUMNS))
@example([0, 1, 2], ID_AND_SCORE)
@example([1, 2, 0], ID_AND_SCORE)
@settings(max_examples=500, deadline=None)
def test_nested_types_are_merged_in_any_order(
    order: list[int], kinds: tuple[ColumnType, ColumnType, ColumnType]
) -> None:
    a, b, c = kinds
    x, y, z = (kinds[place] for place in order)
    assert x.merge(y).merge(z) == a.merge(b.merge(c))


@given(st.lists(st.dictionaries(st.sampled_from("xyz"), COLUMNS), max_size=4))
@settings(max_examples=100, deadline=None)
def test_columns_of_all_are_united(columns: list[dict[str, ColumnType]]) -> None:
    united = merge_columns(columns)

    assert set(united) == {name for each in columns for name in each}
    assert merge_columns(columns[::-1]) == united
    assert merge_columns([united, *columns]) == united
    assert decode(encode(united)) == united
    assert encode(united).isascii()
    assert to_schema(united).names == list(united)


# -- what types become -----------------------------------------------------------------------------


def big(n: int) -> pa.DataType:
    return struct(**{f"k{i:04}": pa.int64() for i in range(n)})


@pytest.mark.parametrize(
    ("left", "right", "merged"),
    [
        (pa.int8(), pa.int64(), pa.int64()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.uint32(), pa.int8(), pa.int64()),
        (pa.uint64(), pa.int64(), pa.decimal128(20, 0)),
        (pa.float16(), pa.float64(), pa.float64()),
        (pa.int32(), pa.float32(), pa.float64()),
        (pa.uint8(), pa.float64(), pa.float64()),
        (pa.int64(), pa.float64(), None),
        (pa.decimal128(10, 2), pa.decimal128(10, 4), pa.decimal128(12, 4)),
        (pa.decimal128(38, 0), pa.decimal128(38, 10), pa.decimal256(48, 10)),
        (pa.decimal256(76, 0), pa.decimal128(38, 10), None),
        (pa.decimal128(10, 2), pa.float64(), None),
        (pa.bool_(), pa.int8(), None),
        (pa.null(), pa.date32(), pa.date32()),
        (pa.string(), pa.large_string(), pa.large_string()),
        (pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.string(), pa.string_view(), pa.large_string()),
        (pa.binary(3), pa.binary(4), pa.large_binary()),
        (pa.string(), pa.binary(), None),
        (pa.string(), pa.int64(), None),
        (pa.date32(), pa.date64(), pa.date32()),
        (pa.date32(), pa.timestamp("s"), None),
        (pa.date32(), pa.string(), None),
        (pa.time32("s"), pa.time64("ns"), pa.time64("ns")),
        (pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.timestamp("s", "UTC"), pa.timestamp("ms", "+00:00"), pa.timestamp("ms", "UTC")),
        (pa.timestamp("s", "UTC"), pa.timestamp("s"), None),
        (pa.timestamp("s", "UTC"), pa.timestamp("s", "Europe/Berlin"), pa.timestamp("s", "UTC")),
        (pa.list_(pa.int8()), pa.list_(pa.int16()), pa.list_(pa.int16())),
        (pa.list_(pa.int8()), pa.list_(pa.string()), None),
        (pa.list_(pa.int8(), 2), pa.list_(pa.int8(), 3), pa.large_list(pa.int8())),
        (pa.list_(pa.int8(), 2), pa.list_(pa.int16(), 2), pa.list_(pa.int16(), 2)),
        (struct(b=pa.int8()), struct(a=pa.int8()), struct(a=pa.int8(), b=pa.int8())),
        (struct(b=pa.int8(), a=pa.null()), struct(b=pa.int16(), a=pa.int8()),
         struct(b=pa.int16(), a=pa.int8())),
        (struct(a=pa.int8()), struct(a=pa.string()), None),
        (struct(a=pa.int8()), pa.list_(pa.int8()), None),
        (pa.map_(pa.string(), pa.int8()), pa.map_(pa.large_string(), pa.int16()),
         pa.map_(pa.large_string(), pa.int16())),
        (pa.map_(pa.string(), pa.int8()), struct(a=pa.int8()), None),
        (big(MAX_MEMBERS), struct(k0000=pa.int64()), big(MAX_MEMBERS)),
        (big(MAX_MEMBERS), struct(new=pa.int64()), None),
    ],
)  # fmt: skip
def test_the_narrowest_type_of_both(
    left: pa.DataType, right: pa.DataType, merged: pa.DataType | None
) -> None:
    assert merge_types(left, right) == merged
    assert merge_types(right, left) == merged
    both = ColumnType(left, is_exact=False).merge(ColumnType(right))
    assert (both.is_json, both.type) == (
        (False, merged) if merged is not None else (True, JSON_TEXT)
    )


@pytest.mark.parametrize(
    ("whole", "other"),
    [
        (pa.int64(), pa.float64()), (pa.uint64(), pa.float32()), (pa.int64(), pa.float16()),
        (pa.decimal128(20, 0), pa.float64()),
    ],
)  # fmt: skip
def test_whole_numbers_beside_others_are_floats_where_all_are_exact_so(
    whole: pa.DataType, other: pa.DataType
) -> None:
    exact, large = ColumnType(whole), ColumnType(whole, is_exact=False)
    assert exact.merge(ColumnType(other)) == ColumnType(pa.float64())
    assert large.merge(ColumnType(other)).is_json
    inside = ColumnType(pa.list_(struct(k=whole))).merge(ColumnType(pa.list_(struct(k=other))))
    assert inside == ColumnType(pa.list_(struct(k=pa.float64())))


@pytest.mark.parametrize("make", [pa.timestamp, pa.duration])
def test_times_are_nanoseconds_where_these_reach_as_far(make: Any) -> None:
    near, fine = ColumnType(make("us")), ColumnType(make("ns"))
    far = ColumnType(make("us"), is_exact=False)
    assert near.merge(fine) == fine.merge(near) == fine
    assert far.merge(fine).is_json
    assert far.merge(near).merge(fine).is_json
    assert far.merge(ColumnType(make("s"))).type == make("us")
    assert declared_type(pa.field("x", make("us"))) == far  # values or statistics have to tell
    assert declared_type(pa.field("x", make("ns"))) == fine


def test_a_large_number_in_one_member_says_nothing_of_another() -> None:
    ids, whole, halves = ID_AND_SCORE
    expected = struct(a=pa.int64(), b=pa.float64())
    assert ids.merge(whole).merge(halves).type == expected
    assert ids.merge(halves).merge(whole).type == expected


def test_a_null_says_nothing() -> None:
    text, guess = ColumnType(pa.string()), as_void(ColumnType(pa.int64(), is_exact=False))
    assert guess == ColumnType(pa.int64(), is_void=True)
    assert guess.merge(text) == text.merge(guess) == text
    assert guess.merge(NOTHING) == guess
    assert guess.merge(as_void(text)) == ColumnType(JSON_TEXT, True, True)
    assert ColumnType(JSON_TEXT, True, True).merge(text) == text


def test_fields() -> None:
    assert is_json(json_field("x"))
    assert not is_json(pa.field("x", JSON_TEXT))
    assert not is_text(json_field("x"))
    assert is_text(pa.field("x", pa.string_view()))
    assert is_guessed(guessed(pa.field("x", pa.int8())))
    assert not is_guessed(pa.field("x", pa.int8()))
    assert JSON.to_field("x") == json_field("x")
    assert ColumnType(pa.int8()).to_field("x").metadata is None
    assert (str(JSON), str(ColumnType(pa.int8()))) == ("JSON", "int8")


@pytest.mark.parametrize(
    ("kind", "exact"),
    [
        (pa.int32(), True), (pa.int64(), False), (pa.uint64(), False), (pa.float64(), True),
        (pa.list_(pa.int64()), False), (struct(a=pa.list_(struct(b=pa.uint64()))), False),
        (pa.dictionary(pa.int8(), pa.int64()), False),
        (pa.dictionary(pa.int64(), pa.string()), True),
        (pa.map_(pa.string(), pa.int64()), False), (pa.decimal128(3, 0), False), (struct(), True),
    ],
)  # fmt: skip
def test_what_a_declared_type_tells(kind: pa.DataType, exact: bool) -> None:
    assert declared_type(pa.field("x", kind)) == ColumnType(kind, is_exact=exact)
    assert declared_type(pa.field("x", pa.null())) == NOTHING
    assert declared_type(json_field("x")) == JSON


def test_the_order_of_columns() -> None:
    names = ["score", "b", "text", "a", "id"]
    assert in_order(names, ["id", "gone", "text"], ["score", "text"]) == [
        "id", "text", "a", "b", "score"
    ]  # fmt: skip
    assert in_order(reversed(names), ["id"]) == ["id", "a", "b", "score", "text"]
    assert in_order([], ["id"]) == []


# -- types by name ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("text", JSON_TEXT), ("String", JSON_TEXT), ("str", JSON_TEXT), ("int", pa.int64()),
        ("int8", pa.int8()), ("float", pa.float64()), ("float32", pa.float32()),
        ("double", pa.float64()), ("bool", pa.bool_()), ("bytes", pa.large_binary()),
        ("date", pa.date32()), ("timestamp", pa.timestamp("us")),
        ("timestamp[ms]", pa.timestamp("ms")),
        ("timestamp[us, tz=UTC]", pa.timestamp("us", "UTC")),
        ("timestamp[us, UTC]", pa.timestamp("us", "UTC")),
        ("timestamp[ns, Europe/Berlin]", pa.timestamp("ns", "Europe/Berlin")),
        ("list<int64>", pa.list_(pa.int64())), ("list<item: text>", pa.list_(JSON_TEXT)),
        ("list<list<float64>>", pa.list_(pa.list_(pa.float64()))),
        ("decimal(10, 2)", pa.decimal128(10, 2)), ("decimal256(60,3)", pa.decimal256(60, 3)),
        (pa.uint8(), pa.uint8()),
    ],
)  # fmt: skip
def test_names_of_types(name: Any, kind: pa.DataType) -> None:
    assert parse_types({"x": name}, "stage 'reader'") == {"x": ColumnType(kind)}


def test_json_is_a_type_by_name() -> None:
    assert parse_types({"x": " JSON "}, "here") == {"x": ASKED_JSON}
    assert parse_types(None, "here") == {}


@pytest.mark.parametrize(
    "given", [{"x": "no such"}, {"x": 7}, {"x": "list<no>"}, {"x": "decimal(99,0)"}, {"x": None},
              {"x": "timestamp[us, Mars/Olympus]"}, "int64", ["int64"]],
)  # fmt: skip
def test_what_names_no_type(given: Any) -> None:
    with pytest.raises(PlanError) as caught:
        parse_types(given, "stage 'reader'")
    assert caught.value.where == "stage 'reader'"
    assert caught.value.todo
