# SPDX-License-Identifier: Apache-2.0
"""Make Arrow columns of the values that a scan found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thresher.kernels import compiled
from thresher.kernels import jsonl_plain as plain
from thresher.stages.text.io import reused_buffers
from thresher.stages.text.io.jsonl_scan import PADDING, Scan
from thresher.tasks.columns import bit_buffer, from_numpy

TEXT = pa.large_string()
JSON_MARK = b"thresher:json"
EXTRA = "_extra"
"""Column of JSON objects: what records have beside the columns of a schema fixed before."""

Mask = NDArray[np.bool_]

KIND_NAMES = {
    plain.INTEGER: "a number",
    plain.DECIMAL: "a number",
    plain.TRUE: "true",
    plain.FALSE: "false",
    plain.OBJECT: "an object",
    plain.ARRAY: "a list",
}


def json_field(name: str) -> pa.Field:
    """A field whose values are JSON text."""
    return pa.field(name, TEXT, metadata={JSON_MARK: b"1"})


def is_json(field: pa.Field) -> bool:
    """Whether a field's values are JSON text."""
    return bool(field.metadata) and field.metadata.get(JSON_MARK) == b"1"


def is_text(field: pa.Field) -> bool:
    """Whether a field's values are plain text."""
    types = pa.types
    return not is_json(field) and (types.is_large_string(field.type) or types.is_string(field.type))


def unseen(scan: Scan) -> pa.Array | None:
    """JSON objects of what records have beside the scan's keys, to the letter; None if nothing."""
    counts = (scan.kinds != plain.ABSENT).sum(axis=0)
    objects: list[str | None] = [None] * len(scan.rows)
    for row in np.flatnonzero(scan.rows[:, 3] > counts).tolist():
        record = scan.record(row)
        others = [
            record[member.before + 1 : member.after].strip(b" \t\r\n").decode()
            for member in plain.parse_record(record).members
            if member.key not in scan.keys
        ]
        if others:
            objects[row] = "{" + ",".join(others) + "}"
    return pa.array(objects, TEXT) if any(objects) else None


def present(scan: Scan, k: int) -> Mask:
    """bool[n]: whether key ``k`` has a value other than null."""
    return (scan.kinds[k] != plain.ABSENT) & (scan.kinds[k] != plain.NULL)


def column(scan: Scan, k: int, field: pa.Field) -> pa.Array:
    """The values of key ``k`` as ``field`` types them; null where they are absent or do not fit."""
    if is_json(field):
        return _json_text(scan, k)
    if is_text(field):
        return text(scan, k).cast(field.type)
    if pa.types.is_null(field.type):
        return pa.nulls(len(scan.rows))
    return _converter(field.type)(scan, k, field.type)


def text(scan: Scan, k: int) -> pa.Array:
    """The strings of key ``k``, decoded."""
    kinds = scan.kinds[k]
    escaped = kinds == plain.ESCAPED
    return _strings(scan, k, escaped | (kinds == plain.TEXT), escaped, 0)


def _json_text(scan: Scan, k: int) -> pa.Array:
    """The values of key ``k`` as they are written."""
    # A string's span is its inside: one byte more on both sides takes the quotes along.
    quotes = np.isin(scan.kinds[k], (plain.TEXT, plain.ESCAPED, plain.HALF_PAIR))
    nothing = np.zeros(len(scan.rows), np.bool_)
    return _strings(scan, k, present(scan, k), nothing, quotes.astype(np.int64))


def _strings(scan: Scan, k: int, valid: Mask, escaped: Mask, widen: Any) -> pa.Array:
    """large_string[n] of the spans of key ``k`` where ``valid``, null elsewhere."""
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


def _converter(kind: pa.DataType) -> Callable[[Scan, int, pa.DataType], pa.Array]:
    types = pa.types
    if types.is_boolean(kind):
        return _booleans
    if types.is_integer(kind):
        return _integers
    if types.is_floating(kind):
        return _floats
    if types.is_nested(kind):
        return _nested
    return _from_text


def _booleans(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    is_true = scan.kinds[k] == plain.TRUE
    return from_numpy(is_true, is_true | (scan.kinds[k] == plain.FALSE))


def _integers(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    return _numbers(scan, k, scan.kinds[k] == plain.INTEGER, kind, int)


def _floats(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    number = (scan.kinds[k] == plain.INTEGER) | (scan.kinds[k] == plain.DECIMAL)
    return _numbers(scan, k, number, kind, _finite)


def _finite(digits: str) -> float:
    value = float(digits)
    if value - value != 0:
        raise OverflowError(digits)
    return value


def _numbers(
    scan: Scan, k: int, valid: Mask, kind: pa.DataType, parse: Callable[[str], Any]
) -> pa.Array:
    nothing = np.zeros(len(valid), np.bool_)
    digits = _strings(scan, k, valid, nothing, 0)
    try:
        numbers = pc.cast(digits, kind)
    except pa.ArrowInvalid:
        return _one_by_one(digits, kind, parse)
    if pa.types.is_floating(kind) and not pc.all(pc.is_finite(numbers), min_count=0).as_py():
        return _one_by_one(digits, kind, parse)
    return numbers


def _from_text(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    """Times and the like, written as strings."""
    strings = text(scan, k)
    try:
        return pc.cast(strings, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _one_by_one(strings, kind, lambda value: pa.scalar(value).cast(kind))


def _nested(scan: Scan, k: int, kind: pa.DataType) -> pa.Array:
    def parse(value: str) -> Any:
        decoded = json.loads(value)
        return decoded if fits(decoded, kind) else None

    written = _json_text(scan, k)
    try:
        values = [None if value is None else parse(value) for value in written.to_pylist()]
        return pa.array(values, kind)
    except (ValueError, OverflowError, RecursionError, pa.ArrowException):
        return _one_by_one(written, kind, parse)


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


def fits(value: Any, kind: pa.DataType) -> bool:
    """Whether a type holds a decoded JSON value with nothing lost or changed."""
    types = pa.types
    if value is None:
        return True
    if isinstance(value, dict):
        if not types.is_struct(kind):
            return False
        fields = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        return all(key in fields and fits(inner, fields[key]) for key, inner in value.items())
    if isinstance(value, list):
        is_list = types.is_list(kind) or types.is_large_list(kind)
        return is_list and all(fits(inner, kind.value_type) for inner in value)
    if isinstance(value, bool):
        return types.is_boolean(kind)
    if isinstance(value, int):
        return types.is_integer(kind) or (types.is_floating(kind) and abs(value) <= 2**53)
    if isinstance(value, float):
        return types.is_floating(kind)
    return types.is_string(kind) or types.is_large_string(kind)
