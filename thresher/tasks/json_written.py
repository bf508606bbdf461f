# SPDX-License-Identifier: Apache-2.0
"""JSON text of values in the form in which JSONL has them, whatever stands beside them.

Canonical text, which does not depend on how a value was typed, is in
:mod:`thresher.tasks.json_text`.
"""

from __future__ import annotations

import decimal
import json
import re
from collections.abc import Callable
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import to_numpy
from thresher.tasks.json_text import (
    INFINITY,
    canonical_alone,
    half_pairs,
    inside,
    is_infinite,
    plain_text,
    typed,
)
from thresher.tasks.nested import Mask, convert_leaves
from thresher.tasks.own_values import own_values
from thresher.tasks.text_form import time_text
from thresher.tasks.types import JSON_TEXT, guessed, is_guessed, is_json

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

Encode: TypeAlias = Callable[[Any], str]

_encode: Encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode
_WITH_INFINITY = re.compile(rf'"(?:[^"\\]|\\.)*"|(?<![0-9.]){re.escape(INFINITY)}(?![0-9])')
"""A text in JSON, or an infinity in its canonical form."""

_encode_all: Encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: Any) -> str:
    """One Python value as JSON: NaN and infinities are null, and what JSON lacks is text."""
    return _as_json(value, _encode)


def as_held(value: Any) -> str:
    """The same for a column inside a run: NaN and infinities are there, as Python reads them."""
    return _as_json(value, _encode_all)


def _as_json(value: Any, encode: Encode) -> str:
    try:
        return encode(value)
    except (TypeError, ValueError):
        parts: list[str] = []
        _write(value, parts.append, encode)
        return "".join(parts)


def _write(value: Any, put: Callable[[str], None], encode: Encode) -> None:
    """JSON of a value with parts that ``json`` does not know."""
    # Values may be 512 deep: one call for each level is as many as Python takes.
    if isinstance(value, dict):
        opening = "{"
        for key, inner in value.items():
            put(f"{opening}{_encode(str(key))}:")
            _write(inner, put, encode)
            opening = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple):
        opening = "["
        for inner in value:
            put(opening)
            _write(inner, put, encode)
            opening = ","
        put("]" if value else "[]")
    else:
        put(_plain(value, encode))


def _plain(value: Any, encode: Encode) -> str:
    if isinstance(value, float) and value - value != 0:
        return encode(value) if encode is _encode_all else "null"
    if isinstance(value, decimal.Decimal):
        return str(value) if value.is_finite() else "null"
    known = value is None or isinstance(value, str | int | float)
    return _encode(value) if known else plain_text(value)


def as_json_column(column: Column, field: pa.Field) -> pa.Array:
    """A column as JSON text, null where it is null; see :func:`as_held`."""
    if is_json(field):
        return column
    if pa.types.is_decimal(column.type) and is_guessed(field):
        return own_digits(column)
    values = values_to_write(column, field)
    return pa.array([None if value is None else as_held(value) for value in values], JSON_TEXT)


def own_digits(decimals: Column) -> Column:
    """Decimals as text, each with digits of its own: what functions made has no common scale."""
    text = decimals.cast(JSON_TEXT)
    text = pc.replace_substring_regex(text, r"(\.[0-9]*?)0+$", r"\1")
    return pc.utf8_rtrim(text, ".")


def values_to_write(column: Column, field: pa.Field) -> list[Any]:
    """The values of a column for :func:`as_json`.

    Times are text (ISO 8601), as Python's own do not hold them to the nanosecond. Durations are
    numbers in the unit of the column, if it has one: what functions made has any.
    """
    told = _told_alone if is_guessed(field) else _told
    values: list[Any] = convert_leaves(column, told).to_pylist()
    return values


def _told(leaf: pa.Array) -> pa.Array:
    types = pa.types
    if types.is_timestamp(leaf.type) or types.is_date(leaf.type) or types.is_time(leaf.type):
        return time_text(leaf)
    return pc.cast(leaf, pa.int64()) if types.is_duration(leaf.type) else leaf


