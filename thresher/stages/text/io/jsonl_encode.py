# SPDX-License-Identifier: Apache-2.0
"""Encode Arrow columns as JSON values, and rows of them as JSON objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thresher.kernels import compiled
from thresher.kernels import jsonl_write_plain as plain
from thresher.kernels.arrow_text import text_chunks
from thresher.tasks.columns import to_numpy
from thresher.tasks.json_text import exact_value
from thresher.tasks.json_written import (
    as_json,
    is_of_json,
    own_digits,
    values_to_write,
)
from thresher.tasks.nested import decoded
from thresher.tasks.types import JSON_TEXT, is_guessed, is_json, is_text

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

NULL = b"null"
_ROOM = 128
_SPELLINGS = r'^(?:"[^"]*\\|-?[0-9]+[.eE]|-0)'
"""Strings with escapes, and numbers with a fraction or exponent: each has several spellings."""


@dataclass
class Values:
    """n JSON values: value i is ``data[starts[i]:stops[i]]``.

    Parameters
    ----------
    data : uint8[...]
        The values' bytes.
    starts, stops : int64[n]
        Where each begins and ends.
    """

    data: Bytes
    starts: Integers
    stops: Integers


def encode_rows(table: pa.Table) -> Bytes:
    """uint8: one line for each row of ``table``, all its columns in order."""
    parts: list[Bytes] = []
    starts = np.empty((table.num_rows, 2 * table.num_columns + 1), np.int64)
    stops = np.empty_like(starts)
    size = 0
    for i, field in enumerate(table.schema):
        key = (b"{" if i == 0 else b",") + encode_key(field.name)
        values = encode_column(table.column(i), field)
        starts[:, 2 * i], stops[:, 2 * i] = size, size + len(key)
        size += len(key)
        starts[:, 2 * i + 1], stops[:, 2 * i + 1] = values.starts + size, values.stops + size
        size += len(values.data)
        parts += [np.frombuffer(key, np.uint8), values.data]
    end = b"}\n" if table.num_columns else b"{}\n"
    starts[:, -1], stops[:, -1] = size, size + len(end)
    data = np.concatenate([*parts, np.frombuffer(end, np.uint8)])
    return gather(data, data, np.zeros(starts.size, np.bool_), starts.ravel(), stops.ravel())


def encode_key(name: str) -> bytes:
    """A key in quotes, and its colon."""
    return json.dumps(name, ensure_ascii=False).encode("utf-8", "surrogatepass") + b":"


def encode_column(column: pa.Array | pa.ChunkedArray, field: pa.Field) -> Values:
    """The values of a column; nulls and NaN are ``null``."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(column.type) or pa.types.is_run_end_encoded(column.type):
        column = decoded(column)
        field = pa.field(field.name, column.type)
    if is_json(field):
        return _with_nulls(_written(_in_plain_form(column)), column)
    if is_text(field):
        return _with_nulls(_strings(column), column)
    kind = column.type
    types = pa.types
    if types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        is_made = types.is_decimal(kind) and is_guessed(field)
        text = own_digits(column) if is_made else column.cast(JSON_TEXT)
        return _with_nulls(_written(text), column)
    return _listed([as_json(value).encode() for value in values_to_write(column, field)])


def gather(
    first: Bytes, second: Bytes, from_second: NDArray[np.bool_], starts: Integers, stops: Integers
) -> Bytes:
    """uint8: pieces of two buffers one after the other; see the plain definition."""
    out = np.empty(int((stops - starts).sum()), np.uint8)
    if compiled.ready("jsonl_write", len(out)):
        from thresher.kernels import jsonl_write as kernel

        kernel.gather(_frozen(first), _frozen(second), from_second, starts, stops, out)
    else:
        plain.gather(first, second, from_second, starts, stops, out)
    return out


def _frozen(array: Bytes) -> Bytes:
    """A read-only view: kernels are compiled for one kind of array."""
    view = array[:]
    view.flags.writeable = False
    return view


def _strings(column: pa.Array) -> Values:
    """A text column, escaped and in quotes."""
    (text,) = text_chunks(column)
    n_bytes = int(text.offsets[-1] - text.offsets[0])
    n_rows = len(column)
    ends = np.zeros(n_rows + 1, np.int64)
    out = np.empty(n_bytes + n_bytes // 16 + 2 * n_rows + _ROOM, np.uint8)
    if compiled.ready("jsonl_write", n_bytes):
        from thresher.kernels import jsonl_write as kernel

        escape = kernel.escape
    else:
        escape = plain.escape
    done = 0
    while (done := escape(text.data, text.offsets, done, out, ends)) < n_rows:
        larger = np.empty(2 * len(out) + _ROOM, np.uint8)
        larger[: ends[done]] = out[: ends[done]]
        out = larger
    return Values(out[: ends[-1]], ends[:-1], ends[1:])


def _written(column: pa.Array) -> Values:
    """A column of text that is JSON already."""
    (text,) = text_chunks(column)
    return Values(text.data, text.offsets[:-1], text.offsets[1:])


def _in_plain_form(column: pa.Array) -> pa.Array:
    """JSON text whose plain values are as a column of their own would be written; NaN is null."""
    is_odd = pc.or_(pc.match_substring_regex(column, _SPELLINGS), pc.match_substring(column, "NaN"))
    rows = np.flatnonzero(to_numpy(is_odd.fill_null(False)))
    if not rows.size:
        return column
    texts = column.to_pylist()
    for row in rows.tolist():
        constants: list[str] = []
        value = exact_value(texts[row], constants.append)  # which gives null
        if constants or is_of_json(value):
            texts[row] = as_json(value)
    return pa.array(texts, JSON_TEXT)


def _listed(values: list[bytes]) -> Values:
    ends = np.fromiter(accumulate(map(len, values), initial=0), np.int64, len(values) + 1)
    return Values(np.frombuffer(b"".join(values), np.uint8), ends[:-1], ends[1:])


def _with_nulls(values: Values, column: pa.Array) -> Values:
    """The values, ``null`` where the column is null."""
    if column.null_count == 0:
        return values
    is_null = to_numpy(column.is_null())
    at = len(values.data)
    return Values(
        np.concatenate([values.data, np.frombuffer(NULL, np.uint8)]),
        np.where(is_null, at, values.starts),
        np.where(is_null, at + len(NULL), values.stops),
    )


def same_values(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    """bool[n]: where columns of one plain type hold the same value; two nulls differ."""
    equal = pc.equal(left, right)
    found = to_numpy(equal)
    return found & to_numpy(equal.is_valid()) if equal.null_count else found
