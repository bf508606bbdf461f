# SPDX-License-Identifier: Apache-2.0
"""What was found, as columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from thresher.stages.text.pii.match import Match
from thresher.tasks.columns import from_numpy

MATCHES = pa.list_(
    pa.struct(
        [
            pa.field("type", pa.string()),
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
            pa.field("score", pa.float64()),
        ]
    )
)
"""Type of the column of matches."""


def matches_column(found: Mapping[int, list[Match]], n_rows: int) -> pa.Array:
    """list<struct<type, start, end, score>>[n]: the matches of each row; empty lists, no nulls."""
    lengths = np.zeros(n_rows, np.int32)
    for row, matches in found.items():
        lengths[row] = len(matches)
    offsets = np.zeros(n_rows + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    each = [match for row in sorted(found) for match in found[row]]
    values = pa.StructArray.from_arrays(
        [
            pa.array([match.type for match in each], pa.string()),
            pa.array([match.start for match in each], pa.int64()),
            pa.array([match.end for match in each], pa.int64()),
            pa.array([match.score for match in each], pa.float64()),
        ],
        fields=list(MATCHES.value_type),
    )
    return pa.ListArray.from_arrays(from_numpy(offsets), values, type=MATCHES)


def count_column(found: Mapping[int, list[Match]], type: str, n_rows: int) -> pa.Array:
    """int64[n]: how many matches of one type each row has."""
    counts = np.zeros(n_rows, np.int64)
    for row, matches in found.items():
        counts[row] = sum(match.type == type for match in matches)
    return from_numpy(counts)


def with_rows(column: pa.ChunkedArray, changed: Mapping[int, str]) -> pa.ChunkedArray:
    """The column with some rows replaced; the same object if there are none."""
    if not changed:
        return column
    kind = column.type
    if pa.types.is_string_view(kind):  # Arrow cannot take from these
        column = column.cast(pa.large_string())
    rows = sorted(changed)
    new = pa.array([changed[row] for row in rows], type=column.type)
    order = np.arange(len(column), dtype=np.int64)
    order[rows] = len(column) + np.arange(len(rows))
    both = pa.chunked_array([*column.chunks, new], type=column.type)
    return both.take(from_numpy(order)).cast(kind)
