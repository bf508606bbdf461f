# SPDX-License-Identifier: Apache-2.0
"""Quarantine: rows that could not be processed, with the reason and the way back to them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from thresher import storage
from thresher.stages.reading import BadRecord
from thresher.tasks import RAW, ROW, DocumentBatch
from thresher.tasks.showing import python_of
from thresher.tasks.types import is_json, is_prepared


@dataclass(frozen=True)
class Rejected:
    """One row in quarantine, or a range of rows.

    Parameters
    ----------
    row : int | None
        The row's number within its part, or that of the first of ``rows``.
    line : int
        Counts from 1; 0 where only the byte ``offset`` is known (-1: neither).
    rows : int
        How many rows the entry stands for.
    estimated : bool
        Whether that number is an estimate.
    failed : bool
        Whether a stage or its worker failed on them: another time it may go well. Otherwise the
        data is at fault.
    cause : str
        What failed, in a form that is the same at every attempt.
    """

    part: str
    row: int | None
    stage: str
    error: str
    file: str = ""
    line: int = 0
    offset: int = -1
    record: str | None = None
    rows: int = 1
    estimated: bool = False
    failed: bool = False
    cause: str = ""

    def to_json(self) -> bytes:
        """One line of a quarantine file."""
        values = {key: value for key, value in vars(self).items() if value not in (None, "", 0, -1)}
        values.pop("rows", None)
        values.pop("cause", None)
        if self.row == 0:
            values["row"] = 0
        if self.offset == 0:
            values["offset"] = 0
        if self.rows != 1:
            values["rows"] = self.rows
        text = json.dumps(values, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"  # lone surrogates are escaped


def from_bad_record(part: str, stage: str, bad: BadRecord) -> Rejected:
    """A record the reader could not read."""
    rejected = Rejected(
        part, bad.row, stage, bad.reason, bad.path, bad.line, bad.offset, _text(bad.record)
    )
    if not bad.is_rest:
        return rejected
    return replace(rejected, estimated=True, failed=True, cause=f"{stage}: unreadable")


def from_row(
    part: str, stage: str, error: str, row: DocumentBatch, *, failed: bool = False, cause: str = ""
) -> Rejected:
    """A row that cannot be processed; ``row`` is a batch of one."""
    names = row.data.column_names
    number = row.data.column(ROW)[0].as_py() if ROW in names else None
    if RAW in names and row.data.column(RAW)[0].is_valid:
        record = _text(row.data.column(RAW)[0].as_py())
    else:
        record = _written(row)
    return Rejected(part, number, stage, error, record=record, failed=failed, cause=cause)


def rows_in_file(path: str) -> int:
    """Rows that the entries of a quarantine file stand for, counted from the file."""
    with storage.open_read(path) as raw, io.BufferedReader(raw) as file:  # type: ignore[type-var]
        return sum(int(json.loads(line).get("rows", 1)) for line in file)


def _written(row: DocumentBatch) -> str:
    """The columns as JSON, without those of nulls that a reader has only prepared."""
    table = row.data.select(row.get_columns())
    members = [
        f"{_json(field.name)}: {_cell(table.column(index), field)}"
        for index, field in enumerate(table.schema)
        if not (is_prepared(field) and table.column(index).null_count)
    ]
    return "{" + ", ".join(members) + "}"


def _cell(column: pa.ChunkedArray, field: pa.Field) -> str:
    """A value as JSON; one of JSON as it is, as decoding would lose a key that is there twice."""
    value = python_of(column[0])
    return value if is_json(field) and value is not None else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(record: bytes) -> str:
    """The record as text; bytes that are no UTF-8 as backslash escapes."""
    return record.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
