# SPDX-License-Identifier: Apache-2.0
"""Write batches to one Parquet file, whose columns widen as later batches need it.

The bytes of a file depend on its rows and on its columns' types alone: row groups are cut by the
rows, not by the batches that they came in, and a file that is widened is cut anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher import storage
from thresher.stages.text.io.parquet_int96 import in_nanoseconds
from thresher.stages.text.io.row_weights import cut_places, row_weights
from thresher.storage import store_for
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.casting import cast_exactly
from thresher.tasks.converting import convert, observed_type
from thresher.tasks.json_text import narrowed, to_json
from thresher.tasks.nested import (
    chunks_of,
    dictionaries_in,
    in_plain_lists,
    is_encoded,
    rows_where,
)
from thresher.tasks.text_form import no_text
from thresher.tasks.types import (
    JSON,
    ColumnType,
    Types,
    in_order,
    inner_types,
    is_asked,
    is_json,
    json_field,
    to_schema,
    with_leaves,
)

ROW_GROUP_BYTES = 32 * 1024 * 1024
ROW_GROUP_ROWS = 1 << 17
PLACEHOLDER = "_extra"
"""The only column, of nulls, of a file whose rows have no columns: a Parquet file must have one."""

_NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class Layout:
    """What is known of a file's columns before it is written.

    Parameters
    ----------
    pinned : dict[str, ColumnType]
        Types that columns have, whatever values come; a value that does not fit costs its row.
    expected : dict[str, ColumnType]
        Types that columns are likely to have in the end, by a sample: with them from the start a
        file need not be written again.
    first, last : tuple[str, ...]
        Columns that stand before and behind all others.
    only : bool
        Whether there are no columns but the pinned ones.
    """

    pinned: Types = field(default_factory=dict)
    expected: Types = field(default_factory=dict)
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    only: bool = False

    def columns(self, held: Types) -> Types:
        """The columns of a file that holds columns of these types."""
        kinds = {name: self._kind(name, kind) for name, kind in held.items()} | self.pinned
        if not kinds:
            return {PLACEHOLDER: JSON}
        return {name: kinds[name] for name in in_order(kinds, self.first, self.last)}

    def _kind(self, name: str, held: ColumnType) -> ColumnType:
        expected = self.expected.get(name)
        return storable(held if expected is None else _widened(held, expected))


def _widened(held: ColumnType, expected: ColumnType) -> ColumnType:
    """The type expected if it holds the values; never a preference of the sample's alone."""
    if held.is_void:
        return expected
    return held if expected.is_void else held.merge(expected)


def storable(kind: ColumnType) -> ColumnType:
    """The type, or JSON if Parquet has none like it: a struct without members, for one."""
    stored = with_leaves(kind.type, _stored)
    return JSON if _is_unknown(stored) else replace(kind, type=stored, is_asked=False)


def _stored(leaf: pa.DataType) -> pa.DataType:
    """The type without an encoding that files do not have, as they have dictionaries of strings."""
    if not is_encoded(leaf) or (pa.types.is_dictionary(leaf) and _is_stringlike(leaf.value_type)):
        return leaf
    return with_leaves(leaf.value_type, _stored)


