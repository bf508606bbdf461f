# SPDX-License-Identifier: Apache-2.0
"""Columns of JSON values (RFC 8259): decoded, given their narrowest type, and encoded.

Canonical JSON text is the same however a value was typed before: whole floats are written as whole
numbers, object keys are sorted, and members that a struct holds as null are left out.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_numbers import is_held, is_negative_zero
from thresher.tasks.typed_values import typed_as
from thresher.tasks.types import (
    EXACT,
    JSON_TEXT,
    MAX_MEMBERS,
    inner_types,
    is_json,
    is_string,
    sorted_members,
    with_leaves,
)

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

MAX_DEPTH = 32
"""Lists and structs inside one another, beyond which values stay JSON: Arrow's files take 64."""

_ALL_DIGITS = decimal.Context(
    prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, clamp=0
)
_MOST_DIGITS = 4000
"""Digits up to which Python makes an int of a number, however it is set up."""

_NULL = "null"
INFINITY = "1E+999"
"""Canonical text of an infinity, infinite for all who read it; no number is written so."""

_ERRORS = (
    pa.ArrowInvalid,
    pa.ArrowTypeError,
    pa.ArrowNotImplementedError,
    OverflowError,
    UnicodeEncodeError,
    RecursionError,
)


def python_values(column: Column, field: pa.Field) -> list[Any]:
    """The values as Python objects; those of a JSON column as ``json`` decodes them."""
    values: list[Any] = column.to_pylist()
    return _decoded(values) if is_json(field) else values


def narrowed(column: Column, name: str) -> tuple[Column, bool]:
    """The values of a JSON column in the narrowest type that holds them, and whether it is JSON.

    Raises
    ------
    BadRows
        For values that no column holds: half a surrogate pair, a key that occurs twice.
    """
    guard = _ObjectGuard()
    texts: list[str | None] = column.to_pylist()
    values = _decoded(texts, guard.object)
    if guard.repeated:
        raise BadRows(_repeated(texts, name))
    is_plain = len(guard.names) <= MAX_MEMBERS and not _have_unheld(texts, values)
    made = typed(values) if is_plain else None
    if made is not None:
        return made, False
    if bad := half_pairs(values, name):
        raise BadRows(bad)
    return column, True


def typed(values: list[Any]) -> Column | None:
    """The values in the narrowest type that holds them unchanged; None if there is none.

    Whole numbers with others are float64 where all of them are exact so; objects are structs with
    their members sorted by name.
    """
    if _mixes(values):
        return None
    try:
        made = pa.array(values, from_pandas=False)
    except _ERRORS:
        return None
    kind = made.type
    if is_string(kind):
        return made.cast(JSON_TEXT)
    finer = with_leaves(kind, _in_nanoseconds)
    if kind != finer and any(map(_is_of_ns, inside(values))):
        try:
            made, kind = pa.array(values, finer, from_pandas=False), finer
        except _ERRORS:
            return None
    if pa.types.is_timestamp(kind) and kind.tz:  # whichever of the values came first
        return made.cast(pa.timestamp(kind.unit, "UTC"))
    if not inner_types(kind):
        return made
    ordered = sorted_members(kind)
    if str(ordered) == str(kind):
        return made
    return pa.array(values, ordered, from_pandas=False)


