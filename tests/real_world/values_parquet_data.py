# SPDX-License-Identifier: Apache-2.0
"""Strategies for the test of values: Parquet files with columns of all types that it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

PARQUET_NAMES = ("text", "n", "a", "a.b", "ключ", "two words", "", "_extra", "m", "__raw")


@dataclass(frozen=True)
class Shard:
    """One Parquet file."""

    data: bytes = field(repr=False)
    group_rows: int
    statistics: bool

    @cached_property
    def table(self) -> pa.Table:
        """What is in it, by its own footer."""
        return pq.read_table(BytesIO(self.data))

    def shown(self) -> str:
        """Its columns and rows."""
        names = ", ".join(f"{each.name!r}: {each.type}" for each in self.table.schema)
        columns = {
            name: [str(value) for value in column]
            for name, column in zip(self.table.column_names, self.table.columns, strict=True)
        }
        rows = [
            "  " + ", ".join(f"{name!r}: {values[row]}" for name, values in columns.items())
            for row in range(self.table.num_rows)
        ]
        how = f"row groups of {self.group_rows}" + ("" if self.statistics else ", no statistics")
        return "\n".join([f"| {names} | {how}", *rows])


def shard_of(table: pa.Table, group_rows: int = 3, statistics: bool = True) -> Shard:
    """A file of this table."""
    sink = BytesIO()
    pq.write_table(table, sink, row_group_size=group_rows, write_statistics=statistics)
    return Shard(sink.getvalue(), group_rows, statistics)


# -- types ------------------------------------------------------------------------------------

_INTS = tuple(pa.type_for_alias(f"{sign}int{n}") for sign in ("", "u") for n in (8, 16, 32, 64))
_FLOATS = (pa.float16(), pa.float32(), pa.float64())
_K = pa.struct({"k": pa.string()})

FAMILIES: dict[str, tuple[pa.DataType, ...]] = {
    "text": (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())),
    "ints": _INTS,
    "floats": _FLOATS,
    "numbers": (pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.int16()),
    "bools": (pa.bool_(),),
    "times": tuple(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    "zoned": (
        pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC"),
        pa.timestamp("us", "+00:00"), pa.timestamp("us"), pa.timestamp("us", "Europe/Berlin"),
    ),
    "dates": (pa.date32(), pa.date64()),
    "clocks": (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    "spans": tuple(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
    "bytes": (pa.binary(), pa.large_binary(), pa.binary(2)),
    "decimals": (
        pa.decimal128(5, 2), pa.decimal128(20, 0), pa.decimal128(38, 10), pa.decimal256(50, 3),
        pa.int32(), pa.int64(),
    ),
    "lists": (
        pa.list_(pa.int32()), pa.list_(pa.int64()), pa.large_list(pa.int16()),
        pa.list_(pa.int32(), 2), pa.list_(pa.null()), pa.list_(pa.float64()),
    ),
    "deep lists": (
        pa.list_(pa.list_(pa.int32())), pa.list_(pa.list_(pa.int64())), pa.list_(_K),
        pa.list_(pa.struct({"k": pa.string(), "l": pa.int32()})), pa.list_(pa.string()),
        pa.list_(pa.timestamp("us")), pa.list_(pa.timestamp("ns")), pa.list_(pa.large_string()),
    ),
    "structs": (
        _K, pa.struct({"k": pa.string(), "l": pa.int64()}),
        pa.struct({"l": pa.int32(), "k": pa.large_string()}),
        pa.struct({"m": _K, "k": pa.string()}), pa.struct({"l": pa.float64()}),
        pa.struct({"m": pa.struct({"x": pa.timestamp("ns"), "k": pa.string()})}),
    ),
    "maps": (pa.map_(pa.string(), pa.int32()), pa.map_(pa.string(), pa.int64())),
    "null": (pa.null(),),
    "widest ints": (pa.int64(), pa.uint64()),
    "growing structs": (_K, pa.struct({"k": pa.string(), "l": pa.int64()})),
    "dates or text": (pa.date32(), pa.string()),
    "zone or none": (pa.timestamp("us", "UTC"), pa.timestamp("us")),
}  # fmt: skip
"""Types of one column in several files. The last few are those that went wrong together."""

_ANY = tuple(kind for kinds in FAMILIES.values() for kind in kinds)


def pool(kind: pa.DataType) -> list[Any]:  # noqa: C901
    """Values of a type, as ``pyarrow.array`` takes them."""
    types = pa.types
    if types.is_integer(kind):
        bits, signed = kind.bit_width, types.is_signed_integer(kind)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        found = [0, 1, 7, 100, low, high]
        return [*found, 2**53, 2**53 + 1] if bits == 64 else found
    if types.is_floating(kind):
        found = [0.0, 0.5, -1.5, -0.0, float("nan"), float("inf"), float("-inf"), 100.0]
        return found if types.is_float16(kind) else [*found, 0.1, 1e30]
    if types.is_boolean(kind):
        return [True, False]
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
        return ["a b", "", 'say "no"\n', "\u2028 😀", "one two three", "1", "null", "2024-01-02"]
    if types.is_timestamp(kind):
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        far = [] if kind.unit == "ns" else [32503680000 * unit, -62135596800 * unit]
        return [0, -1, 1704164645 * unit + min(unit - 1, 123456789), 1, *far]
    if types.is_date32(kind):
        return [0, -1, 19724, 2932896, -719162]
    if types.is_date64(kind):
        return [0, -86400000, 19724 * 86400000]
    if types.is_time(kind):
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return [0, 1, 86399 * unit, 3600 * unit + min(unit - 1, 123456789)]
    if types.is_duration(kind):
        return [0, 1, -1, 90061, 10**9]
    if types.is_decimal(kind):
        digits = Decimal(10) ** -kind.scale
        return [Decimal(0), Decimal(1), digits, -digits, Decimal(100) + digits, Decimal("-99")]
    if types.is_fixed_size_binary(kind):
        return [b"ab", b"\xff\x00"]
    if types.is_binary(kind) or types.is_large_binary(kind):
        return [b"", b"ab", b"\xff\x00"]
    if types.is_null(kind):
        return [None]
    if types.is_map(kind):
        inner = pool(kind.item_type)
        return [[], [("x", inner[0])], [("x", inner[1]), ("y", None)]]
    if types.is_fixed_size_list(kind):
        inner = pool(kind.value_type)
        return [[inner[0], inner[1]], [None, inner[-1]]]
    if types.is_list(kind) or types.is_large_list(kind):
        inner = pool(kind.value_type)
        return [[], [inner[0]], [inner[-1], None], [None], inner[:3]]
    if types.is_struct(kind):
        inners = {field.name: pool(field.type) for field in kind}
        full = [{name: each[i % len(each)] for name, each in inners.items()} for i in range(4)]
        return [*full, dict.fromkeys(inners)]
    raise TypeError(str(kind))


def array_of(values: list[Any], kind: pa.DataType) -> pa.Array:
    """A column of values of :func:`pool`."""
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode()
    return pa.array(values, kind)


# -- files ------------------------------------------------------------------------------------

_few = st.sampled_from((False, False, False, False, False, True))


@st.composite
def drawn_shards(draw: st.DrawFn) -> dict[str, Shard]:
    """One to four files; the types of a column may differ, most often so that they unite."""
    names = draw(st.lists(st.sampled_from(PARQUET_NAMES[:-1]), min_size=1, max_size=4, unique=True))
    if draw(st.integers(0, 59)) == 59:
        names.append(PARQUET_NAMES[-1])
    family = {name: draw(st.sampled_from(sorted(FAMILIES))) for name in names}
    made = {}
    for letter in "abcd"[: draw(st.integers(1, 4))]:
        n_rows = draw(st.integers(0, 6))
        columns: dict[str, pa.Array] = {}
        for name in names:
            if draw(_few) and draw(st.booleans()):
                continue
            kind = draw(st.sampled_from(FAMILIES[family[name]]))
            if draw(st.integers(0, 14)) == 14:
                kind = draw(st.sampled_from(_ANY))
            columns[name] = draw(_column(kind, n_rows))
        table = pa.table(columns) if columns else pa.table({"n": array_of([], pa.int64())})
        made[f"{letter}.parquet"] = shard_of(
            table, draw(st.sampled_from((1, 2, 100))), draw(st.sampled_from((True, True, False)))
        )
    return made


@st.composite
def _column(draw: st.DrawFn, kind: pa.DataType, n_rows: int) -> pa.Array:
    values = [None] if draw(_few) else [*pool(kind), None]
    cells = st.sampled_from(values)
    return array_of([draw(cells) for _ in range(n_rows)], kind)


# -- what types are ---------------------------------------------------------------------------


def is_text_type(kind: pa.DataType) -> bool:
    """Whether values of a type are text."""
    types = pa.types
    if types.is_dictionary(kind):
        return is_text_type(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))


def is_number_type(kind: pa.DataType) -> bool:
    """Whether values of a type are whole numbers, or others that float64 holds."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind))


def pin_for(kinds: list[pa.DataType], wanted: str) -> str:
    """``wanted`` if it makes sense of columns of these types; empty otherwise."""
    types = pa.types
    if all(is_text_type(kind) for kind in kinds):
        return wanted if wanted == "text" else ""
    if all(is_number_type(kind) for kind in kinds):
        return wanted if wanted != "text" else ""
    plain = (types.is_date32, is_text_type, types.is_boolean)
    if all(any(test(kind) for test in plain) for kind in kinds):
        return wanted if wanted == "text" else ""
    return ""
