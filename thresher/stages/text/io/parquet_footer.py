# SPDX-License-Identifier: Apache-2.0
"""What the footers of Parquet files tell of their columns before a value is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.tasks.converting import observed_type
from thresher.tasks.types import (
    EXACT,
    NANOSECONDS_REACH,
    ColumnType,
    Types,
    as_void,
    declared_type,
    inner_types,
    leaf_types,
)


def types_in(file: pq.ParquetFile, observed: Collection[str] = ()) -> Types:
    """The columns of a file; for those in ``observed`` statistics tell what is void or exact."""
    columns: Types = {}
    first = 0
    for field in file.schema_arrow:
        kind = declared_type(field)
        stop = first + len(list(leaf_types(field.type)))
        if field.name in observed:
            columns[field.name] = _observed(file, field.name, kind, range(first, stop))
        else:
            columns[field.name] = kind
        first = stop
    return columns


def index_of(file: pq.ParquetFile) -> str:
    """Name of a pandas index that only the footer has, as a range: no column holds its values."""
    told = file.schema_arrow.pandas_metadata or {}
    ranges = [index for index in told.get("index_columns", ()) if isinstance(index, dict)]
    return next((str(index["name"]) for index in ranges if index.get("name") is not None), "")


def _observed(file: pq.ParquetFile, name: str, kind: ColumnType, places: range) -> ColumnType:
    """The type as statistics tell it; ``places`` are those of the column's leaves in the file."""
    chunks: dict[int, list[Any]] = {}
    for place, chunk in _chunks(file.metadata, places):
        path = chunk.path_in_schema
        if path != name and not path.startswith(f"{name}."):
            return kind  # the file has other leaves than its types
        if chunk.physical_type == "INT96":  # which has no statistics
            return _by_values(file, name, kind)
        chunks.setdefault(place, []).append(chunk)
    leaves = list(leaf_types(kind.type))
    pairs = zip(leaves, chunks.values(), strict=False)
    # Arrow writes no statistics of nulls.
    is_void = all(pa.types.is_null(leaf) or all(map(_is_void, each)) for (_, leaf), each in pairs)
    # Statistics count an empty list like a null.
    if is_void and (not inner_types(kind.type) or _is_null(file, name)):
        return as_void(kind)
    if kind.is_json:
        return kind
    known = zip(leaves, chunks.values(), strict=False)
    exact = {path for (path, leaf), each in known if all(_is_exact(c, leaf) for c in each)}
    large = kind.large - exact if chunks else frozenset()
    return ColumnType(kind.type, False, False, not large, large)


def _by_values(file: pq.ParquetFile, name: str, kind: ColumnType) -> ColumnType:
    """The type of a column as its values tell."""
    field = kind.to_field(name)
    batches = file.iter_batches(columns=[name], use_threads=False)
    found = (observed_type(batch.column(name), field) for batch in batches)
    return reduce(ColumnType.merge, found, as_void(kind))


def _chunks(footer: Any, places: range) -> Iterator[tuple[int, Any]]:
    for i in range(footer.num_row_groups):
        group = footer.row_group(i)
        for place in places[: max(group.num_columns - places.start, 0)]:
            yield place, group.column(place)


def _is_null(file: pq.ParquetFile, name: str) -> bool:
    """Whether all values of a column are null, by reading it."""
    batches = file.iter_batches(columns=[name], use_threads=False)
    return all(batch.column(name).null_count == batch.num_rows for batch in batches)


def _is_void(chunk: Any) -> bool:
    if not chunk.num_values:
        return True
    statistics = chunk.statistics
    known = statistics is not None and statistics.has_null_count
    return known and statistics.null_count == chunk.num_values


def _is_exact(chunk: Any, kind: pa.DataType) -> bool:
    """Whether all whole numbers are exact as float64, and all times within nanoseconds' reach."""
    statistics = chunk.statistics
    if _is_void(chunk):
        return True
    if statistics is None or not statistics.has_min_max:
        return False
    limit = EXACT
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        limit = NANOSECONDS_REACH.get(kind.unit, 2**63 - 1)
        return -limit <= statistics.min_raw and statistics.max_raw <= limit
    if chunk.physical_type not in ("INT32", "INT64") or "DECIMAL" in str(statistics.logical_type):
        return chunk.physical_type in ("BOOLEAN", "FLOAT", "DOUBLE", "BYTE_ARRAY")
    low, high = statistics.min, statistics.max
    return isinstance(low, int) and -limit <= low and high <= limit
