# SPDX-License-Identifier: Apache-2.0
"""Make Arrow columns of the values that a scan found; no value is lost or changed.

A column is typed by the values it holds here: strings, whole numbers, other numbers or truth
values. Whatever else it holds, mixtures, lists and objects, is JSON text as it was written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thresher.kernels import compiled
from thresher.kernels import jsonl_plain as plain
from thresher.stages.base import NUMBER, TEXT
from thresher.stages.text.io import reused_buffers
from thresher.stages.text.io.jsonl_scan import PADDING, Scan
from thresher.tasks.casting import cast_exactly, decimals_of
from thresher.tasks.columns import bit_buffer, from_numpy, to_numpy
from thresher.tasks.json_numbers import NOT_ZERO, is_held
from thresher.tasks.json_text import exact_value
from thresher.tasks.typed_values import typed_as
from thresher.tasks.types import (
    EXACT,
    JSON_TEXT,
    ColumnType,
    guessed,
    inner_types,
    is_json,
    is_text,
    json_field,
)

Mask = NDArray[np.bool_]

KIND_NAMES = {
    plain.TEXT: "text",
    plain.ESCAPED: "text",
    plain.HALF_PAIR: "half a surrogate pair",
    plain.INTEGER: "a number",
    plain.DECIMAL: "a number",
    plain.TRUE: "true",
    plain.FALSE: "false",
    plain.OBJECT: "an object",
    plain.ARRAY: "a list",
}

_ABSENT_OR_NULL = (plain.ABSENT, plain.NULL)
_STRINGS = frozenset((plain.TEXT, plain.ESCAPED))
_BOOLEANS = frozenset((plain.TRUE, plain.FALSE))


def present(scan: Scan, k: int) -> Mask:
    """bool[n]: whether key ``k`` has a value other than null."""
    return (scan.kinds[k] != plain.ABSENT) & (scan.kinds[k] != plain.NULL)


# -- records that do not hold what is declared ------------------------------------------------


def misfits(scan: Scan, k: int, wanted: str | ColumnType) -> dict[int, str]:
    """Records whose key ``k`` does not hold what is wanted of it, by row, with the reason."""
    name, kinds = scan.keys[k], scan.kinds[k]
    if wanted == TEXT:
        wrong = ~np.isin(kinds, (*_ABSENT_OR_NULL, plain.TEXT, plain.ESCAPED))
        return _reasons(name, kinds, wrong, "not text")
    if wanted == NUMBER:
        wrong = ~np.isin(kinds, (*_ABSENT_OR_NULL, plain.INTEGER, plain.DECIMAL))
        found = _reasons(name, kinds, wrong, "not a number")
        return found | _too_large(scan, k)
    assert isinstance(wanted, ColumnType)
    if wanted.is_json:
        return {}
    values = pinned(scan, k, wanted)
    wrong = present(scan, k) & to_numpy(values.is_null())
    return _reasons(name, kinds, wrong, f"not {wanted}")


def _reasons(name: str, kinds: NDArray[np.uint8], wrong: Mask, wanted: str) -> dict[int, str]:
    found = {}
    for row in np.flatnonzero(wrong).tolist():
        kind = int(kinds[row])
        reason = f"field {name!r} is {KIND_NAMES[kind]}, {wanted}"
        if kind == plain.HALF_PAIR:
            reason = f"field {name!r} has half a surrogate pair, which is no text"
        found[row] = reason
    return found


def _too_large(scan: Scan, k: int) -> dict[int, str]:
    """Numbers that neither int64 nor float64 holds."""
    kinds = scan.kinds[k]
    digits = _strings(scan, k, (kinds == plain.INTEGER) | (kinds == plain.DECIMAL))
    numbers = _cast(digits, pa.float64())
    found = {}
    for row in _doubtful(digits, numbers).tolist():
        text = digits[row].as_py()
        is_good = _is_whole if kinds[row] == plain.INTEGER else is_held
        if text is not None and not is_good(text):
            found[row] = f"field {scan.keys[k]!r} is {text[:40]}, which no int64 or float64 holds"
    return found


def _is_whole(digits: str) -> bool:
    """Whether int64 or float64 holds a whole number."""
    value = float(digits)
    if value - value != 0:
        return False
    return -(2**63) <= int(digits) < 2**63 or int(digits) == int(value)


def _doubtful(digits: pa.Array, numbers: pa.Array | None) -> NDArray[np.int64]:
    """The rows of numbers that float64 may not hold: very large ones, and 0 that is not."""
    if numbers is None:
        return np.arange(len(digits))
    values = to_numpy(numbers.fill_null(0.5))
    large = ~(np.abs(values) < EXACT)
    if large.any():  # up to 15 digits come back as they are written
        lengths = to_numpy(pc.binary_length(digits).fill_null(0))
        large &= (lengths > sys.float_info.dig) | ~np.isfinite(values)
    zeros = np.flatnonzero(values == 0)
    if zeros.size:
        is_not = pc.match_substring_regex(digits.take(from_numpy(zeros)), NOT_ZERO)
        large[zeros[to_numpy(is_not)]] = True
    return np.flatnonzero(large)


def _floats_held(digits: pa.Array) -> pa.Array | None:
    """Numbers with a fraction or an exponent as float64; None if that does not hold all."""
    numbers = _cast(digits, pa.float64())
    doubtful = digits.take(from_numpy(_doubtful(digits, numbers)))
    return numbers if all(map(is_held, doubtful.drop_null().to_pylist())) else None


# -- columns ----------------------------------------------------------------------------------


def column(
    scan: Scan, k: int, wanted: str | ColumnType | None, guess: ColumnType | None = None
) -> tuple[pa.Array, pa.Field]:
    """The values of key ``k`` and their field; null where they are absent.

    A column without values is typed by the ``guess``, so that stages can compute with it.
    """
    name = scan.keys[k]
    if isinstance(wanted, ColumnType):
        return pinned(scan, k, wanted), wanted.to_field(name)
    there = frozenset(np.flatnonzero(np.bincount(scan.kinds[k], minlength=11)).tolist())
    kinds = there.difference(_ABSENT_OR_NULL)
    if wanted == TEXT:
        return text(scan, k), pa.field(name, JSON_TEXT)
    if kinds and kinds <= _STRINGS:
        return text(scan, k), guessed(pa.field(name, JSON_TEXT))
    if not kinds and guess is not None and not guess.is_json and not inner_types(guess.type):
        return pa.nulls(len(scan.rows), guess.type), guessed(pa.field(name, guess.type))
    values = _typed(scan, k, kinds, wanted)
    if values is None:
        return json_text(scan, k), guessed(json_field(name))
    return values, guessed(pa.field(name, values.type))


def _typed(scan: Scan, k: int, kinds: frozenset[int], wanted: str | None) -> pa.Array | None:
    """The values if they are numbers or truth values of one kind; None otherwise."""
    if not kinds:
        return pa.nulls(len(scan.rows))
    if kinds <= _BOOLEANS:
        return _booleans(scan, k)
    if kinds == {plain.INTEGER}:
        return _cast(_strings(scan, k, present(scan, k)), pa.int64())
    if kinds == {plain.DECIMAL}:
        return _floats_held(_strings(scan, k, present(scan, k)))
    if wanted == NUMBER and kinds <= {plain.INTEGER, plain.DECIMAL}:
        values = _floats_held(_strings(scan, k, present(scan, k)))
        # As floats they would be rounded before anyone could see that they are not exact.
        whole = _cast(_strings(scan, k, scan.kinds[k] == plain.INTEGER), pa.int64())
        if values is not None and whole is not None and _within(whole, EXACT):
            return values
    return None


def _cast(digits: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return pc.cast(digits, kind)
    except pa.ArrowInvalid:
        return None


def _within(numbers: pa.Array, limit: int) -> bool:
    bounds = pc.min_max(numbers).as_py()
    return bounds["min"] is None or (bounds["min"] >= -limit and bounds["max"] <= limit)


def has_others(scan: Scan) -> Mask:
    """bool[n]: whether a record has members beside the scan's keys."""
    return scan.rows[:, 3] > (scan.kinds != plain.ABSENT).sum(axis=0)


