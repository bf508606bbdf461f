# SPDX-License-Identifier: Apache-2.0
"""Run an example, and compare what came of it with what must come of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from unittest import mock

import polars
import pyarrow as pa
import pyarrow.parquet as pq

from tests.real_world import values_stages
from tests.real_world.values_data import Cut, Example, Knobs
from tests.real_world.values_json import (
    Record,
    held_value_of,
    loose,
    record_of,
    same,
    strict,
    value_of,
)
from tests.real_world.values_oracle import Prediction, Row, form_of, plain, predict
from tests.real_world.values_pins import NAME_OF, is_pinned_as
from tests.real_world.values_united import from_arrow, is_list, is_text
from thresher.backends import server
from thresher.backends.local import LocalExecutor
from thresher.errors import PlanError, ThresherError
from thresher.pipeline import Pipeline
from thresher.planning import columns as planned_columns
from thresher.runs.report import Observer
from thresher.stages.text.io import (
    JsonlReader,
    JsonlWriter,
    ParquetReader,
    ParquetWriter,
    jsonl,
    jsonl_blocks,
    parquet,
    parquet_stream,
)
from thresher.tasks.types import leaf_types

_SHM = "/dev/shm"


class Wrong(AssertionError):
    """What came of an example is not what must come of it."""


@dataclass
class Outcome:
    """What came of a run.

    Parameters
    ----------
    refused : str
        The mistakes that were told before anything was run; empty if it ran.
    files : list[tuple[str, bytes]]
        The output, in the order of parts.
    entries : list[dict[str, Any]]
        The quarantine.
    values, tables : dict
        What functions and stages of tables were handed, by stage.
    """

    refused: str = ""
    status: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    counts: list[Any] = field(default_factory=list)
    values: dict[int, list[Any]] = field(default_factory=dict)
    tables: dict[int, list[tuple[str, pa.Table]]] = field(default_factory=dict)


# -- running ----------------------------------------------------------------------------------


@contextmanager
def turned(knobs: Knobs, group_rows: int) -> Iterator[None]:
    """While the block runs, sizes are those."""
    n_bytes = knobs.batch
    changes: list[tuple[Any, str, Any]] = [
        (planned_columns, "SAMPLED_RECORDS", knobs.sample),
        (planned_columns, "MAX_SAMPLED_SOURCES", knobs.sources),
        (jsonl, "SAMPLE", knobs.sample_bytes),
        (jsonl, "ONE_BATCH", -1000),
        (jsonl, "BATCH", n_bytes),
        (server, "BATCH_BYTES", n_bytes),
        (jsonl_blocks, "STEP", min(n_bytes, 1 << 18)),
        (parquet, "_MOST_ROWS", knobs.rows),
        (parquet_stream, "ROW_GROUP_ROWS", group_rows),
    ]
    with ExitStack() as stack:
        for module, name, value in changes:
            stack.enter_context(mock.patch.object(module, name, value))
        kernels = os.environ.get("THRESHER_KERNELS", "plain")
        stack.enter_context(mock.patch.dict(os.environ, THRESHER_KERNELS=kernels))
        yield


def run(example: Example, folder: Path, out: Path, cut: Cut, knobs: Knobs, workers: int) -> Outcome:
    """Run an example whose files are in ``folder``."""
    values_stages.VALUES.clear()
    values_stages.TABLES.clear()
    pipeline = Pipeline(
        "p",
        stages=[
            _reader(example, folder, cut),
            *(stage.stage(number) for number, stage in enumerate(example.stages)),
            _writer(example, out),
        ],
        config={"fusion": knobs.fusion},
        max_error_rate=1.0,
    )
    with turned(knobs, example.group_rows):
        try:
            result = pipeline.run(LocalExecutor(workers=workers), observer=Observer())
        except PlanError as error:
            return Outcome(refused=str(error))
    paths = [Path(path) for task in result for path in task.data]
    entries = [
        json.loads(line)
        for path in sorted(Path(result.quarantine_dir).rglob("*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
    return Outcome(
        "",
        result.status,
        [(path.name, path.read_bytes()) for path in paths],
        entries,
        result.counts,
        {number: list(values) for number, values in values_stages.VALUES.items()},
        {number: list(tables) for number, tables in values_stages.TABLES.items()},
    )


def _reader(example: Example, folder: Path, cut: Cut) -> Any:
    options: dict[str, Any] = {
        "files_per_partition": cut.files_per_partition,
        "blocksize": cut.blocksize,
        "fields": example.fields,
        "types": example.types or None,
    }
    if example.source == "parquet":
        return ParquetReader(str(folder), **options)
    return JsonlReader(str(folder), duplicate_keys=example.duplicate_keys, **options)


def _writer(example: Example, out: Path) -> Any:
    if example.sink == "jsonl":
        return JsonlWriter(str(out))
    return ParquetWriter(str(out), schema=example.schema or None)


def check(example: Example) -> None:
    """Run an example in several ways.

    Raises
    ------
    Wrong
        If something is not right.
    """
    base = _SHM if os.path.isdir(_SHM) else None
    with tempfile.TemporaryDirectory(dir=base) as place:
        folder = Path(place, "in")
        folder.mkdir()
        for name, data in example.files.items():
            (folder / name).write_bytes(data)
        for name, shard in example.shards.items():
            (folder / name).write_bytes(shard.data)
        try:
            _check_in(example, folder, Path(place))
        except (ThresherError, Exception) as error:
            if isinstance(error, Wrong):
                raise
            raise Wrong(f"{type(error).__name__}: {error}") from error


def _check_in(example: Example, folder: Path, place: Path) -> None:
    prediction = predict(example, example.cut)
    first = run(example, folder, place / "out", example.cut, example.knobs, 0)
    compare(example, prediction, first)
    for number, (cut, knobs) in enumerate(example.others):
        other = run(example, folder, place / f"out {number}", cut, knobs, 0)
        compare(example, predict(example, cut), other)
        if _refusals_differ(prediction, first, other):
            continue
        if cut == example.cut:
            _must_be_equal_files(example, first, other)
        else:
            _compare_rows(example, first, other)
    if example.workers and not first.refused:
        other = run(example, folder, place / "out by workers", example.cut, example.knobs, 2)
        _compare_rows(example, first, other)


def _refusals_differ(prediction: Prediction, first: Outcome, other: Outcome) -> bool:
    """Whether there is nothing to compare; only a sample may have shown a mistake."""
    if bool(first.refused) != bool(other.refused) and not prediction.may_refuse:
        raise Wrong(f"other sizes decide what is refused: {first.refused or other.refused}")
    return bool(first.refused or other.refused)


def _must_be_equal_files(example: Example, first: Outcome, other: Outcome) -> None:
    if first.files == other.files or _differ_in_nulls(example, first, other):
        return
    _must_equal("other sizes give other files", *map(_files_shown, (first, other)))
    raise Wrong("other sizes give other bytes of the same rows")


def _differ_in_nulls(example: Example, first: Outcome, other: Outcome) -> bool:
    """Whether members that are null are all the difference between two outputs in JSONL.

    The null that a stage adds to a record without the key is written where no record of the batch
    has the key, and no sample told of it. Between two Steps, Parquet files of one part get one
    type: their structs have the members of all, and their durations the finest unit.
    """
    added = {name for stage in example.stages if stage.what == "adds" for name in stage.makes()}
    if example.sink == "parquet" or (example.source == "jsonl" and not added):
        return False
    if _has_units(example):
        return True
    rows = [
        [
            {key: _without_null_members(value) for key, value in record.items()
             if key not in added or value is not None}
            for record in map(json.loads, b"".join(data for _, data in outcome.files).splitlines())
        ]
        for outcome in (first, other)
    ]  # fmt: skip
    return bool(rows[0] == rows[1])


def _without_null_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_null_members(each) for k, each in value.items() if each is not None}
    return list(map(_without_null_members, value)) if isinstance(value, list) else value


def _has_units(example: Example) -> bool:
    """Whether durations of several units are in one column."""
    leaves = [
        (field.name, leaf)
        for shard in example.shards.values()
        for field in shard.table.schema
        for _, leaf in leaf_types(field.type)
        if pa.types.is_duration(leaf)
    ]
    return len(set(leaves)) > len({name for name, _ in leaves})


def _files_shown(outcome: Outcome) -> str:
    shown = []
    for name, data in outcome.files:
        if data.startswith(b"PAR1"):
            table = pq.read_table(BytesIO(data))
            columns = zip(table.schema, _rows(table), strict=True)
            told = "; ".join(f"{each.name}: {each.type} {values}" for each, values in columns)
        else:
            told = str(data)
        shown.append(f"{name}: {told}")
    return "\n".join(shown)


def _must_equal(what: str, left: Any, right: Any) -> None:
    if left != right:
        raise Wrong(f"{what}:\n{left}\n{right}")


def _compare_rows(example: Example, first: Outcome, other: Outcome) -> None:
    if example.sink == "jsonl":
        both = [b"".join(data for _, data in outcome.files) for outcome in (first, other)]
        _must_equal("other parts give other records", *both)
        return
    tables = [_tables_in(outcome) for outcome in (first, other)]
    _must_equal("other parts give another number of files", *(bool(each) for each in tables))
    if tables[0]:
        left, right = map(pa.concat_tables, tables)
        _must_equal("other parts give another schema", str(left.schema), str(right.schema))
        _must_equal("other parts give other rows", *(str(_rows(each)) for each in (left, right)))


def _tables_in(outcome: Outcome) -> list[pa.Table]:
    return [pq.read_table(BytesIO(data)) for _, data in outcome.files]


def _rows(table: pa.Table) -> list[list[Any]]:
    return [from_arrow(column) for column in table.columns]


# -- comparing --------------------------------------------------------------------------------


def compare(example: Example, prediction: Prediction, outcome: Outcome) -> None:
    """What came of a run against what must come of it."""
    if outcome.refused:
        foreseen = [*prediction.must_refuse, *prediction.may_refuse]
        if not any(text in outcome.refused for text in foreseen):
            raise Wrong(f"refused: {outcome.refused}")
        return
    if prediction.must_refuse:
        raise Wrong(f"not refused: {prediction.must_refuse}")
    _compare_quarantine(prediction, outcome)
    _must_equal("status", outcome.status, "complete")
    _compare_counts(prediction, outcome)
    if example.sink == "parquet":
        _compare_parquet(example, prediction, outcome)
    else:
        _compare_jsonl(example, prediction, outcome)
    _compare_handed(example, prediction, outcome)


def _compare_quarantine(prediction: Prediction, outcome: Outcome) -> None:
    left = list(outcome.entries)
    for row in prediction.rows:
        if not row.aside:
            continue
        hits = [entry for entry in left if _is_of(prediction, row, entry)]
        hits.sort(key=lambda entry: "line" not in entry)  # those that are surely of the row
        if not hits:
            raise Wrong(f"not in quarantine: {row}\nbut {outcome.entries}")
        left.remove(hits[0])
    if left:
        raise Wrong(f"also in quarantine: {left}")


def _is_of(prediction: Prediction, row: Row, entry: dict[str, Any]) -> bool:
    if "file" in entry and Path(entry["file"]).name != row.file:
        return False
    if entry.get("line", row.line) != row.line:
        return False
    if prediction.has_numbers and entry.get("row") != row.number:
        return False
    return "broken" in row.aside or any(word in entry["error"] for word in row.aside)


def _compare_counts(prediction: Prediction, outcome: Outcome) -> None:
    counts = outcome.counts
    found = {
        "in": counts[0].rows_in,
        "out": counts[-1].rows_out,
        "dropped": {c.stage: n for c in counts if (n := sum(c.dropped.values()))},
        "quarantined": sum(c.quarantined for c in counts),
    }
    dropped = Counter(f"s{row.dropped}" for row in prediction.rows if row.dropped >= 0)
    wanted = {
        "in": len(prediction.rows),
        "out": len(prediction.kept),
        "dropped": dict(dropped),
        "quarantined": sum(bool(row.aside) for row in prediction.rows),
    }
    _must_equal("counts", found, wanted)


# -- JSONL ------------------------------------------------------------------------------------


def _compare_jsonl(example: Example, prediction: Prediction, outcome: Outcome) -> None:
    lines = []
    for name, data in outcome.files:
        if not data.endswith(b"\n"):
            raise Wrong(f"{name} does not end in a line feed")
        lines += data.split(b"\n")[:-1]
    _must_equal("records in the output", len(lines), len(prediction.kept))
    for row, line in zip(prediction.kept, lines, strict=True):
        written = prediction.written.intersection(member.name for member in row.record)
        as_it_was = row.record == record_of(row.raw) and not row.touched and not written
        if prediction.carries and as_it_was:
            _must_equal(f"{row}, which nobody touched", line, row.raw)
            continue
        record = record_of(line)
        if record is None:
            raise Wrong(f"{row}: no JSON: {line!r}")
        if prediction.carries:
            _compare_carried(prediction, row, line, record)
        else:
            _compare_encoded(example, prediction, row, line, record)


def _compare_carried(prediction: Prediction, row: Row, line: bytes, record: Record) -> None:
    """What nobody touched is there to the letter, in its place; what is new stands behind."""
    before, added = record[: len(row.record)], record[len(row.record) :]
    _must_equal(
        f"keys of {row} in {line!r}", [m.spelling for m in before], [m.spelling for m in row.record]
    )
    for was, now in zip(row.record, before, strict=True):
        if was.name in prediction.written:
            _must_be(row, was.name, row.values[was.name], now.value)
        elif was.text != now.text:
            raise Wrong(f"{row}: {was.name!r} was {was.text}, is {now.text}")
    there = {member.name for member in row.record}
    new = {name: row.values[name] for name in row.touched if name not in there}
    if len({member.name for member in added}) < len(added):
        raise Wrong(f"{row}: a key twice in {line!r}")
    for member in added:
        if member.name not in new:
            raise Wrong(f"{row}: {member.name!r} in {line!r}")
        _must_be(row, member.name, new.pop(member.name), member.value)
    for name, value in new.items():
        _must_be(row, name, value, None)


def _compare_encoded(
    example: Example, prediction: Prediction, row: Row, line: bytes, record: Record
) -> None:
    found = {member.name: member.value for member in record}
    _must_equal(f"keys of {line!r}", len(found), len(record))
    fields = list(example.fields or ())
    _must_equal(f"fields of {line!r}", list(found)[: len(fields)], fields)
    for name in {*found, *row.values}:
        want = row.values.get(name)
        if type(want) is int and _pinned(example, prediction, name) == "float64":
            want = float(want)  # which JSON shows by its first digits
        _must_be(row, name, want, found.get(name))


def _must_be(row: Row, name: str, want: Any, got: Any) -> None:
    if not same(want, got):
        raise Wrong(f"{row}: {name!r} must be {want!r}, is {got!r}")


# -- Parquet ----------------------------------------------------------------------------------


def _compare_parquet(example: Example, prediction: Prediction, outcome: Outcome) -> None:
    tables = _tables_in(outcome)
    for (name, _), table in zip(outcome.files, tables, strict=True):
        if not table.schema.equals(tables[0].schema):
            raise Wrong(f"schema of {name}:\n{table.schema}\n{tables[0].schema}")
    n_rows = sum(table.num_rows for table in tables)
    _must_equal("rows in the output", n_rows, len(prediction.kept))
    if not tables:
        return
    if example.source == "jsonl":
        sources: list[IO[bytes]] = [BytesIO(data) for _, data in outcome.files]
        _must_equal("rows that polars finds", polars.read_parquet(sources).height, n_rows)
    table = pa.concat_tables(tables)
    names = {*table.column_names, *(name for row in prediction.kept for name in row.values)}
    for name in sorted(names | set(example.fields or ())):
        values = [row.values.get(name) for row in prediction.kept]
        if name in table.column_names:
            _compare_column(example, prediction, name, values, table)
        elif any(value is not None for value in values) or name in (example.fields or ()):
            raise Wrong(f"no column {name!r} in the output: {table.column_names}")


def _compare_column(
    example: Example, prediction: Prediction, name: str, values: list[Any], table: pa.Table
) -> None:
    column = table.column(name)
    found = from_arrow(column)
    pinned = _pinned(example, prediction, name)
    is_changed = any(name in row.touched for row in prediction.rows)
    is_told = bool(pinned) or (example.source == "parquet" and not is_changed)
    form = "json" if pinned == "json" else "typed" if is_told else form_of(values)
    as_json = _is_json_of(values, found)
    if form == "json" or (form == "either" and as_json):
        if not as_json:
            raise Wrong(f"column {name!r} ({column.type}) must be JSON of {values}, is {found}")
        return
    for value, got in zip(values, found, strict=True):
        if not (same(value, got, shown=pinned == "text") or is_pinned_as(value, got, pinned)):
            raise Wrong(f"column {name!r} ({column.type}) must be {values}, is {found}")
    # A function that is handed decimals, as somebody asked for, gives decimals.
    is_of_decimals = not pinned and example.types.get(name, "").startswith("decimal")
    if form == "typed" and (pinned or not is_told) and not is_of_decimals:
        _check_type(name, values, column.type, pinned)


def _pinned(example: Example, prediction: Prediction, name: str) -> str:
    """The type asked for, unless a stage has written the column."""
    if name in example.schema:
        return example.schema[name]
    read = example.fields is None or name in example.fields
    return example.types.get(name, "") if name not in prediction.written and read else ""


def _is_json_of(
    values: Sequence[Any], found: Sequence[Any], decode: Callable[[str], Any] = value_of
) -> bool:
    try:
        decoded = [None if text is None else decode(text) for text in found]
    except (ValueError, TypeError):
        return False
    nulls = [text is None for text in found] == [value is None for value in values]
    return nulls and all(map(same, values, decoded))


def _check_type(name: str, values: Iterable[Any], kind: pa.DataType, pinned: str = "") -> None:
    """Whether a type is the kind of type that the values have."""
    if pinned:
        good = is_text(kind) if pinned == "text" else str(kind) == NAME_OF[pinned]
    else:
        good = _is_of_kind(values, kind)
    if not good:
        raise Wrong(f"column {name!r} is {kind}, and holds {values}")


def _is_of_kind(values: Iterable[Any], kind: pa.DataType) -> bool:
    types = pa.types
    for value in values:
        tests = {
            bool: types.is_boolean, str: is_text, list: lambda k: is_list(k) or types.is_map(k),
            dict: types.is_struct,
            int: lambda k: types.is_integer(k) or types.is_floating(k)
            or (types.is_decimal(k) and k.scale == 0),  # of uint64 and of negative ones
        }  # fmt: skip
        test = next((t for each, t in tests.items() if isinstance(value, each)), types.is_floating)
        if value is not None and not test(kind):
            return False
    return True


# -- what stages are handed -------------------------------------------------------------------


def _compare_handed(example: Example, prediction: Prediction, outcome: Outcome) -> None:
    for number, stage in enumerate(example.stages):
        rows = [row for row in prediction.rows if number in row.seen]
        if stage.what in ("filter", "modify", "score"):
            _compare_values(example, number, rows, outcome)
        elif stage.is_of_tables and stage.what != "adds" and prediction.has_numbers:
            _compare_tables(example, number, rows, outcome)


def _compare_values(example: Example, number: int, rows: list[Row], outcome: Outcome) -> None:
    stage = example.stages[number]
    if _has_other_values(example, stage.column or ""):
        return
    values = [row.seen[number].get(stage.column or "") for row in rows]
    if stage.what == "modify":
        values = [value for value in values if value is not None]
    found = outcome.values.get(number, [])
    is_exact = example.source == "jsonl" and _is_as_read(example, number)
    name = strict if is_exact else loose
    wanted = {name(plain(value)) for value in values}
    _must_equal(f"values handed to s{number}", {name(value) for value in found}, wanted)


def _has_other_values(example: Example, name: str) -> bool:
    """Whether a type was asked for that has other values than JSON: what is written is compared."""
    return example.types.get(name, "") in ("float64", "float32", "decimal(5, 2)", "date32")


def _is_as_read(example: Example, number: int) -> bool:
    """Whether a stage's column holds what JSON has, in types that JSON tells."""
    name = example.stages[number].column
    before = {each for stage in example.stages[:number] for each in stage.makes()}
    declared = any(stage.column == name and stage.kind() for stage in example.stages)
    return name not in before and not declared and name not in example.types


