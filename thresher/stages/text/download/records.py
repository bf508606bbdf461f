# SPDX-License-Identifier: Apache-2.0
"""Records gathered into tables of one schema; those that do not fit are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from thresher.tasks import ROW
from thresher.tasks.columns import from_numpy

MOST_ROWS = 65_536
_SMALL = 64
"""Bytes that a value which is no text is counted as."""


class Gathered:
    """Records until there are enough of them for a table.

    A column has the type of its first table; a later value of another type does not fit.
    """

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._types: dict[str, pa.DataType] = {}
        self._records: list[dict[str, Any]] = []
        self._numbers: list[int] = []
        self._size = 0

    def add(self, number: int, record: dict[str, Any]) -> None:
        """Gather record ``number``."""
        self._records.append(record)
        self._numbers.append(number)
        self._size += sum(
            len(value) if type(value) is str or type(value) is bytes else _SMALL
            for value in record.values()
        )

    @property
    def is_full(self) -> bool:
        """Whether it is time to take a table."""
        return self._size >= self._n_bytes or len(self._records) >= MOST_ROWS

    def take(self) -> tuple[pa.Table, list[tuple[int, dict[str, Any], str]]]:
        """A table of the records that fit, and (number, record, reason) of the others."""
        records, numbers = self._records, self._numbers
        self._records, self._numbers, self._size = [], [], 0
        misfits: list[tuple[int, dict[str, Any], str]] = []
        try:
            columns = self._columns(records)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError):
            records, numbers, misfits = self._part(records, numbers)
            columns = self._columns(records)
        for name, column in columns.items():
            if not pa.types.is_null(column.type):
                self._types.setdefault(name, column.type)
        row = from_numpy(np.array(numbers, np.int64))
        return pa.table({ROW: row, **columns}), misfits

    def _part(
        self, records: list[dict[str, Any]], numbers: list[int]
    ) -> tuple[list[dict[str, Any]], list[int], list[tuple[int, dict[str, Any], str]]]:
        """The records that fit with those before them, their numbers, and the others."""
        good: list[dict[str, Any]] = []
        kept: list[int] = []
        misfits: list[tuple[int, dict[str, Any], str]] = []
        for number, record in zip(numbers, records, strict=True):
            try:
                columns = self._columns([record])
            except (pa.ArrowException, UnicodeError) as error:
                misfits.append((number, record, f"its values do not fit a column: {error}"))
                continue
            for name, column in columns.items():
                if not pa.types.is_null(column.type):
                    self._types.setdefault(name, column.type)
            good.append(record)
            kept.append(number)
        return good, kept, misfits

    def _columns(self, records: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
        names = dict.fromkeys(self._types)
        keys = None
        for record in records:
            if record.keys() != keys:
                keys = record.keys()
                names |= dict.fromkeys(keys)
        return {
            str(name): self._column(str(name), [record.get(name) for record in records])
            for name in names
        }

    def _column(self, name: str, values: list[Any]) -> pa.Array:
        known = self._types.get(name)
        if (known is None or pa.types.is_string(known)) and all(type(v) is str for v in values):
            return _texts(values)
        return pa.array(values, type=known)


def _texts(values: list[str]) -> pa.Array:
    """string[n]; what ``pa.array`` makes of them, without importing pandas."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        return pa.array(values, pa.large_string())
    offsets = pa.py_buffer(ends.astype(np.int32))
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, offsets, pa.py_buffer(b"".join(encoded))]
    )