def _told_alone(leaf: pa.Array) -> pa.Array:
    """What functions made, as it would be if nothing was beside it: in no unit of a column's."""
    if pa.types.is_duration(leaf.type):
        return leaf
    if pa.types.is_timestamp(leaf.type) and leaf.type.unit == "ns":
        return pc.replace_substring_regex(time_text(leaf), r"(\.[0-9]{6})000(Z?)$", r"\1\2")
    return _told(leaf)


def column_of(values: list[Any], name: str, *, keeps_json: bool = False) -> tuple[Column, bool]:
    """Python values as a column that JSONL writes as they are, and whether it is one of JSON.

    It always is with ``keeps_json``, if all in it are values that JSON has.

    Raises
    ------
    BadRows
        For values that no column holds.
    """
    if _are_narrow(values):
        return pa.array(values, pa.float32(), from_pandas=False), False
    values = own_values(values, name)
    if (keeps_json or _has_forms(values)) and _are_of_json(values):
        return pa.array([None if v is None else as_held(v) for v in values], JSON_TEXT), True
    made = typed(values)
    if made is not None:
        return made, False
    if bad := half_pairs(values, name):
        raise BadRows(bad)
    return pa.array([None if value is None else _alone(value) for value in values], JSON_TEXT), True


def _are_narrow(values: list[Any]) -> bool:
    """Whether values are floats of 32 bits, which a column of numbers may well have."""
    return any(map(_is_narrow, values)) and all(v is None or _is_narrow(v) for v in values)


def _is_narrow(value: Any) -> bool:
    return type(value) is np.float32


def _alone(value: Any) -> str:
    """A value as it would be written if it was all that the column holds."""
    leaves = list(inside(value))
    if all(map(is_of_json, leaves)) or any(map(is_infinite, leaves)):
        return as_held(value)
    made = typed([value])
    if made is None:
        return canonical_alone(value)
    text: str = as_json_column(made, guessed(pa.field("", made.type)))[0].as_py()
    return text


def _are_of_json(values: list[Any]) -> bool:
    """Whether all in Python values are values of JSON, NaN or infinities."""
    return all(isinstance(value, float) or is_of_json(value) for value in inside(values))


def _has_forms(values: list[Any]) -> bool:
    """Whether JSON would have Python values otherwise than a column of one type has them.

    A whole number beside others would be written as one of these, and an object would get the
    members of those beside it.
    """
    kinds = set(map(type, values)) - {type(None)}
    if dict in kinds or {int, float} <= kinds:
        return True
    if not kinds or not kinds <= {list, tuple}:
        return False
    return _has_forms(list(chain.from_iterable(value for value in values if value is not None)))


def constants_in(text: str) -> list[str]:
    """What :func:`as_held` has in a text and JSON has not: ``NaN``, ``Infinity``, ``-Infinity``."""
    if "NaN" not in text and "Infinity" not in text:
        return []
    met: list[str] = []
    json.loads(text, parse_constant=met.append, parse_int=str, parse_float=str)
    return met


def with_infinity(column: Column) -> Mask:
    """bool[n]: which values of a column of JSON text are, or have inside, an infinity."""
    found = to_numpy(pc.fill_null(pc.match_substring(column, "Infinity"), False)).copy()
    for row in np.flatnonzero(found).tolist():
        found[row] = any(each != "NaN" for each in constants_in(column[row].as_py()))
    return found


def with_held_infinities(column: Column) -> Column:
    """Canonical text, as Parquet has it, with infinities as :func:`as_held` has them."""
    rows = np.flatnonzero(to_numpy(pc.fill_null(pc.match_substring(column, INFINITY), False)))
    if not rows.size:
        return column
    texts = column.to_pylist()
    for row in rows.tolist():
        texts[row] = _WITH_INFINITY.sub(_as_held_token, texts[row])
    return pa.array(texts, JSON_TEXT)


def _as_held_token(found: re.Match[str]) -> str:
    return "Infinity" if found[0] == INFINITY else found[0]


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
