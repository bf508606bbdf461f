# SPDX-License-Identifier: Apache-2.0
"""Types of columns as people write them: ``types={"score": "float64"}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import PlanError
from thresher.tasks.types import ASKED_JSON, JSON_TEXT, ColumnType, Types

_NAMES = {
    "text": JSON_TEXT,
    "str": JSON_TEXT,
    "string": JSON_TEXT,
    "int": pa.int64(),
    "float": pa.float64(),
    "bytes": pa.large_binary(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}
_LIST = re.compile(r"list<\s*(?:item:\s*)?(.+)>", re.IGNORECASE)
_ZONED = re.compile(r"timestamp\[(s|ms|us|ns),\s*(?:tz=)?([^\]]+)\]", re.IGNORECASE)
_DECIMAL = re.compile(r"decimal(?:128|256)?\((\d+),\s*(\d+)\)")

TypesGiven = Mapping[str, Any]
"""Column name to the name of a type, or a ``pyarrow.DataType``."""


def parse_types(given: TypesGiven | None, where: str) -> Types:
    """The columns and their types.

    Raises
    ------
    PlanError
        If one of them names no type.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise PlanError(f"types={given!r}", where, 'write types={"column": "float64"}')
    return {str(name): _parsed(str(name), kind, where) for name, kind in given.items()}


def _parsed(name: str, given: Any, where: str) -> ColumnType:
    if isinstance(given, pa.DataType):
        return ColumnType(given)
    if str(given).strip().lower() == "json":
        return ASKED_JSON
    kind = _type(str(given).strip())
    if kind is None:
        raise PlanError(
            f"types: {given!r} is not a type (column {name!r})",
            where,
            "use text, int64, float64, bool, json, timestamp[us], date32, list<int64> and the "
            "like, or a pyarrow.DataType",
        )
    return ColumnType(kind)


def _type(text: str) -> pa.DataType | None:
    if match := _LIST.fullmatch(text):
        inner = _type(match[1].strip())
        return None if inner is None else pa.list_(inner)
    if match := _ZONED.fullmatch(text):
        return _zoned(match[1].lower(), match[2].strip())
    text = text.lower()
    if text in _NAMES:
        return _NAMES[text]
    if match := _DECIMAL.fullmatch(text):
        precision, scale = int(match[1]), int(match[2])
        if 1 <= precision <= 76:
            make = pa.decimal128 if precision <= 38 else pa.decimal256
            return make(precision, scale)
        return None
    try:
        return pa.type_for_alias(text)
    except ValueError:
        return None


def _zoned(unit: str, zone: str) -> pa.DataType | None:
    kind = pa.timestamp(unit, "UTC" if zone.lower() in ("utc", "z") else zone)
    try:
        pc.assume_timezone(pa.array([0], pa.timestamp(unit)), kind.tz)
    except (pa.ArrowInvalid, ValueError, KeyError):
        return None
    return kind
