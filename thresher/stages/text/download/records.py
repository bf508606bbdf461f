# SPDX-License-Identifier: Apache-2.0
"""Records gathered into tables; those whose values are of another kind than before are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from thresher.tasks import ROW
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import HIDDEN
from thresher.tasks.json_text import canonical
from thresher.tasks.own_values import own_values
from thresher.tasks.types import EXACT, JSON_TEXT, guessed, json_field

MOST_ROWS = 65_536
_SMALL = 64
"""Bytes that a value which is no text is counted as."""


class Written(Decimal):
    """A number of JSON that neither int64 nor float64 holds, with the digits that are written."""


_NUMBER, _NESTED = "a number", "a list or an object"
_KINDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: _NUMBER,
    float: _NUMBER,
    Written: _NUMBER,
    bytes: "bytes",
    list: _NESTED,
    tuple: _NESTED,
    dict: _NESTED,
}

_OF_JSON = frozenset((int, float, Written, list, tuple, dict))

Misfit = tuple[int, dict[str, Any], str]
"""The number of a record, the record, and what is wrong with it."""


class Gathered:
    """Records until there are enough of them for a table.

    A column has values of one kind: that of the first that is not null, over all tables. Values
    keep their type: whole numbers beside others, lists and objects are JSON text.
    """

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._kinds: dict[str, str] = {}
        self._records: list[dict[str, Any]] = []
        self._numbers: list[int] = []
        self._size = 0

    def add(self, number: int, record: dict[str, Any]) -> None:
        """Gather record ``number``."""
        self._records.append(record)
        self._numbers.append(number)
        self._size += sum(
            len(value) if type(value) is str or type(value) is bytes else _SMALL
            for value in record.values()
        )

    @property
    def is_full(self) -> bool:
        """Whether it is time to take a table."""
        return self._size >= self._n_bytes or len(self._records) >= MOST_ROWS

    def take(self) -> tuple[pa.Table, list[Misfit]]:
        """A table of the records that fit, and the others."""
        records, numbers = self._records, self._numbers
        self._records, self._numbers, self._size = [], [], 0
        names, wrong = self._names(records)
        for at, reason in self._wrong(records, names).items():
            wrong.setdefault(at, reason)
        misfits = [(numbers[at], records[at], reason) for at, reason in sorted(wrong.items())]
        if wrong:
            kept = [at for at in range(len(records)) if at not in wrong]
            records, numbers = [records[at] for at in kept], [numbers[at] for at in kept]
        columns: list[pa.Array] = [from_numpy(np.array(numbers, np.int64))]
        fields = [pa.field(ROW, pa.int64())]
        for name in names:
            column, field = _column(name, [record.get(name) for record in records])
            columns.append(column)
            fields.append(field)
        return pa.Table.from_arrays(columns, schema=pa.schema(fields)), misfits

    def _names(self, records: Sequence[dict[str, Any]]) -> tuple[list[str], dict[int, str]]:
        """The columns, and what is wrong with records whose keys name none, by position."""
        names = dict.fromkeys(self._kinds)
        keys = None
        for record in records:
            if record.keys() != keys:
                keys = record.keys()
                names |= dict.fromkeys(keys)
        faults = {name: fault for name in names if (fault := _fault_of_name(name))}
        wrong = {}
        for at, record in enumerate(records) if faults else ():
            found = next((faults[name] for name in record if name in faults), "")
            if found:
                wrong[at] = found
        good = [name for name in names if name not in faults]
        for name in good:
            self._kinds.setdefault(name, "")
        return good, wrong

    def _wrong(self, records: Sequence[dict[str, Any]], names: list[str]) -> dict[int, str]:
        """What is wrong with records, by position."""
        wrong: dict[int, str] = {}
        for name in names:
            types = {type(record.get(name)) for record in records} - {type(None)}
            known = self._kinds[name]
            if not known:
                first = (v for record in records if (v := record.get(name)) is not None)
                known = self._kinds[name] = next(map(_kind, first), "")
            if any(_kind_of(each) != known for each in types):
                for at, record in enumerate(records):
                    value = record.get(name)
                    if value is not None and _kind(value) != known:
                        wrong.setdefault(
                            at, f"field {name!r} is {_kind(value)}, and {known} before"
                        )
            for at, reason in _unfit(name, records, types).items():
                wrong.setdefault(at, reason)
        return wrong


def _fault_of_name(name: Any) -> str:
    """Why a key cannot name a column; empty if it can."""
    if not isinstance(name, str):
        return f"the key {name!r} is no text"
    if _is_no_text(name):
        return "a key has half a surrogate pair, which is no text"
    return f"the key {name!r} is the name of a column of Thresher's own" if name in HIDDEN else ""


def _kind(value: Any) -> str:
    return _kind_of(type(value))


def _kind_of(kind: type) -> str:
    found = next((_KINDS[base] for base in kind.__mro__ if base in _KINDS), "")
    return found or f"a {kind.__name__}"


def _unfit(name: str, records: Sequence[dict[str, Any]], types: set[type]) -> dict[int, str]:
    """Records whose value no column holds, by position."""
    if types <= {str, bool, float, bytes}:
        if str not in types:
            return {}
        try:
            for record in records:
                (record.get(name) or "").encode()
        except UnicodeEncodeError:
            return {
                at: f"field {name!r} has half a surrogate pair, which is no text"
                for at, record in enumerate(records)
                if _is_no_text(record.get(name))
            }
        return {}
    values = [record.get(name) for record in records]
    is_json = _are_json(types, values)
    found = {}
    for at, value in enumerate(values):
        try:
            _json(value).encode() if is_json else _column(name, [value])
        except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
            found[at] = f"field {name!r}: {error}"
    return found


def _is_no_text(value: Any) -> bool:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return True
    return False


def _column(name: str, values: list[Any]) -> tuple[pa.Array, pa.Field]:
    """Values of one kind as a column."""
    types = {type(value) for value in values} - {type(None)}
    if types == {str} and None not in values:
        column = _texts(values)
    elif _are_json(types, values):
        return _json_column(name, values, _json)
    else:
        try:
            column = pa.array(values, from_pandas=False)
        except (pa.ArrowException, OverflowError):
            if len(values) == 1:
                raise
            # Each has a type, and all have none.
            return _json_column(name, own_values(values, name), canonical)
    return column, guessed(pa.field(name, column.type))


def _json_column(
    name: str, values: list[Any], encode: Callable[[Any], str]
) -> tuple[pa.Array, pa.Field]:
    texts = [None if value is None else encode(value) for value in values]
    return pa.array(texts, JSON_TEXT), guessed(json_field(name))


def _are_json(types: set[type], values: list[Any]) -> bool:
    """Whether values are lists, objects or numbers that are no column of Arrow's."""
    if not types or not types <= _OF_JSON:
        return False
    whole = [value for value in values if type(value) is int]
    if types == {int}:
        return not all(-(2**63) <= value < 2**63 for value in whole)
    if types == {int, float} and not all(v - v == 0 for v in values if type(v) is float):
        return not all(-EXACT <= value <= EXACT for value in whole)  # JSON has no infinity
    return types != {float}


def _json(value: Any) -> str:
    written: list[Written] = []

    def note(inner: Any) -> int:
        if not isinstance(inner, Written):
            raise TypeError(f"a {type(inner).__name__} is no JSON value")
        written.append(inner)
        return 0

    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=note
    )
    return canonical(value) if written else text


def _texts(values: list[str]) -> pa.Array:
    """string[n]; what ``pa.array`` makes of them, without importing pandas."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        return pa.array(values, pa.large_string())
    offsets = pa.py_buffer(ends.astype(np.int32))
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, offsets, pa.py_buffer(b"".join(encoded))]
    )
