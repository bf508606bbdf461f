# SPDX-License-Identifier: Apache-2.0
"""What must come of each record of an example: an independent reading of section 4a of the design.

Nothing here knows how Thresher types or parses a value; records are followed one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.real_world.values_data import Cut, Example
from tests.real_world.values_json import (
    Member,
    Other,
    Real,
    Record,
    depth_of,
    from_python,
    has_half_pair,
    has_infinity,
    has_key_twice,
    record_of,
    strict,
)
from tests.real_world.values_pins import MISFIT, fits, is_float, is_int64
from tests.real_world.values_stages import ADDED, Spec, kind_of_part, made_of
from tests.real_world.values_united import Conflicts, conflicts_in, from_arrow

HIDDEN = ("__row", "__raw", "__tokens")
BOM = b"\xef\xbb\xbf"
_EXACT = 2**53


@dataclass
class Row:
    """A record and what becomes of it.

    Parameters
    ----------
    file : str
        The name of its file.
    line : int
        Its line, from 1; 0 in Parquet.
    part : str
        The first file of its part.
    number : int
        Its number in the part.
    values : dict[str, Any]
        The values that stages see, by column.
    touched : set[str]
        Columns that a stage has written.
    aside : set[str]
        Words of which one is in the reason for which it is set aside.
    dropped : int
        The stage that drops it; -1 for none.
    seen : dict[int, dict[str, Any]]
        The values as each stage was given them.
    """

    file: str
    line: int
    part: str
    number: int
    raw: bytes = b""
    record: Record = ()
    values: dict[str, Any] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    dropped: int = -1
    seen: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """Whether it is still on its way."""
        return not self.aside and self.dropped < 0

    def __str__(self) -> str:
        fate = f"set aside for {sorted(self.aside)}" if self.aside else "kept"
        fate = f"dropped by s{self.dropped}" if self.dropped >= 0 else fate
        return f"{self.file}:{self.line or self.number} {fate}"


@dataclass
class Prediction:
    """What must come of an example.

    Parameters
    ----------
    rows : list[Row]
        All records, in order.
    must_refuse : list[str]
        Patterns of mistakes of which one has to be told before anything is run.
    may_refuse : list[str]
        Patterns of such as may be told: they depend on what a sample shows.
    carries : bool
        Whether records travel as they are.
    consumed : set[str] | None
        Columns that are read; None is all.
    """

    rows: list[Row]
    must_refuse: list[str]
    may_refuse: list[str]
    carries: bool
    consumed: set[str] | None
    written: set[str]
    has_numbers: bool

    @property
    def kept(self) -> list[Row]:
        """The rows of the output."""
        return [row for row in self.rows if row.is_there]


def predict(example: Example, cut: Cut) -> Prediction:
    """What must come of the example, its files cut so."""
    carries = example.source == example.sink == "jsonl" and example.fields is None
    consumed = _consumed(example, carries)
    written = {name for stage in example.stages for name in stage.makes()}
    made = Prediction([], [], [], carries, consumed, written, cut.blocksize is None)
    if example.source == "jsonl":
        made.rows = _jsonl_rows(example, cut)
        _read_jsonl(example, made)
    else:
        made.rows, conflicts = _parquet_rows(example, cut)
        _foresee_parquet(example, made, conflicts)
    for number, stage in enumerate(example.stages):
        for row in made.rows:
            if row.is_there:
                row.seen[number] = dict(row.values)
                _lead(example, stage, number, row)
    for row in made.rows:
        if row.is_there:
            row.aside |= _unwritable(example, made, row)
    return made


def _consumed(example: Example, carries: bool) -> set[str] | None:
    if example.fields is not None:
        return set(example.fields)
    if not carries or any(stage.reads_all for stage in example.stages):
        return None
    used = {name for stage in example.stages for name in (*stage.reads(), *stage.makes())}
    return {*used, *example.types}


def first_files(names: Sequence[str], cut: Cut) -> dict[str, str]:
    """The first file of the part of each file; of parts of a size the file itself."""
    size = cut.files_per_partition or 1
    return {name: names[i - i % size] for i, name in enumerate(names)}


# -- JSONL ------------------------------------------------------------------------------------


def _jsonl_rows(example: Example, cut: Cut) -> list[Row]:
    rows: list[Row] = []
    counts: dict[str, int] = {}
    for name, first in first_files(example.names, cut).items():
        data = example.files[name].removeprefix(BOM)
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip(b" \t\r\n"):
                rows.append(Row(name, number, first, counts.get(first, 0), line))
                counts[first] = counts.get(first, 0) + 1
    return rows


def _read_jsonl(example: Example, made: Prediction) -> None:
    kinds = declared(example.stages)
    there = set()
    for row in made.rows:
        record = record_of(row.raw)
        if record is None:
            row.aside.add("broken")
            continue
        there |= {member.name for member in record}
        _read_record(example, made, row, record, kinds)
    _foresee_jsonl(example, made, there)


def _read_record(
    example: Example, made: Prediction, row: Row, record: Record, kinds: dict[str, str]
) -> None:
    names = [member.name for member in record]
    row.record = record
    for name in dict.fromkeys(names):
        if not _is_consumed(made, name):
            if made.consumed is None and not made.carries:
                row.aside.add("surrogate" if has_half_pair(name) else "name of a column")
            continue
        value = row_value(record, name)
        if names.count(name) > 1:
            if example.duplicate_keys == "quarantine":
                row.aside.add("twice")
            else:
                row.record = _without_earlier(row.record, name)
        wanted = example.types.get(name) or kinds.get(name, "")
        row.aside |= _misfit(value, wanted)
        is_real = wanted in ("float64", "float32") and isinstance(value, int)
        row.values[name] = float(value) if is_real and fits(value, wanted) else value


def row_value(record: Record, name: str) -> Any:
    """The last value of a name."""
    return next(member.value for member in reversed(record) if member.name == name)


def _is_consumed(made: Prediction, name: str) -> bool:
    if name in HIDDEN or has_half_pair(name):
        return False
    return made.consumed is None or name in made.consumed


def _without_earlier(record: Record, name: str) -> tuple[Member, ...]:
    last = max(i for i, member in enumerate(record) if member.name == name)
    return tuple(m for i, m in enumerate(record) if m.name != name or i == last)


def declared(stages: Iterable[Spec]) -> dict[str, str]:
    """What stages say that columns of the source hold."""
    kinds: dict[str, str] = {}
    made: set[str] = set()
    for stage in stages:
        if stage.kind() and stage.column not in made:
            kinds[stage.column or ""] = stage.kind()
        made.update(stage.makes())
    return kinds


def _misfit(value: Any, wanted: str) -> set[str]:
    """Why a value is not what is wanted of it; empty if it is."""
    if value is None or wanted in ("", "json"):
        return set()
    if wanted == "text":
        if isinstance(value, str):
            return {"surrogate"} if has_half_pair(value) else set()
        return {"not text", "not string", "not large_string", "surrogate"}
    return set() if fits(value, wanted) else MISFIT


def _foresee_jsonl(example: Example, made: Prediction, there: set[str]) -> None:
    if made.consumed is None and not made.carries:
        made.may_refuse += [f"{name!r}, which is the name" for name in HIDDEN if name in there]
    made.may_refuse += _unnamed(example, there | set(example.types))


def _unnamed(example: Example, there: set[str]) -> list[str]:
    """Mistakes about columns that stages name and nothing has."""
    there = there | set(example.fields or ())
    wrong = []
    for stage in example.stages:
        wrong += [f"needs the column {name!r}" for name in stage.reads() if name not in there]
        there |= set(stage.makes())
    return wrong


# -- Parquet ----------------------------------------------------------------------------------


def _parquet_rows(example: Example, cut: Cut) -> tuple[list[Row], Conflicts]:
    rows: list[Row] = []
    counts: dict[str, int] = {}
    for name, first in first_files(example.names, cut).items():
        table = example.shards[name].table
        columns = {
            each: from_arrow(table.column(each))
            for each in table.column_names
            if example.fields is None or each in example.fields
        }
        for at in range(table.num_rows):
            row = Row(name, 0, first, counts.get(first, 0))
            counts[first] = row.number + 1
            for each, values in columns.items():
                value, wanted = values[at], example.types.get(each, "")
                row.aside |= _cannot_be(value, wanted)
                row.values[each] = value if row.aside or value is None else _as(value, wanted)
            rows.append(row)
    return rows, conflicts_in(example.shards)


def _cannot_be(value: Any, wanted: str) -> set[str]:
    """Whether a value of Parquet does not fit a type; ``text`` takes all that it is asked for."""
    if value is None or wanted in ("", "text"):
        return set()
    if wanted == "float64":
        return set() if isinstance(value, float) or is_float(value) else {"fit"}
    if isinstance(value, float):
        fits = value - value == 0 and value.is_integer() and is_int64(int(value))
        return set() if fits else {"fit"}
    return set() if is_int64(value) else {"fit"}


def _as(value: Any, wanted: str) -> Any:
    if wanted != "text" or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return (date(1970, 1, 1) + timedelta(value.value)).isoformat()


def _foresee_parquet(example: Example, made: Prediction, conflicts: Conflicts) -> None:
    there = {name for shard in example.shards.values() for name in shard.table.column_names}
    if example.fields is None:
        reserved = [name for name in HIDDEN if name in there]
        made.must_refuse += [f"{name!r}, which is the name" for name in reserved]
    made.may_refuse += _unnamed(example, there)
    named = set()
    written: set[str] = set()
    for stage in example.stages:
        named |= {name for name in stage.reads() if name not in written}
        written |= set(stage.makes())
    all_matter = example.sink == "parquet" or any(s.is_of_tables for s in example.stages)
    for name, is_sure in conflicts.items():
        matters = all_matter or name in named
        is_read = example.fields is None or name in example.fields
        if matters and is_read and name not in example.types:
            told = f"the column {name!r} is "
            (made.must_refuse if is_sure else made.may_refuse).append(told)


# -- stages -----------------------------------------------------------------------------------


def _lead(example: Example, stage: Spec, number: int, row: Row) -> None:
    """What a stage does to a row."""
    column, output = stage.column or "", stage.output or ""
    value = row.values.get(column)
    if stage.is_of_tables and example.source == "jsonl":
        row.aside |= _no_column_holds(_not_asked_as_text(example, row))
    if stage.what == "words":
        _count_words(stage, number, row, value)
    elif stage.what == "filter":
        row.dropped = -1 if made_of("keep", plain(value)) else number
    elif stage.what == "modify" and value is not None:
        new = made_of(stage.how, plain(value))
        if strict(new) != strict(plain(value)):
            _put(row, column, new)
    elif stage.what == "score":
        _put(row, output, made_of(stage.how, plain(value)))
    elif stage.what == "adds":
        values = ADDED[kind_of_part(stage.kinds, row.part)][1]
        _put(row, output, from_python(values[row.number % 3]))


def _not_asked_as_text(example: Example, row: Row) -> dict[str, Any]:
    """A row's values without those that were asked for as JSON text, which holds anything."""
    asked = {name for name, kind in example.types.items() if kind == "json"} - row.touched
    return {name: value for name, value in row.values.items() if name not in asked}


