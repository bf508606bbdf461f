# SPDX-License-Identifier: Apache-2.0
"""Stages that the test of values draws, what they do to a value, and a record of what they saw.

What a stage makes of a row depends on the row alone, so that it can be told from the input.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.real_world.values_json import Other, draw_of, from_python
from thresher.stages.base import NUMBER, TEXT, ProcessingStage, Rows
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.modules import Filter, Modify, Score, ScoreFilter
from thresher.tasks import DocumentBatch
from thresher.tasks.types import leaf_types

VALUES: dict[int, list[Any]] = {}
"""What each function was handed, by the number of its stage, where it ran in this process."""

TABLES: dict[int, list[tuple[str, pa.Table]]] = {}
"""The same of stages of tables, with the part."""


# -- functions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A function that notes what it is handed; ``what`` is what it gives."""

    number: int
    how: str

    def __call__(self, value: Any) -> Any:
        VALUES.setdefault(self.number, []).append(from_python(value))
        return RULES[self.how](value)


def _keeps(value: Any) -> bool:
    return draw_of(from_python(value), 3) > 0


def _loud(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _kind(value: Any) -> Any:
    kinds = {bool: "bool", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "number or other")


def _more(value: Any) -> Any:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return value + 1 if is_number and abs(value) < 2**31 else value


def _half(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value * 0.5 if is_number and abs(value) < 2**31 and draw_of(value, 2) else value


def _some(value: Any) -> Any:
    return value if draw_of(from_python(value), 2) else None


def _scored(value: Any) -> int:
    # Null is an empty text where a column is one of text.
    if value is None or value == "":
        return 0
    return draw_of(from_python(value), 7)


def _mixed(value: Any) -> Any:
    n = _scored(value)
    return [n, f"{n} words", [n, None], None, {"n": n}, n + 0.5, True][n]


def _members(value: Any) -> Any:
    n = _scored(value)
    return [{}, {"n": n}, {"n": n, "m": "x"}, None, {"m": None, "n": 2**53 + 1}, {"k": {}}, {}][n]


_BIG = (0, 2**63 + 1, 2**64 - 1, None, -5, 2**70, 3)
_TIMES = (
    datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5, 678901), None,
    datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), datetime.date(1, 1, 1),
    datetime.date(1969, 12, 31), datetime.datetime(1969, 12, 31, 23, 59, 59),
)  # fmt: skip

_SPANS = datetime.timedelta(microseconds=3), pd.Timedelta(1500)

RULES: dict[str, Callable[[Any], Any]] = {
    # for Filter
    "keep": _keeps,
    # for Modify
    "same": lambda value: value,
    "loud": _loud,
    "kind": _kind,
    "wrap": lambda value: [value],
    "more": _more,
    "half": _half,
    "some": _some,
    # for Score
    "count": _scored,
    "nothing": lambda value: value is None,
    "mixed": _mixed,
    "members": _members,
    "numbers": lambda value: [0, 1.5, 2, None, 2**53, -1, 0.1][_scored(value)],
    "large": lambda value: [0, 1.5, 2, None, 2**53 + 1, -1, 0.1][_scored(value)],
    "big": lambda value: _BIG[_scored(value)],
    "infinite": lambda value: [0.0, float("inf"), 1.5, None, float("-inf"), -1.5, 2.5][
        _scored(value)
    ],
    "arrays": lambda value: [
        np.int64(3),
        0.5,
        {"a": np.array([3, 4])},
        {"b": "x"},
        None,
        [np.float16(1)],
        np.array([[3]]),
    ][_scored(value)],
    "half pair": lambda value: "half \ud83d" if _scored(value) == 1 else "whole",
    "decimals": lambda value: [Decimal("1.10"), Decimal(7), None][_scored(value) % 3],
    "bytes": lambda value: [b"\xff\x00", None, b""][_scored(value) % 3],
    "dates": lambda value: [_TIMES[0], _TIMES[4], _TIMES[5], None][_scored(value) % 4],
    "times": lambda value: [_TIMES[1], _TIMES[6], None][_scored(value) % 3],
    "spans": lambda value: [_SPANS[0], _SPANS[1], _SPANS[0], None][_scored(value) % 4],
    "zones": lambda value: [_TIMES[3], None][_scored(value) % 2],
}
_WHOLE = ("tables", "rows", "rebuilds", "pandas", "polars")
CHANGES = ("same", "loud", "kind", "wrap", "more", "half", "some")
SCORES = (
    "count", "nothing", "mixed", "members", "numbers", "large", "big", "infinite", "arrays",
    "half pair", "decimals", "bytes", "dates", "times", "spans", "zones",
)  # fmt: skip


