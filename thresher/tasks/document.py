# SPDX-License-Identifier: Apache-2.0
"""DocumentBatch: documents as one Arrow table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from thresher.errors import StageError
from thresher.tasks.nested import convert_leaves, in_plain_lists
from thresher.tasks.task import Task
from thresher.tasks.types import inner_types, is_json, json_field, leaf_types

if TYPE_CHECKING:
    import pandas
    import polars

ROW = "__row"
"""Hidden column, int64: the row's number within its part, given by the reader."""

RAW = "__raw"
"""Hidden column, large_binary: the record's bytes as read, line end included."""

TOKENS = "__tokens"
"""Hidden column, int32: how many tokens the document has, where a tokenizer was given."""

HIDDEN = frozenset((ROW, RAW, TOKENS))


@dataclass(frozen=True, eq=False, repr=False)
class DocumentBatch(Task[pa.Table]):
    """A batch of documents.

    Parameters
    ----------
    data : pyarrow.Table
        One row per document. A record batch, pandas or polars frame, dict of columns or list of
        dicts given here is converted.

    Notes
    -----
    Two hidden columns travel along: ``__row``, the row's number within its part, and for JSONL
    ``__raw``, the record as read. ``_parsed`` names the columns that were parsed from ``__raw``
    and ``_carried`` those of them that still hold what was read: the JSONL writer re-encodes only
    the rest. Stages need not know any of this.
    """

    data: pa.Table = field(default_factory=lambda: pa.table({}))
    _parsed: frozenset[str] = field(default=frozenset(), kw_only=True)
    _carried: frozenset[str] = field(default=frozenset(), kw_only=True)

    def __post_init__(self) -> None:
        self._normalise()

    def __getstate__(self) -> dict[str, Any]:
        # Sets have no order of their own: what is pickled is the same in every process.
        sets = {"_parsed": sorted(self._parsed), "_carried": sorted(self._carried)}
        return {**self.__dict__, **sets}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sets = {name: frozenset(state[name]) for name in ("_parsed", "_carried")}
        self.__dict__.update(state, **sets)

    def evolve(self: DocumentBatch, **changes: Any) -> DocumentBatch:
        """A shallow copy with some fields replaced; unknown names are refused."""
        if "data" in changes and not isinstance(changes["data"], pa.Table):
            changes["data"] = as_table(changes["data"], self.data.schema)
        return super().evolve(**changes)

    def _normalise(self) -> None:
        if not isinstance(self.data, pa.Table):
            object.__setattr__(self, "data", as_table(self.data))

    @property
    def num_items(self) -> int:
        """The number of rows."""
        return int(self.data.num_rows)

    @property
    def size_bytes(self) -> int:
        """Bytes of the table's Arrow buffers that its rows refer to."""
        return int(self.data.nbytes)

    def get_columns(self) -> list[str]:
        """Names of the columns, without the hidden ones."""
        return [name for name in self.data.column_names if name not in HIDDEN]

    def validate(self) -> bool:
        """Whether there are rows and columns."""
        return self.num_items > 0 and len(self.get_columns()) > 0

    def with_column(self, name: str, values: Any, *, is_json: bool = False) -> DocumentBatch:
        """A copy in which column ``name`` (new or replaced) holds ``values``, one per row.

        With ``is_json`` they are JSON text, for values that have no common type.
        """
        column = values
        if not isinstance(column, pa.Array | pa.ChunkedArray):
            column = pa.array(values)
        if len(column) != self.num_items:
            raise StageError(
                f"column {name!r} has {len(column)} values for {self.num_items} rows",
                todo="give one value per row",
            )
        field = json_field(name) if is_json else pa.field(name, column.type)
        index = self.data.schema.get_field_index(name)
        if index < 0:
            table = self.data.append_column(field, column)
        else:
            table = self.data.set_column(index, field, column)
        return self.evolve(data=table, _carried=self._carried - {name})

    def to_pyarrow(self) -> pa.Table:
        """The table, hidden columns included."""
        return self.data

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas frame (needs pandas).

        ``__row`` is included, so that a stage that selects rows keeps their identity; the raw
        records are not.
        """
        table = self.data.select([n for n in self.data.column_names if n != RAW])
        for index, name in enumerate(table.column_names):
            column = table.column(index)
            if any(leaf == pa.time64("ns") for _, leaf in leaf_types(column.type)):
                table = table.set_column(index, name, convert_leaves(column, _in_microseconds))
        return table.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars frame (needs polars), with ``__row``, without raw records."""
        import polars

        table = self.data.select([n for n in self.data.column_names if n != RAW])
        for index, column in enumerate(table.schema):
            _refuse_wide_decimals(column)
            if _has_list_view(column.type):  # which polars does not know: as lists
                lists = in_plain_lists(table.column(index))
                table = table.set_column(index, column.name, lists)
        frame = polars.from_arrow(table)
        assert isinstance(frame, polars.DataFrame)
        return frame


def _has_list_view(kind: pa.DataType) -> bool:
    types = pa.types
    is_view = types.is_list_view(kind) or types.is_large_list_view(kind)
    return is_view or any(map(_has_list_view, inner_types(kind)))


def _refuse_wide_decimals(field: pa.Field) -> None:
    """Polars panics at them, which no stage catches."""
    if any(pa.types.is_decimal256(leaf) for _, leaf in leaf_types(field.type)):
        raise StageError(
            f"polars has no type for the column {field.name!r}, which is {field.type}",
            todo="work on task.data, or ask for another type with types= on the reader",
        )


def _in_microseconds(leaf: pa.Array) -> pa.Array:
    """Times of day as Python has them; others as they are."""
    is_finer = leaf.type == pa.time64("ns")
    return leaf.cast(pa.time64("us"), safe=False) if is_finer else leaf


def as_table(data: Any, like: pa.Schema | None = None) -> pa.Table:
    """Convert record batches, frames, dicts of columns and lists of dicts to a table.

    Maps, which frames have as lists, are known by the schema of a table ``like`` it.
    """
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, dict):
        return pa.table(data)
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return pa.Table.from_pylist(data)
    module = type(data).__module__.partition(".")[0]
    if module == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data, {} if like is None else {f.name: f.type for f in like})
    if module == "polars" and hasattr(data, "to_arrow"):
        table = data.to_arrow()
        assert isinstance(table, pa.Table)
        return table
    raise StageError(
        f"DocumentBatch.data is a {type(data).__name__}",
        todo="give a pyarrow.Table, a pandas or polars frame, a dict of columns or a list of dicts",
    )


def _from_pandas(frame: pandas.DataFrame, known: Mapping[str, pa.DataType]) -> pa.Table:
    maps = [name for name in frame.columns if pa.types.is_map(known.get(name, pa.null()))]
    others = frame.drop(columns=maps)
    table = pa.Table.from_pandas(others, preserve_index=False).replace_schema_metadata(None)
    for name in maps:
        column = pa.array(frame[name], known[name], from_pandas=True)
        table = table.append_column(name, column)
    return table.select(list(frame.columns)) if maps else table


def table_like(
    columns: Mapping[str, Any], source: pa.Table, replaced: Collection[str] = ()
) -> pa.Table:
    """A table of columns taken from ``source``, those of JSON marked so, and ``replaced`` ones."""
    fields = [
        json_field(name)
        if name not in replaced
        and (index := source.schema.get_field_index(name)) >= 0
        and is_json(source.schema.field(index))
        else pa.field(name, column.type)
        for name, column in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def visible(names: Iterable[str]) -> list[str]:
    """The names that are not hidden columns."""
    return [name for name in names if name not in HIDDEN]
