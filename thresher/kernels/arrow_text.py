# SPDX-License-Identifier: Apache-2.0
"""Arrow text columns as the flat buffers that kernels read."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]


class Text(NamedTuple):
    """n documents as one UTF-8 buffer: ``data`` uint8[n_bytes], ``offsets`` int64[n+1].

    Document i is ``data[offsets[i]:offsets[i + 1]]``; a null is an empty document. Both are views
    of Arrow's memory where possible, and read-only, so that a kernel has one signature.
    """

    data: Bytes
    offsets: Integers


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
        or (pa.types.is_dictionary(kind) and is_text(kind.value_type))
    )


def text_chunks(column: pa.Array | pa.ChunkedArray) -> list[Text]:
    """The chunks of a text column; none for a column without chunks."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [_text(chunk) for chunk in chunks]


def _text(chunk: pa.Array) -> Text:
    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        chunk = chunk.cast(pa.large_string())
    if chunk.null_count:  # the slot of a null may hold bytes
        chunk = pc.fill_null(chunk, "")
    width: type = np.int32 if pa.types.is_string(chunk.type) else np.int64
    _, offsets_buffer, data_buffer = chunk.buffers()
    n = len(chunk)
    if offsets_buffer is None or offsets_buffer.size == 0:  # Arrow allows this for no rows
        offsets: npt.NDArray[Any] = np.zeros(1, np.int64)
    else:
        offsets = np.frombuffer(offsets_buffer, width)[chunk.offset : chunk.offset + n + 1]
    return Text(_read_only(data_buffer), _frozen(offsets.astype(np.int64, copy=False)))


def _read_only(buffer: Any) -> Bytes:
    if buffer is None:
        return _frozen(np.zeros(0, np.uint8))
    return _frozen(np.frombuffer(buffer, np.uint8))


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array[:]
    view.flags.writeable = False
    return view


def sample() -> Text:
    """Two documents as kernels are given them, to compile a kernel with."""
    offsets = pa.py_buffer(np.array([0, 10, 21], np.int64))
    data = pa.py_buffer(b"Two words.And a\nline.")
    return _text(pa.LargeStringArray.from_buffers(2, offsets, data))
