# SPDX-License-Identifier: Apache-2.0
"""Infer column types from a sample of records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from thresher.kernels.jsonl_plain import BrokenRecord, parse_record
from thresher.stages.text.io.jsonl_columns import TEXT, fits, json_field
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
    return pa.schema([infer_field(key, seen) for key, seen in values.items() if key not in HIDDEN])


def infer_field(name: str, values: list[Any]) -> pa.Field:
    """The field that holds all ``values`` with nothing lost."""
    kind = _kind([value for value in values if value is not None])
    return json_field(name) if kind is None else pa.field(name, kind)


def _kind(values: list[Any]) -> pa.DataType | None:
    """The type, None for JSON text."""
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
    if types in ({dict}, {list}):
        return _nested(values)
    return None


def _nested(values: list[Any]) -> pa.DataType | None:
    try:
        kind = pa.array(values).type
    except (pa.ArrowException, OverflowError, ValueError, RecursionError):
        return None
    if _has_null(kind) or not all(fits(value, kind) for value in values):
        return None
    return kind


def _has_null(kind: pa.DataType) -> bool:
    """Whether a part of the type is not known: an empty list, or null throughout."""
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    empty_struct = pa.types.is_struct(kind) and not inner
    return empty_struct or pa.types.is_null(kind) or any(_has_null(part) for part in inner)