def _in_nanoseconds(leaf: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(leaf):
        return pa.timestamp("ns", leaf.tz)
    return pa.duration("ns") if pa.types.is_duration(leaf) else leaf


def _is_of_ns(value: Any) -> bool:
    """Whether a value is a time of pandas' in nanoseconds, for which Arrow takes microseconds."""
    is_time = isinstance(value, datetime.date | datetime.timedelta)
    return is_time and getattr(value, "unit", "") == "ns"


# -- decoding ---------------------------------------------------------------------------------


def from_json(column: Column, kind: pa.DataType, name: str) -> Column:
    """The values of a JSON column as ``kind``.

    Raises
    ------
    BadRows
        If some of the values do not fit.
    """
    texts: list[str | None] = column.to_pylist()
    values = _decoded(texts)
    if _have_unheld(texts, values):
        values = json_values(column)
    made, bad = typed_as(values, kind)
    if not bad.any():
        return made
    raise BadRows(
        {
            at: f"column {name!r} is {kind} in this output; "
            f"{str(column[at].as_py())[:80]} does not fit"
            for at in bad.nonzero()[0].tolist()
        }
    )


def _decoded(texts: list[str | None], object_pairs_hook: Any = None) -> list[Any]:
    """The values; decoded in one go, as a call for each takes longer than the decoding."""
    joined = ",".join("null" if text is None else text for text in texts)
    try:
        return _loads(f"[{joined}]", object_pairs_hook=object_pairs_hook)
    except ValueError:  # a number of too many digits for Python's int
        return _loads(f"[{joined}]", object_pairs_hook=object_pairs_hook, parse_int=whole_number)


def _loads(text: str, **hooks: Any) -> list[Any]:
    values: list[Any] = json.loads(text, **hooks)
    return values


def whole_number(digits: str) -> int | decimal.Decimal:
    """A whole number as written; Python makes no int of more than a few thousand digits."""
    return int(digits) if len(digits) < _MOST_DIGITS else decimal.Decimal(digits)


class _ObjectGuard:
    """Sees every object while values are decoded."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.repeated = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of these members."""
        made = dict(pairs)
        self.repeated = self.repeated or len(made) < len(pairs)
        self.names.update(made)
        return made


def _repeated(texts: list[str | None], name: str) -> dict[int, str]:
    found = {}
    for position, text in enumerate(texts):
        guard = _ObjectGuard()
        _decoded([text], guard.object)
        if guard.repeated:
            found[position] = f"an object in {name!r} has a key twice"
    return found


def half_pairs(values: list[Any], name: str) -> dict[int, str]:
    """The values with half a surrogate pair, by position: no column holds them."""
    return {
        position: f"field {name!r} has half a surrogate pair, which is no text"
        for position, value in enumerate(values)
        if any(isinstance(each, str) and _is_no_text(each) for each in inside(value))
    }


def inside(value: Any) -> Iterator[Any]:
    """The plain values in a value, keys of objects too; it may be as deep as it likes."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        else:
            yield value


def containers(value: Any) -> Iterator[Any]:
    """The lists and objects in a value, itself among them."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
            yield value
        elif isinstance(value, list | tuple):
            waiting += value
            yield value


def _is_no_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _mixes(values: list[Any], depth: int = 1) -> bool:
    """Whether values of several kinds stand in one place, or deeper than types go.

    Arrow takes true for 1.0 beside other floats, text for bytes, and numbers for dates.
    """
    kinds: set[Any] = set(map(type, values)) - {type(None)}
    if kinds <= {int, float} or (len(kinds) == 1 and kinds <= {str, bool, bytes}):
        return False
    kinds.clear()
    items: list[Any] = []
    members: dict[str, list[Any]] = {}
    for value in values:
        if value is None:
            continue
        if isinstance(value, dict):
            kinds.add(dict)
            for key, inner in value.items():
                members.setdefault(key, []).append(inner)
        elif isinstance(value, list | tuple):
            kinds.add(list)
            items += value
        else:
            kinds.add(_kind(value))
    if len(kinds) > 1 or _NO_TYPE in kinds or depth > MAX_DEPTH:
        return True
    if items and _mixes(items, depth + 1):
        return True
    return any(_mixes(each, depth + 1) for each in members.values())


def _kind(value: Any) -> Any:
    """What a value must be like for Arrow to put it into one column unchanged."""
    kind = type(value)
    if kind in (int, float):
        return _NUMBER
    if isinstance(value, decimal.Decimal):  # beside which floats would be rounded
        return decimal.Decimal
    if isinstance(value, datetime.time) and value.tzinfo is not None:
        return _NO_TYPE
    if isinstance(value, datetime.datetime):
        return datetime.datetime, value.tzinfo is None
    return next((base for base in _KINDS if isinstance(value, base)), kind)


_NUMBER, _NO_TYPE = "number", "no type"
_KINDS = (str, bytes, datetime.date, datetime.time, datetime.timedelta)


def _is_beyond_float(value: Any) -> bool:
    """Whether ``json`` could not make a number of what was written."""
    return isinstance(value, decimal.Decimal) or is_infinite(value)


def is_infinite(value: Any) -> bool:
    """Whether a value is an infinity."""
    return isinstance(value, float) and value in (float("inf"), float("-inf"))


# -- encoding ---------------------------------------------------------------------------------


def to_json(column: Column, field: pa.Field) -> pa.Array:
    """A column as canonical JSON text, null where it is null or NaN."""
    if is_json(field):
        texts = [canonical_alone(value) for value in json_values(column)]
    else:
        texts = [canonical(value, keeps_null=False) for value in column.to_pylist()]
    return pa.array([None if text == _NULL else text for text in texts], JSON_TEXT)


def canonical_alone(value: Any) -> str:
    """Canonical text that does not depend on the values beside it.

    A struct cannot tell a member that is null from one that is not there. So both are left out
    wherever the value might have come as one.
    """
    return canonical(value, keeps_null=not (_has_null_member(value) and _has_type(value)))


def _has_null_member(value: Any) -> bool:
    return any(isinstance(each, dict) and None in each.values() for each in containers(value))


def _has_type(value: Any) -> bool:
    names = {key for each in containers(value) if isinstance(each, dict) for key in each}
    if len(names) > MAX_MEMBERS or any(map(_is_beyond_float, inside(value))):
        return False
    return typed([value]) is not None


def json_values(column: Column) -> list[Any]:
    """The values of a JSON column, with numbers that float64 does not hold as ``Decimal``."""
    return [None if text is None else exact_value(text) for text in column.to_pylist()]


def exact_value(text: str, constant: Callable[[str], Any] | None = None) -> Any:
    """The value of JSON text, with numbers that float64 does not hold as ``Decimal``.

    ``constant`` tells what NaN and infinities, which JSON has not, are; Python's if not given.
    """
    return json.loads(text, parse_float=_number, parse_int=whole_number, parse_constant=constant)


def _number(digits: str) -> float | decimal.Decimal:
    if is_held(digits):
        return float(digits)
    return _ALL_DIGITS.normalize(decimal.Decimal(digits))  # one text for 10e399 and 1e400


def _have_unheld(texts: list[str | None], values: list[Any]) -> bool:
    """Whether the texts of these values spell numbers that float64 does not hold."""
    if not any(map(_is_doubtful, inside(values))):
        return False
    joined = ",".join(text for text in texts if text is not None)
    exact = _loads(f"[{joined}]", parse_float=_number, parse_int=whole_number)
    return any(isinstance(each, decimal.Decimal) for each in inside(exact))


def _is_doubtful(value: Any) -> bool:
    """Whether a decoded number may stand for another one: a very large one, or 0 that is not."""
    if isinstance(value, float):
        return not 0 < abs(value) < EXACT
    return isinstance(value, decimal.Decimal)


def are_alike(left: Any, right: Any, *, rounds: bool = False, exactly: bool = False) -> bool:
    """Whether JSON has two values alike: 1 is 1.0, and not true; NaN is null; -0.0 is no other 0.

    With ``rounds`` a whole number is alike the float nearest to it as well. With ``exactly`` it is
    alike no float, and objects have their keys in one order.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        same = list(left) == list(right) if exactly else left.keys() == right.keys()
        return same and all(
            are_alike(left[key], right[key], rounds=rounds, exactly=exactly) for key in left
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(
            are_alike(*pair, rounds=rounds, exactly=exactly) for pair in pairs
        )
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if exactly and isinstance(left, int) != isinstance(right, int):
        return False
    if is_negative_zero(left) != is_negative_zero(right):
        return False
    if rounds and isinstance(left, int) and isinstance(right, float):
        return float(left) == right
    nothing = left is None or left != left
    return bool(left == right or (nothing and (right is None or right != right)))


def canonical(value: Any, *, keeps_null: bool = True) -> str:
    """One value as canonical JSON; what JSON does not know is written as text."""
    parts: list[str] = []
    _write(value, parts.append, keeps_null)
    return "".join(parts)


def _write(value: Any, put: Callable[[str], None], keeps_null: bool) -> None:
    # Values may be 512 deep: one call for each level is as many as Python takes.
    if isinstance(value, dict):
        opening = "{"
        for key in sorted(value, key=str):
            if keeps_null or value[key] is not None:
                put(f"{opening}{_quoted(str(key))}:")
                _write(value[key], put, keeps_null)
                opening = ","
        put("}" if opening == "," else "{}")
    elif isinstance(value, list | tuple):
        opening = "["
        for inner in value:
            put(opening)
            _write(inner, put, keeps_null)
            opening = ","
        put("]" if opening == "," else "[]")
    else:
        put(plain_text(value))


def plain_text(value: Any) -> str:
    """Canonical JSON of a value that is no list or object."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            return "null" if value.is_nan() else _float(float(value))
        text = format(value, "f") if abs(value.adjusted()) < 64 else str(value)
        return text.lower() if text.endswith(INFINITY) else text
    if isinstance(value, np.floating):  # as older versions of Arrow give those of 16 bits
        return _float(float(value))
    if isinstance(value, datetime.timedelta):
        return _microseconds(value)
    return _quoted(_text(value))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return json.dumps(text) if _is_no_text(quoted) else quoted


def _float(value: float) -> str:
    if value != value:
        return "null"
    if is_infinite(value):
        return INFINITY if value > 0 else f"-{INFINITY}"
    if value.is_integer() and abs(value) <= EXACT and not is_negative_zero(value):
        return str(int(value))
    return repr(float(value))


def _microseconds(span: datetime.timedelta) -> str:
    """A duration as a number of microseconds; pandas' own have fractions of these."""
    nanoseconds = nanoseconds_of(span)
    whole, rest = divmod(abs(nanoseconds), 1000)
    return f"{'-' * (nanoseconds < 0)}{whole}.{rest:03}".rstrip("0").rstrip(".")


def nanoseconds_of(span: datetime.timedelta) -> int:
    """A duration as a number of nanoseconds, which pandas' own have."""
    whole = (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds
    return whole * 1000 + int(getattr(span, "nanoseconds", 0))


def iso_text(value: datetime.date | datetime.time) -> str:
    """A date or time as text (ISO 8601), with nanoseconds only if there are any; zones as UTC."""
    if isinstance(value, datetime.datetime):
        digits = "nanoseconds" if getattr(value, "nanosecond", 0) else "microseconds"
        if value.tzinfo is None:
            return value.isoformat(timespec=digits)
        universal = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return f"{universal.isoformat(timespec=digits)}Z"
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    return value.isoformat()


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.date | datetime.time):
        return iso_text(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")
