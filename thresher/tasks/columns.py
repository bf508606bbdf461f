# SPDX-License-Identifier: Apache-2.0
"""Arrow columns around NumPy arrays.

``pa.array`` does the same, but imports pandas wherever it is installed, which takes longer than
many a small run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def from_numpy(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A column of bool[n], int[n], uint[n] or float[n]; null where ``valid`` does not hold."""
    kind = pa.from_numpy_dtype(values.dtype)
    is_bits = values.dtype == np.bool_
    buffer = bit_buffer(values) if is_bits else pa.py_buffer(np.ascontiguousarray(values))
    nulls = None if valid is None or valid.all() else bit_buffer(valid)
    return pa.Array.from_buffers(kind, len(values), [nulls, buffer])


def bit_buffer(mask: npt.NDArray[np.bool_]) -> pa.Buffer:
    """bool[n] as Arrow stores it: one bit each, the lowest first."""
    return pa.py_buffer(np.packbits(mask, bitorder="little"))


def to_numpy(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """The numbers or truth values of a column without nulls; a view of its memory if it can be."""
    if isinstance(column, pa.ChunkedArray):
        parts = [to_numpy(chunk) for chunk in column.chunks]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty(0, column.type.to_pandas_dtype()), *parts])
    if len(column) == 0:
        return np.empty(0, column.type.to_pandas_dtype())
    start, stop = column.offset, column.offset + len(column)
    values = column.buffers()[1]
    if pa.types.is_boolean(column.type):
        bits = np.frombuffer(values, np.uint8)[start // 8 : -(-stop // 8)]
        found = np.unpackbits(bits, bitorder="little").view(np.bool_)
        return found[start % 8 : start % 8 + len(column)]
    return np.frombuffer(values, column.type.to_pandas_dtype())[start:stop]
