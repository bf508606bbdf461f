# SPDX-License-Identifier: Apache-2.0
"""JSON text of values in the form in which JSONL has them, whatever stands beside them.

Canonical text, which does not depend on how a value was typed, is in
:mod:`thresher.tasks.json_text`.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
from itertools import chain
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_text import (
    canonical_alone,
    half_pairs,
    inside,
    is_infinite,
    iso_text,
    typed,
)
from thresher.tasks.nested import convert_leaves
from thresher.tasks.text_form import time_text
from thresher.tasks.types import JSON_TEXT, is_json

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def as_json(value: Any) -> str:
    """One Python value as JSON; NaN is null, and what JSON does not know is written as text."""
    if isinstance(value, float) and value - value != 0:
        return "null"
    try:
        return _encode(value)
    except (TypeError, ValueError):
        return _by_parts(value)


def _by_parts(value: Any) -> str:
    """JSON of a value with parts that ``json`` does not know."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encode(str(k))}:{_by_parts(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_by_parts, value)) + "]"
    if isinstance(value, float) and value - value != 0:
        return "null"
    if isinstance(value, decimal.Decimal):
        return str(value) if value.is_finite() else "null"
    if isinstance(value, bytes):
        return _encode(base64.b64encode(value).decode())
    if isinstance(value, datetime.date | datetime.time):
        return _encode(iso_text(value))
    if isinstance(value, datetime.timedelta):
        return str(value // datetime.timedelta(microseconds=1))
    known = value is None or isinstance(value, str | int | float | bool)
    return _encode(value if known else str(value))


def as_json_column(column: Column, field: pa.Field) -> pa.Array:
    """A column as JSON text, null where it is null."""
    if is_json(field):
        return column
    values = with_times_as_text(column).to_pylist()
    return pa.array([None if value is None else as_json(value) for value in values], JSON_TEXT)


def with_times_as_text(column: Column) -> Column:
    """Times in a column as text (ISO 8601), which Python's own do not hold to the nanosecond."""
    return convert_leaves(column, _textual)


def _textual(leaf: pa.Array) -> pa.Array:
    types = pa.types
    if types.is_timestamp(leaf.type) or types.is_date(leaf.type) or types.is_time(leaf.type):
        return time_text(leaf)
    return pc.cast(leaf, pa.int64()) if types.is_duration(leaf.type) else leaf


def column_of(values: list[Any], name: str) -> tuple[Column, bool]:
    """Python values as a column that JSONL writes as they are, and whether it is one of JSON.

    Raises
    ------
    BadRows
        For values that no column holds.
    """
    values = list(map(_without_arrays, values))
    if _varies(values):
        return pa.array([None if v is None else as_json(v) for v in values], JSON_TEXT), True
    made = typed(values)
    if made is not None:
        return made, False
    if bad := half_pairs(values, name):
        raise BadRows(bad)
    bad = {}
    texts: list[str | None] = []
    for position, value in enumerate(values):
        try:
            texts.append(None if value is None else _alone(value))
        except (TypeError, ValueError, RecursionError) as error:
            texts.append(None)
            bad[position] = f"column {name!r}: {error}"
    if bad:
        raise BadRows(bad)
    return pa.array(texts, JSON_TEXT), True


def _without_arrays(value: Any) -> Any:
    """Arrays of NumPy as lists, and what pandas has for null as None."""
    if type(value).__module__.partition(".")[0] not in ("numpy", "pandas"):
        return value
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    return value.tolist() if type(value).__name__ == "ndarray" else value


def _alone(value: Any) -> str:
    leaves = list(inside(value))
    if any(map(is_infinite, leaves)):
        raise ValueError("infinity is no JSON number")
    return as_json(value) if all(map(is_of_json, leaves)) else canonical_alone(value)


def _varies(values: list[Any]) -> bool:
    """Whether JSON would have Python values otherwise than a column of one type has them.

    A whole number beside others would be written as one of these, and an object would get the
    members of those beside it. Only where all in them are values of JSON.
    """
    return _has_forms(values) and all(map(is_of_json, inside(values)))


def _has_forms(values: list[Any]) -> bool:
    kinds = set(map(type, values)) - {type(None)}
    if dict in kinds or (int in kinds and any(issubclass(kind, float) for kind in kinds)):
        return True
    if not kinds or not kinds <= {list, tuple}:
        return False
    return _has_forms(list(chain.from_iterable(value for value in values if value is not None)))


def is_of_json(value: Any) -> bool:
    """Whether JSON has a plain value of Python as it is, in UTF-8."""
    if isinstance(value, float):
        return value - value == 0
    if isinstance(value, str):
        return value.isascii() or _is_text(value)
    return value is None or type(value) in (int, bool)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