def _is_stringlike(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_unknown(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_struct(kind) and not kind.num_fields:
        return True
    if types.is_union(kind) or types.is_interval(kind):
        return True
    return any(_is_unknown(inner) for inner in inner_types(kind))


class ParquetStream:
    """An open Parquet file.

    ``held`` tells the types of the values written, ``columns`` those of the file.

    Parameters
    ----------
    file_path : str
        A new file.
    options : dict
        Options of ``pyarrow.parquet``; ``row_group_size`` in rows.
    storage_options : dict | None
        Options of the fsspec file system.
    layout : Layout | None
        What is known of the columns.
    """

    def __init__(
        self,
        file_path: str,
        options: dict[str, Any],
        storage_options: dict[str, Any] | None,
        layout: Layout | None = None,
    ) -> None:
        self._file_path = file_path
        self._options = dict(options)
        rows = self._options.pop("row_group_size", None)
        self._most_rows = ROW_GROUP_ROWS if rows is None else int(rows)
        self._most_bytes = ROW_GROUP_BYTES if rows is None else _NO_LIMIT
        self._storage_options = storage_options
        self._layout = layout or Layout()
        self.held: Types = {}
        self.columns: Types = {}
        self._file: Any = None
        self._writer: Any = None
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0

    def write(self, table: pa.Table) -> None:
        """Append a table, or raise BadRows for rows that no column can hold and append none.

        Columns that only later tables have are null in the rows before them.
        """
        table, held = self._observed(table)
        merged = dict(self.held)
        for name, kind in held.items():
            merged[name] = kind if name not in merged else merged[name].merge(kind)
        columns = self._layout.columns(merged)
        converted = _conformed(table, columns)
        self.held = merged
        if columns != self.columns:
            self._widen(columns)
        with storage.failures("write", self._file_path):
            self._append(converted)

    def close(self) -> None:
        """Finish the file."""
        with storage.failures("write", self._file_path):
            if self._waiting or self._writer is None:
                self._flush()
            self._writer.close()
            self._file.close()

    # -- columns ------------------------------------------------------------------------------

    def _observed(self, table: pa.Table) -> tuple[pa.Table, Types]:
        """The table with JSON columns in their narrowest types, and the types of its columns."""
        held: Types = {}
        bad: dict[int, str] = {}
        pinned = self._layout.pinned
        names = [n for n in table.column_names if n in pinned or not self._layout.only]
        columns, fields = [], []
        for name in names:
            index = table.schema.get_field_index(name)
            values, given = table.column(index), table.schema.field(index)
            rows = np.flatnonzero(rows_where(values, no_text)).tolist()
            if rows:
                bad |= dict.fromkeys(rows, f"column {name!r} holds text that is not UTF-8")
                continue
            values, given = _with_plain_nulls(values, given)
            if name in pinned:
                try:
                    if pinned[name].is_json and is_json(given):
                        values = to_json(values, given)  # canonical, without NaN and infinities
                    values = convert(values, given, pinned[name])
                except BadRows as error:
                    bad |= error.reasons
                held[name], given = pinned[name], pinned[name].to_field(name)
            else:
                try:
                    values, given = _narrow(values, given)
                except BadRows as error:
                    bad |= error.reasons
                else:
                    held[name] = observed_type(values, given)
            columns.append(values)
            fields.append(given)
        if bad:
            raise BadRows(bad)
        if not columns:
            return table.select([]), held
        return pa.Table.from_arrays(columns, schema=pa.schema(fields)), held

    def _widen(self, columns: Types) -> None:
        """Give the file other columns; what there is of it is written again."""
        waiting = [_conformed(part, columns) for part in self._waiting]
        written = self._writer is not None
        self.columns, self._waiting = columns, []
        self._rows = self._bytes = 0
        if not written:
            for part in waiting:
                self._append(part)
            return
        self._writer.close()
        self._file.close()
        self._writer = None
        narrow = f"{self._file_path}.narrow"
        store = store_for(self._file_path, self._storage_options)
        store.replace(self._file_path, narrow)
        for part in self._row_groups(narrow):
            self._append(_conformed(part, columns))
        for part in waiting:
            self._append(part)
        store.remove(narrow)

    def _row_groups(self, path: str) -> Iterator[pa.Table]:
        with storage.open_arrow(path, self._storage_options) as source:
            unit = "ns" if any(in_nanoseconds(k.type) for k in self.columns.values()) else "us"
            file = pq.ParquetFile(source, coerce_int96_timestamp_unit=unit)
            for i in range(file.num_row_groups):
                yield file.read_row_group(i)

    # -- row groups ---------------------------------------------------------------------------

    def _append(self, table: pa.Table) -> None:
        """Add rows; a row group that is full is written."""
        weights = row_weights(table)
        begin = 0
        places = cut_places(weights, self._bytes, self._most_bytes, self._rows, self._most_rows)
        for stop in places:
            self._waiting.append(table.slice(begin, stop - begin))
            self._flush()
            begin = stop
        if begin < table.num_rows:
            self._waiting.append(table.slice(begin))
            self._rows += table.num_rows - begin
            self._bytes += int(weights[begin:].sum())

    def _flush(self) -> None:
        schema = to_schema(self.columns or {PLACEHOLDER: JSON})
        if self._writer is None:
            self._file = storage.open_write(self._file_path, self._storage_options)
            sink = pa.PythonFile(self._file, mode="w")
            self._writer = pq.ParquetWriter(sink, schema, **self._options)
        rows = pa.concat_tables(self._waiting) if self._waiting else schema.empty_table()
        self._writer.write_table(rows.combine_chunks(), row_group_size=max(rows.num_rows, 1))
        self._waiting = []
        self._rows = self._bytes = 0


def _with_plain_nulls(values: pa.ChunkedArray, given: pa.Field) -> tuple[Any, pa.Field]:
    """A column without nulls among the values of dictionaries, which Parquet does not have."""
    if not any(each.null_count for chunk in values.chunks for each in dictionaries_in(chunk)):
        return values, given
    kind = with_leaves(values.type, _stored)
    plain = [in_plain_lists(chunk) for chunk in chunks_of(values)]
    return pa.chunked_array([cast_exactly(each, kind)[0] for each in plain]), given.with_type(kind)


def _narrow(values: Any, given: pa.Field) -> tuple[Any, pa.Field]:
    """A column in its narrowest type; where that is JSON, in the canonical form of JSON."""
    if not is_json(given):
        return values, given
    made, mixed = (values, True) if is_asked(given) else narrowed(values, given.name)
    if mixed:
        return to_json(values, given), json_field(given.name)
    return made, pa.field(given.name, made.type)


def _conformed(table: pa.Table, columns: Types) -> pa.Table:
    """The table with exactly these columns; those that it lacks are null."""
    made: Sequence[Any] = [
        pa.nulls(table.num_rows, kind.type)
        if (index := table.schema.get_field_index(name)) < 0
        else convert(table.column(index), table.schema.field(index), kind)
        for name, kind in columns.items()
    ]
    return pa.Table.from_arrays(list(made), schema=to_schema(columns))