def _no_column_holds(values: dict[str, Any]) -> set[str]:
    found = set()
    if any(map(has_half_pair, values.values())):
        found.add("surrogate")
    if any(map(has_key_twice, values.values())):
        found.add("twice")
    return found


def _count_words(stage: Spec, number: int, row: Row, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        row.aside.add("not text")
        return
    if value is not None and has_half_pair(value):
        row.aside.add("surrogate")
        return
    words = len((value or "").split())
    if stage.output is not None:
        _put(row, stage.output, words)
    if words < stage.least:
        row.dropped = number


def _put(row: Row, name: str, value: Any) -> None:
    """Give a row a value that a function made."""
    if has_half_pair(value):
        row.aside.add("surrogate")
    row.values[name] = value
    row.touched.add(name)


def plain(value: Any) -> Any:
    """A value as a function is handed it; Python's times of the day have no nanoseconds."""
    if isinstance(value, Other) and value.kind == "clock":
        return Other("clock", value.value // 1000 * 1000)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return float(value) if isinstance(value, Real) else value


# -- writers ----------------------------------------------------------------------------------


def _unwritable(example: Example, made: Prediction, row: Row) -> set[str]:
    """Why a row cannot be written."""
    for name, wanted in example.schema.items() if example.sink == "parquet" else ():
        if _misfit(row.values.get(name), wanted):
            return MISFIT | {"twice", "infinit"}
    if example.sink == "parquet":
        if example.source != "jsonl":
            return set()
        return _no_column_holds(_not_asked_as_text(example, row))
    names = row.touched if made.carries else set(row.values)
    infinite = any(has_infinity(row.values[name]) for name in names)
    return {"infinit"} if infinite else set()


def form_of(values: Iterable[Any]) -> str:
    """How Parquet holds a column: ``typed``, as JSON text (``json``), or ``either``."""
    there = [value for value in values if value is not None]
    if any(isinstance(value, Other | Decimal) for value in there):
        return "either"
    kinds = {_kind(value) for value in there}
    if kinds <= {"bool"} or kinds == {"text"}:
        return "typed"
    if kinds <= {"int", "real"}:
        return _form_of_numbers(there)
    if kinds == {"list"}:
        inner = form_of(item for value in there for item in value)
    elif kinds == {"object"}:
        names = {name for value in there for name in value}
        forms = {form_of(value.get(name) for value in there) for name in names}
        inner = "json" if "json" in forms else "either" if "either" in forms else "typed"
        inner = inner if names else "either"  # Parquet has no struct without members
    else:
        inner = "json"
    return "either" if max(map(depth_of, there)) > 30 else inner


def _kind(value: Any) -> str:
    for name, kind in (("bool", bool), ("text", str), ("int", int), ("real", float)):
        if isinstance(value, kind):
            return name
    return "list" if isinstance(value, list) else "object"


def _form_of_numbers(numbers: Sequence[int | float]) -> str:
    whole = [each for each in numbers if isinstance(each, int)]
    if any(isinstance(each, Real) and each.is_beyond for each in numbers):
        return "json"
    if not all(map(is_int64, whole)):
        return "either"  # whatever holds them exactly
    if len(whole) == len(numbers):
        return "typed"
    return "typed" if all(abs(each) <= _EXACT for each in whole) else "json"
