# SPDX-License-Identifier: Apache-2.0
"""What functions give, in values of Python's own: those of NumPy and pandas are turned into them.

So nothing behind this knows of others, and what is written of a value depends on nothing beside it.
"""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa

from thresher.kernels.jsonl_plain import MAX_DEPTH
from thresher.tasks.bad_rows import BadRows

_PLAIN = frozenset((
    NoneType, bool, int, float, str, bytes, decimal.Decimal, datetime.date, datetime.datetime,
    datetime.time, datetime.timedelta, uuid.UUID,
))  # fmt: skip
_AROUND = frozenset((dict, list, tuple))
_OWN = _PLAIN | _AROUND
_NUMBERS = frozenset(np.dtype(code).type for code in np.typecodes["AllInteger"] + "?efd")
"""Those of NumPy of which Python has all, and a list has as Python's own."""
_TIMES = (datetime.date, datetime.time, datetime.timedelta)


def own_values(values: list[Any], name: str) -> list[Any]:
    """The values of a column ``name``, and all in them, as Python's own.

    Arrays are lists, and keys of objects are text; what pandas has for null is None.

    Raises
    ------
    BadRows
        For values that are none of JSON's, nor of those that have a text there.
    """
    if _are_own(values):
        return values
    made: list[Any] = []
    bad: dict[int, str] = {}
    for position, value in enumerate(values):
        try:
            made.append(own_value(value, name))
        except (TypeError, ValueError, OverflowError) as error:
            bad[position] = str(error)
        except RecursionError:
            bad[position] = _endless(name)
    if bad:
        raise BadRows(bad)
    return made


def _are_own(values: list[Any]) -> bool:
    """Whether there is nothing to be done, found level by level: most values are plain."""
    level = values
    for depth in range(MAX_DEPTH + 1):
        kinds = set(map(type, level))
        if not kinds <= _OWN:
            return False
        if not kinds & _AROUND:
            return True
        found = [each for each in level if type(each) in _AROUND]
        if depth > 1:  # each once: what contains itself twice would double from level to level
            found = list({id(each): each for each in found}.values())
        level = []
        for each in found:
            if type(each) is not dict:
                level += each
                continue
            level += each.values()
            if not all(type(key) is str for key in each):
                return False
    return False


def own_value(value: Any, name: str, depth: int = 0) -> Any:
    """One value; see :func:`own_values`.

    Raises
    ------
    TypeError, ValueError
        If Python or JSON has no such value.
    """
    # Values may be 512 deep: one call for each level is as many as Python takes.
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in _NUMBERS or (kind is np.ndarray and value.dtype.type in _NUMBERS):
        return value.tolist()
    if depth >= MAX_DEPTH:
        raise ValueError(_endless(name))
    if isinstance(value, dict):
        members: dict[str, Any] = {}
        for key, inner in value.items():
            members[_key(key)] = own_value(inner, name, depth + 1)
        if len(members) < len(value):
            raise ValueError(f"an object in {name!r} has a key twice")
        return members
    if isinstance(value, list | tuple):
        items: list[Any] = []
        for inner in value:
            items.append(own_value(inner, name, depth + 1))  # noqa: PERF401
        return items
    spread = _spread(value)
    return _plain(value, name) if spread is value else own_value(spread, name, depth + 1)


def _spread(value: Any) -> Any:
    """An array as a list, a scalar of Arrow's or what pandas has for null as Python's."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "mM":
            return value.tolist()
        return list(value) if value.ndim else value[()]  # tolist() makes bare numbers of times
    if isinstance(value, pa.Scalar):
        return value.as_py()
    if type(value).__module__.partition(".")[0] != "pandas":
        return value
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    return value.tolist() if hasattr(value, "tolist") else value


def _endless(name: str) -> str:
    return f"column {name!r} holds a value that contains itself, or is more than {MAX_DEPTH} deep"


def _key(key: Any) -> str:
    """A key as text, as ``json`` has it."""
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return str.__str__(key) if isinstance(key, str) else str(key)


def _plain(value: Any, name: str) -> Any:
    """A value of a subclass of Python's own, or what NumPy has beside its numbers."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return _time(value, name)
    if isinstance(value, np.longdouble):
        is_float = float(value) == value or value != value
        return float(value) if is_float else decimal.Decimal(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, (*_TIMES, decimal.Decimal, uuid.UUID)):
        return value
    raise TypeError(f"column {name!r}: a {type(value).__name__} is no JSON value")


def _time(value: np.datetime64 | np.timedelta64, name: str) -> Any:
    """A time of NumPy's; one of nanoseconds as pandas has it, as Python does not."""
    made: Any = value.item()
    if np.datetime_data(value.dtype)[0] == "ns":
        made = pa.scalar(value.astype(f"{value.dtype.kind}8[ns]")).as_py()
    if isinstance(made, int):  # beyond the years of Python's, or in no unit of its
        raise ValueError(f"column {name!r}: a {value.dtype} of {value} is no value of Python's")
    return made