def _compare_tables(example: Example, number: int, rows: list[Row], outcome: Outcome) -> None:
    by_place = {(row.part, row.number): row.seen[number] for row in rows}
    for part, table in outcome.tables.get(number, []):
        first = part.partition("+")[0]
        numbers = table.column("__row").to_pylist()
        seen = [by_place.get((first, each)) for each in numbers]
        if None in seen:
            raise Wrong(f"s{number} is handed rows {numbers} of {part}")
        names = {name for values in seen for name in values or ()}
        for name in {*table.column_names, *names} - {"__row", "__raw"}:
            values = [(each or {}).get(name) for each in seen]
            _compare_seen(example, number, name, values, table)


def _compare_seen(
    example: Example, number: int, name: str, values: list[Any], table: pa.Table
) -> None:
    if _has_other_values(example, name):
        return
    if name not in table.column_names:
        _must_equal(f"s{number} is handed no {name!r}", [v for v in values if v is not None], [])
        return
    column, metadata = table.column(name), table.schema.field(name).metadata or {}
    found = from_arrow(column)
    marked = metadata.get(b"thresher:json") == b"1"
    is_told = name in example.types or example.source == "parquet"
    form = "either" if is_told else form_of(values)
    if marked:
        is_right = _is_json_of(values, found, held_value_of)
    else:
        is_right = all(map(same, values, found))
    is_right = is_right and form in ("either", "json" if marked else "typed")
    if not is_right and any(value is not None for value in values):
        raise Wrong(f"s{number} is handed {name!r} ({column.type}) {found}, which is {values}")
    if form == "typed":
        _check_type(name, values, column.type)
