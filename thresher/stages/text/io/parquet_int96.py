# SPDX-License-Identifier: Apache-2.0
"""Timestamps of Parquet's type INT96, as Spark, Hive and Impala write them.

They reach farther than Arrow's timestamps in nanoseconds, which would wrap around without a word,
and are finer than those in microseconds. So they are read as both: in microseconds, with which the
rest that these cut off is found.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.nested import Mask, convert_leaves, leaves, rows_where
from thresher.tasks.types import NANOSECONDS_REACH, leaf_types


def columns_with_int96(file: pq.ParquetFile) -> list[str]:
    """The columns with such a timestamp in them."""
    kinds = [file.schema.column(i).physical_type for i in range(len(file.schema))]
    names = []
    first = 0
    for field in file.schema_arrow:
        stop = first + sum(1 for _ in leaf_types(field.type))
        if "INT96" in kinds[first:stop]:
            names.append(field.name)
        first = stop
    return names


class Rows:
    """Rows of batches, handed out in other numbers than they come in."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._waiting: list[pa.Table] = []

    def take(self, n_rows: int) -> pa.Table:
        """The next rows."""
        while sum(table.num_rows for table in self._waiting) < n_rows:
            self._waiting.append(pa.Table.from_batches([next(self._batches)]))
        there = pa.concat_tables(self._waiting)
        self._waiting = [there.slice(n_rows)]
        return there.slice(0, n_rows).combine_chunks()


def finer(coarse: pa.ChunkedArray, fine: pa.ChunkedArray) -> Mask:
    """bool[n]: which values of a column have digits that microseconds cut off."""
    coarse, fine = coarse.combine_chunks(), fine.combine_chunks()  # laid out alike
    rest = iter(leaves(fine))
    return rows_where(
        convert_leaves(coarse, lambda leaf: _rest(leaf, next(rest))),
        lambda leaf: to_numpy(leaf) != 0,
    )


def _rest(coarse: pa.Array, fine: pa.Array) -> pa.Array:
    """Nanoseconds beside whole microseconds, also where nanoseconds have wrapped around."""
    rest = np.zeros(len(coarse), np.int64)
    if pa.types.is_timestamp(fine.type) and (coarse.type.unit, fine.type.unit) == ("us", "ns"):
        whole, all_digits = (
            to_numpy(each.view(pa.int64()).fill_null(0)) for each in (coarse, fine)
        )
        rest = all_digits - whole * 1000
    return from_numpy(rest)


def beyond_nanoseconds(coarse: pa.ChunkedArray) -> Mask:
    """bool[n]: which values of a column in microseconds are beyond the reach of nanoseconds."""

    def is_beyond(leaf: pa.Array) -> Mask | None:
        if not pa.types.is_timestamp(leaf.type) or leaf.type.unit != "us":
            return None
        values = to_numpy(leaf.view(pa.int64()).fill_null(0))
        return (values < -NANOSECONDS_REACH["us"]) | (values > NANOSECONDS_REACH["us"])

    return rows_where(coarse, is_beyond)


def in_nanoseconds(kind: pa.DataType) -> bool:
    """Whether a type has timestamps in nanoseconds."""
    return any(pa.types.is_timestamp(leaf) and leaf.unit == "ns" for _, leaf in leaf_types(kind))