def text(scan: Scan, k: int) -> pa.Array:
    """The strings of key ``k``, decoded."""
    kinds = scan.kinds[k]
    escaped = kinds == plain.ESCAPED
    return _strings(scan, k, escaped | (kinds == plain.TEXT), escaped)


def json_text(scan: Scan, k: int) -> pa.Array:
    """The values of key ``k`` as they are written."""
    # A string's span is its inside: one byte more on both sides takes the quotes along.
    quotes = np.isin(scan.kinds[k], (plain.TEXT, plain.ESCAPED, plain.HALF_PAIR))
    return _strings(scan, k, present(scan, k), widen=quotes.astype(np.int64))


def _strings(
    scan: Scan, k: int, valid: Mask, escaped: Mask | None = None, widen: Any = 0
) -> pa.Array:
    """large_string[n] of the spans of key ``k`` where ``valid``, null elsewhere."""
    if escaped is None:
        escaped = np.zeros(len(valid), np.bool_)
    starts = np.where(valid, scan.spans[k, :, 1] - widen, 0)
    stops = np.where(valid, scan.spans[k, :, 2] + widen, 0)
    n_bytes = int((stops - starts).sum())
    out = reused_buffers.empty(n_bytes + PADDING)
    offsets = np.empty(len(starts) + 1, np.int64)
    _unescape()(scan.buffer, starts, stops, escaped, out, offsets)
    nulls = None if valid.all() else bit_buffer(valid)
    return pa.LargeStringArray.from_buffers(
        len(starts), pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]]), nulls
    )


