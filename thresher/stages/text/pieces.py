# SPDX-License-Identifier: Apache-2.0
"""Text columns cut into pieces, and pieces put together again, without a Python string between."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.columns import from_numpy

Counts = npt.NDArray[np.int64]


def one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The text column as one large_string[n]."""
    if isinstance(column, pa.ChunkedArray):
        chunks = [one_chunk(chunk) for chunk in column.chunks]
        return pa.concat_arrays(chunks) if chunks else pa.array([], pa.large_string())
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def cut(texts: pa.Array, separator: str) -> tuple[pa.Array, Counts]:
    """large_string[n] -> its pieces, large_string[m], and how many each text has, int64[n].

    A text has one piece more than separators, a null has one null piece.
    """
    lists = pc.split_pattern(texts, separator)
    if texts.null_count:
        lists = pc.if_else(pc.is_null(lists), pa.scalar([None], lists.type), lists)
    offsets = _offsets(lists, np.int32)
    return lists.flatten(), np.diff(offsets)


def put_together(pieces: pa.Array, counts: Counts, separator: str) -> pa.Array:
    """large_string[m], int64[n] -> large_string[n]: the pieces of each text joined.

    Null pieces are left out; a text of which nothing is left is null.
    """
    if pieces.null_count:
        there = np.asarray(pc.is_valid(pieces).to_numpy(zero_copy_only=False))
        owner = np.repeat(np.arange(len(counts)), counts)
        counts = np.bincount(owner[there], minlength=len(counts)).astype(np.int64)
        pieces = pieces.drop_null()
    n_pieces = len(pieces)
    ends = np.cumsum(counts)
    # Piece, separator, piece, separator: in one buffer that is the text but for its end, where
    # there is nothing in the separator's place.
    order = np.empty(2 * n_pieces, np.int64)
    order[0::2] = np.arange(n_pieces)
    order[1::2] = n_pieces
    order[2 * ends[counts > 0] - 1] = n_pieces + 1
    pool = pa.concat_arrays([pieces, pa.array([separator, ""], pa.large_string())])
    laid = pool.take(from_numpy(order))
    offsets = _offsets(laid, np.int64)[np.concatenate(([0], 2 * ends))]
    valid = counts > 0
    made = pa.LargeStringArray.from_buffers(
        len(counts), pa.py_buffer(np.ascontiguousarray(offsets)), laid.buffers()[2]
    )
    return made if valid.all() else pc.if_else(from_numpy(valid), made, None)


def _offsets(array: pa.Array, width: Any) -> Counts:
    """int64[n+1]: where each element of a list or text array begins, from its own first byte."""
    buffer = array.buffers()[1]
    if buffer is None or buffer.size == 0:
        return np.zeros(1, np.int64)
    found = np.frombuffer(buffer, width)[array.offset : array.offset + len(array) + 1]
    return found.astype(np.int64)