def made_of(how: str, value: Any) -> Any:
    """What a function gives, with ``Other`` for what JSON does not have."""
    if isinstance(value, Other):  # functions leave alone what they do not know
        answers = {"keep": draw_of(value, 3) > 0, "kind": "number or other", "wrap": [value]}
        if how in ("loud", "more", "half", "same"):
            return value
        if how in answers:
            return answers[how]
    return from_python(RULES[how](value))


# -- stages of tables -------------------------------------------------------------------------


class Tables(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Is given whole tables, declares nothing, and gives them back as they are."""

    def __init__(self, number: int, by: str = "") -> None:
        self.number = number
        self.by = by

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Note the table; give it back as it is, by way of a frame or without its metadata."""
        TABLES.setdefault(self.number, []).append((task.task_id, task.data))
        if self.by == "pandas":
            return task.evolve(data=task.to_pandas())
        if self.by == "polars" and _polars_takes(task.data):
            return task.evolve(data=task.to_polars())
        if self.by != "pieces":
            return task
        names = [name for name in task.data.column_names if name != "__raw"]
        columns = {name: task.data.column(name).combine_chunks() for name in names}
        return task.with_data(pa.table(columns))


class RowTables(Tables):
    """The same, and says that it works row by row."""

    rows: Rows = "same"  # type: ignore[misc]


def _polars_takes(table: pa.Table) -> bool:
    """Whether polars does not rename a column, nor end the process."""
    leaves = [leaf for kind in table.schema.types for _, leaf in leaf_types(kind)]
    return "" not in table.column_names and not any(map(pa.types.is_decimal256, leaves))


class Declares(Tables):
    """Names the column that it takes, and maybe what it holds."""

    rows: Rows = "subset"  # type: ignore[misc]

    def __init__(self, number: int, column: str, kind: str) -> None:
        super().__init__(number)
        self.column = column
        self.kind = kind

    def inputs(self) -> tuple[list[str], list[str]]:
        """The column."""
        return ["data"], [self.column]

    def input_kinds(self) -> dict[str, str]:
        """What it holds."""
        kinds = {"text": TEXT, "number": NUMBER}
        return {self.column: kinds[self.kind]} if self.kind else {}


class Adds(Tables):
    """Adds a column, or replaces one, whose type depends on the part."""

    rows: Rows = "same"  # type: ignore[misc]

    def __init__(self, number: int, name_added: str, kinds: tuple[str, ...]) -> None:
        super().__init__(number)
        self.name_added = name_added
        self.kinds = kinds

    def outputs(self) -> tuple[list[str], list[str]]:
        """The column."""
        return ["data"], [self.name_added]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The batch with the column."""
        kind = kind_of_part(self.kinds, task.task_id)
        rows = task.data.column("__row").to_pylist()
        values = [ADDED[kind][1][row % 3] for row in rows]
        return task.with_column(self.name_added, pa.array(values, ADDED[kind][0]))


def kind_of_part(kinds: tuple[str, ...], part: str) -> str:
    """Which kind of values a part gets: parts are named after a file with a letter for a name."""
    return kinds[ord(part[0]) % len(kinds)]


_DAY = datetime.date(2024, 1, 2)
ADDED: dict[str, tuple[pa.DataType, tuple[Any, Any, Any]]] = {
    "int8": (pa.int8(), (1, None, -128)),
    "int64": (pa.int64(), (1, 2**53, -(2**53))),
    "long": (pa.int64(), (1, 2**53 + 1, -(2**63))),
    "uint64": (pa.uint64(), (1, 2**64 - 1, None)),
    "float32": (pa.float32(), (0.5, 1.5, None)),
    "float64": (pa.float64(), (0.1, -0.0, 1e300)),
    "text": (pa.string(), ("a", 'b "c"', None)),
    "large": (pa.large_string(), ("a", "\u2028", None)),
    "codes": (pa.dictionary(pa.int32(), pa.string()), ("x", None, "x")),
    "bool": (pa.bool_(), (True, None, False)),
    "null": (pa.null(), (None, None, None)),
    "date": (pa.date32(), (_DAY, None, _DAY)),
    "us": (pa.timestamp("us"), (datetime.datetime(2024, 1, 2, 3, 4, 5, 6), None, None)),
    "s": (pa.timestamp("s"), (datetime.datetime(2024, 1, 2, 3, 4, 5), None, None)),
    "decimal": (pa.decimal128(5, 2), (Decimal("1.10"), None, Decimal("-999.99"))),
    "bytes": (pa.binary(), (b"\xff", None, b"")),
    "ints": (pa.list_(pa.int32()), ([1, None], [], None)),
    "longs": (pa.list_(pa.int64()), ([2**53 + 1], None, [])),
    "k": (pa.struct({"k": pa.string()}), ({"k": "v"}, None, {"k": None})),
    "kl": (pa.struct({"l": pa.int64(), "k": pa.string()}), ({"l": 1, "k": "v"}, None, {"l": 2})),
}


# -- what is drawn ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Spec:
    """A stage that is drawn.

    Parameters
    ----------
    what : str
        ``words`` (ScoreFilter), ``filter``, ``modify``, ``score``, ``tables``, ``rows``,
        ``rebuilds``, ``pandas``, ``polars``, ``declares``, ``adds`` or ``checkpoint``.
    column : str | None
        The column it reads.
    how : str
        The rule of a function, or what a column is declared to hold.
    output : str | None
        The column it makes.
    least : int
        Words that a document needs.
    kinds : tuple[str, ...]
        Kinds of a column that is added.
    """

    what: str
    column: str | None = None
    how: str = ""
    output: str | None = None
    least: int = 0
    kinds: tuple[str, ...] = ()

    @property
    def is_of_tables(self) -> bool:
        """Whether it is a user's stage, which sees whole tables."""
        return self.what in (*_WHOLE, "declares", "adds")

    @property
    def reads_all(self) -> bool:
        """Whether it names no column that it reads."""
        return self.what in (*_WHOLE, "adds")

    def reads(self) -> tuple[str, ...]:
        """The columns it names as input."""
        return () if self.column is None else (self.column,)

    def makes(self) -> tuple[str, ...]:
        """The columns it names as output."""
        made = self.column if self.what == "modify" else self.output
        return () if made is None else (made,)

    def kind(self) -> str:
        """What it says that its column holds: ``text``, ``number`` or nothing."""
        return {"words": "text", "declares": self.how}.get(self.what, "")

    def stage(self, number: int) -> Any:
        """The stage."""
        name, rule = f"s{number}", Rule(number, self.how)
        column, output = self.column or "", self.output or ""
        made: dict[str, Callable[[], Any]] = {
            "words": lambda: ScoreFilter(
                WordCountFilter(min_words=self.least),
                text_field=column,
                score_field=self.output,
                name=name,
            ),
            "filter": lambda: Filter(rule, column, name=name),
            "modify": lambda: Modify(rule, column, name=name),
            "score": lambda: Score(rule, output, column, name=name),
            "tables": lambda: Tables(number).with_(name=name),
            "rows": lambda: RowTables(number).with_(name=name),
            "rebuilds": lambda: Tables(number, "pieces").with_(name=name),
            "pandas": lambda: Tables(number, "pandas").with_(name=name),
            "polars": lambda: Tables(number, "polars").with_(name=name),
            "declares": lambda: Declares(number, column, self.how).with_(name=name),
            "adds": lambda: Adds(number, output, self.kinds).with_(name=name),
            "checkpoint": Checkpoint,
        }
        return made[self.what]()

    def __str__(self) -> str:
        """As Python that makes it."""
        told = {
            "words": f"ScoreFilter(WordCountFilter(min_words={self.least}), {self.column!r}, "
            f"{self.output!r})",
            "filter": f"Filter(keep, {self.column!r})",
            "modify": f"Modify({self.how}, {self.column!r})",
            "score": f"Score({self.how}, {self.output!r}, {self.column!r})",
            "tables": "Tables()  # a user's stage that gives back its tables, rows='any'",
            "rows": "Tables()  # the same, rows='same'",
            "rebuilds": "Tables()  # the same, rows='any', tables built again without metadata",
            "pandas": "Tables()  # the same by way of a pandas frame",
            "polars": "Tables()  # the same by way of a polars frame",
            "declares": f"Declares({self.column!r}, {self.how or None!r})",
            "adds": f"Adds({self.output!r}, {self.kinds})",
            "checkpoint": "Checkpoint()",
        }
        return told[self.what]
