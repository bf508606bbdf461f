# SPDX-License-Identifier: Apache-2.0
"""Quarantine: rows that could not be processed, with the reason and the way back to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from thresher.stages.reading import BadRecord
from thresher.tasks import RAW, ROW, DocumentBatch


@dataclass(frozen=True)
class Rejected:
    """One row in quarantine.

    ``line`` counts from 1 and is 0 where only the byte ``offset`` is known (-1: neither).
    """

    part: str
    row: int | None
    stage: str
    error: str
    file: str = ""
    line: int = 0
    offset: int = -1
    record: str | None = None

    def to_json(self) -> bytes:
        """One line of a quarantine file."""
        values = {key: value for key, value in vars(self).items() if value not in (None, "", 0, -1)}
        if self.row == 0:
            values["row"] = 0
        if self.offset == 0:
            values["offset"] = 0
        text = json.dumps(values, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"  # lone surrogates are escaped


def from_bad_record(part: str, stage: str, bad: BadRecord) -> Rejected:
    """A record the reader could not read."""
    return Rejected(
        part, bad.row, stage, bad.reason, bad.path, bad.line, bad.offset, _text(bad.record)
    )


def from_row(part: str, stage: str, error: str, row: DocumentBatch) -> Rejected:
    """A row on which a stage raised; ``row`` is a batch of one."""
    names = row.data.column_names
    number = row.data.column(ROW)[0].as_py() if ROW in names else None
    if RAW in names and row.data.column(RAW)[0].is_valid:
        record = _text(row.data.column(RAW)[0].as_py())
    else:
        record = json.dumps(_values(row), ensure_ascii=False, default=str)
    return Rejected(part, number, stage, error, record=record)


def _values(row: DocumentBatch) -> dict[str, Any]:
    values: dict[str, Any] = row.data.select(row.get_columns()).to_pylist()[0]
    return values


def _text(record: bytes) -> str:
    """The record as text; bytes that are no UTF-8 as backslash escapes."""
    return record.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
