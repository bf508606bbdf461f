# SPDX-License-Identifier: Apache-2.0
"""Infer column types from a sample of records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from thresher.kernels.jsonl_plain import BrokenRecord, parse_record
from thresher.stages.text.io.jsonl_columns import TEXT, json_field
from thresher.tasks.document import HIDDEN

_INT64 = range(-(2**63), 2**63)
_EXACT_FLOAT = 2**53


def infer(lines: Iterable[bytes]) -> pa.Schema:
    """A field for every key of the records, in order of appearance; broken records are left out.

    Strings are large_string, whole numbers int64, numbers float64, truth values bool, objects and
    lists their Arrow types; what is mixed, too large or null throughout is JSON text.
    """
    values: dict[str, list[Any]] = {}
    for line in lines:
        try:
            parse_record(line)
            record = json.loads(line)
        except (BrokenRecord, ValueError, RecursionError):
            continue
        for key, value in record.items():
            values.setdefault(key, []).append(value)
    names = [key for key in values if key not in HIDDEN and _is_text(key)]
    return pa.schema([infer_field(key, values[key]) for key in names])


def infer_field(name: str, values: list[Any]) -> pa.Field:
    """The field that holds all ``values`` with nothing lost."""
    kind = _kind([value for value in values if value is not None])
    return json_field(name) if kind is None else pa.field(name, kind)


def _kind(values: list[Any]) -> pa.DataType | None:
    """The type of values none of which is null; None for JSON text."""
    types = {type(value) for value in values}
    if types == {str}:
        return TEXT
    if types == {bool}:
        return pa.bool_()
    if types == {int} and all(value in _INT64 for value in values):
        return pa.int64()
    if types in ({float}, {int, float}) and all(
        isinstance(value, float) or abs(value) <= _EXACT_FLOAT for value in values
    ):
        return pa.float64()
    if types == {dict}:
        return _struct(values)
    if types == {list}:
        inner = _kind([value for items in values for value in items if value is not None])
        return None if inner is None else pa.list_(inner)
    return None


def _struct(objects: list[dict[str, Any]]) -> pa.DataType | None:
    """A struct of all members, in order of appearance; None if the type of one is not known."""
    members: dict[str, list[Any]] = {}
    for item in objects:
        for key, value in item.items():
            seen = members.setdefault(key, [])
            if value is not None:
                seen.append(value)
    kinds = {key: _kind(seen) for key, seen in members.items() if _is_text(key)}
    if len(kinds) < max(len(members), 1) or None in kinds.values():
        return None
    return pa.struct(list(kinds.items()))


def _is_text(key: str) -> bool:
    """Whether a key can name a column: it cannot with half a surrogate pair in it."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
