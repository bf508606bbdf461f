# SPDX-License-Identifier: Apache-2.0
"""How much each row of a table weighs: where files are cut must not depend on batches."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.columns import to_numpy
from thresher.tasks.types import is_list

Weights: TypeAlias = "npt.NDArray[np.int64]"

_FIXED = 8
"""Bytes that a value of a fixed size is counted as."""


def row_weights(table: pa.Table) -> Weights:
    """int64[n_rows]: bytes of the strings of each row, and 8 for every other value."""
    total: Weights = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        total += np.concatenate([total[:0], *(_weights(chunk) for chunk in column.chunks)])
    return total


def _weights(column: pa.Array) -> Weights:
    types = pa.types
    kind = column.type
    if types.is_dictionary(kind):
        return _weights(column.dictionary_decode())
    if types.is_run_end_encoded(kind):
        return _weights(pc.run_end_decode(column))
    if _has_lengths(kind):
        return to_numpy(pc.fill_null(pc.binary_length(column), 0)).astype(np.int64)
    if types.is_struct(kind):
        inside = [_weights(inner) for inner in column.flatten()]
        return np.sum([np.zeros(len(column), np.int64), *inside], axis=0)
    if is_list(kind) or types.is_map(kind):
        return _of_lists(column)
    return np.full(len(column), _FIXED, np.int64)


def _of_lists(column: Any) -> Weights:
    if pa.types.is_map(column.type):
        inner = _weights(column.keys) + _weights(column.items)  # of all maps, also of a slice
        ends = to_numpy(column.offsets).astype(np.int64)
        cumulated = np.concatenate([np.zeros(1, np.int64), np.cumsum(inner)])
        return np.diff(cumulated[ends]) + _FIXED
    counts = to_numpy(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    cumulated = np.concatenate([np.zeros(1, np.int64), np.cumsum(_weights(column.flatten()))])
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return np.diff(cumulated[ends]) + _FIXED


def _has_lengths(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def cut_places(weights: Weights, filled: int, most: int, rows: int, most_rows: int) -> list[int]:
    """Places behind which a group of rows is full: at ``most`` bytes, or ``most_rows`` rows.

    ``filled`` and ``rows`` are the bytes and rows that the open group has.
    """
    places: list[int] = []
    sums = np.cumsum(weights)
    at, spent = 0, -filled
    while at < len(weights):
        by_weight = int(np.searchsorted(sums, spent + most, "left")) + 1
        by_rows = at + most_rows - (rows if not places else 0)
        stop = min(by_weight, by_rows)
        if stop > len(weights):
            break
        places.append(stop)
        at, spent = stop, int(sums[stop - 1])
    return places