def _unescape() -> Callable[..., None]:
    if compiled.ready("jsonl", 0):  # the scan has counted the bytes
        from thresher.kernels import jsonl as kernel

        return kernel.unescape
    return plain.unescape


def _booleans(scan: Scan, k: int) -> pa.Array:
    is_true = scan.kinds[k] == plain.TRUE
    return from_numpy(is_true, is_true | (scan.kinds[k] == plain.FALSE))


# -- types that are asked for -----------------------------------------------------------------


def pinned(scan: Scan, k: int, wanted: ColumnType) -> pa.Array:
    """The values of key ``k`` in one type; null where they are absent or do not fit."""
    field = wanted.to_field(scan.keys[k])
    if is_json(field):
        return json_text(scan, k)
    if is_text(field):
        return text(scan, k).cast(field.type)
    if pa.types.is_null(field.type):
        return pa.nulls(len(scan.rows))
    return _converter(field.type)(scan, k, field.type)


def _converter(kind: pa.DataType) -> Callable[[Scan, int, pa.DataType], pa.Array]:
    types = pa.types
    if types.is_boolean(kind):
        return lambda scan, k, _: _booleans(scan, k)
    if types.is_integer(kind):
        return _integers
    if types.is_floating(kind):
        return _floats
    if types.is_decimal(kind):
        return _decimals
    if types.is_nested(kind):
        return _nested
    return lambda scan, k, kind: cast_exactly(text(scan, k), kind)[0]


def _integers(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    whole = _numbers(scan, k, scan.kinds[k] == plain.INTEGER, kind, int)
    others = scan.kinds[k] == plain.DECIMAL
    if not others.any():
        return whole
    numbers = _numbers(scan, k, others, pa.float64(), _exact_float)
    return pc.coalesce(whole, cast_exactly(numbers, kind)[0])


def _floats(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    number = (scan.kinds[k] == plain.INTEGER) | (scan.kinds[k] == plain.DECIMAL)
    wide = _numbers(scan, k, number, pa.float64(), _exact_float)
    large = to_numpy(pc.greater_equal(pc.abs(wide), float(EXACT)).fill_null(False))
    if (large & (scan.kinds[k] == plain.INTEGER)).any():
        wide = _one_by_one(_strings(scan, k, number), pa.float64(), _exact_float)
    return cast_exactly(wide, kind)[0]


def _decimals(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    number = (scan.kinds[k] == plain.INTEGER) | (scan.kinds[k] == plain.DECIMAL)
    return decimals_of(_strings(scan, k, number), kind)


def _exact_float(digits: str) -> float:
    value = float(digits)
    if value - value != 0:
        raise OverflowError(digits)
    is_whole = digits.lstrip("-").isdigit()
    if not (int(value) == int(digits) if is_whole else is_held(digits)):
        raise OverflowError(digits)
    return value


def _numbers(
    scan: Scan, k: int, valid: Mask, kind: pa.DataType, parse: Callable[[str], Any]
) -> pa.Array:
    digits = _strings(scan, k, valid)
    numbers = _floats_held(digits) if pa.types.is_floating(kind) else _cast(digits, kind)
    return _one_by_one(digits, kind, parse) if numbers is None else numbers


def _nested(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    written = json_text(scan, k).to_pylist()
    return typed_as([None if value is None else _loaded(value) for value in written], kind)[0]


def _loaded(text: str) -> Any:
    try:
        return exact_value(text)
    except (ValueError, RecursionError):  # too deep
        return None


def _one_by_one(written: pa.Array, kind: pa.DataType, parse: Callable[[str], Any]) -> pa.Array:
    """Parse values one at a time; null where that fails or the type cannot hold the value."""
    values: list[Any] = []
    for value in written.to_pylist():
        try:
            parsed = None if value is None else parse(value)
            pa.scalar(parsed, kind) if not isinstance(parsed, pa.Scalar) else None
        except (ValueError, OverflowError, TypeError, RecursionError, pa.ArrowException):
            parsed = None
        values.append(parsed.as_py() if isinstance(parsed, pa.Scalar) else parsed)
    return pa.array(values, kind)
