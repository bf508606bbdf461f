# SPDX-License-Identifier: Apache-2.0
"""Columns and types of the first records of a file: what a plan shows, and looks for first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from thresher.kernels.jsonl_plain import BrokenRecord, parse_record
from thresher.stages.reading import Sample
from thresher.tasks.converting import observed_type
from thresher.tasks.document import HIDDEN
from thresher.tasks.json_text import half_pairs, typed, whole_number
from thresher.tasks.types import JSON, ColumnType


def sample_of(lines: Iterable[bytes]) -> Sample:
    """The columns of records, in order of appearance; broken records are left out."""
    values: dict[str, list[Any]] = {}
    first_names: tuple[str, ...] = ()
    for line in lines:
        try:
            parse_record(line)
            record = json.loads(line, parse_int=whole_number)
        except (BrokenRecord, ValueError, RecursionError):
            continue
        first_names = first_names or tuple(filter(_can_name, record))
        for key, value in record.items():
            values.setdefault(key, []).append(value)
    columns = {name: _type(name, each) for name, each in values.items() if _can_name(name)}
    return Sample(columns, first_names, reserved=tuple(sorted(HIDDEN.intersection(values))))


def _type(name: str, values: list[Any]) -> ColumnType:
    column = typed(values)
    if column is None and (bad := half_pairs(values, name)):  # these go to quarantine
        column = typed([value for at, value in enumerate(values) if at not in bad])
    return JSON if column is None else observed_type(column, pa.field(name, column.type))


def _can_name(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return key not in HIDDEN
