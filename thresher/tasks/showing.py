# SPDX-License-Identifier: Apache-2.0
"""Values and rows shown to people, whatever they hold: for reasons and for the quarantine."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

_LONG = 80


def shown(value: pa.Scalar) -> str:
    """A value as a reason shows it."""
    plain = python_of(value)
    return repr(plain)[:_LONG]


def record_of(row: pa.Table) -> str:
    """A table's only row as JSON."""
    values = {name: python_of(row.column(i)[0]) for i, name in enumerate(row.column_names)}
    return json.dumps(values, ensure_ascii=False, default=str)


def python_of(value: pa.Scalar) -> Any:
    """A value as Python has it, with text in the place of what Python does not have."""
    try:
        return value.as_py()
    except (ValueError, OverflowError, KeyError):
        pass
    if hasattr(value, "as_buffer"):  # text that is not UTF-8
        return value.as_buffer().to_pybytes().decode("utf-8", "backslashreplace")
    types, kind = pa.types, value.type
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return python_of(value.value)
    if types.is_struct(kind):
        pairs = [(kind.field(i).name, python_of(value[i])) for i in range(kind.num_fields)]
        return dict(pairs) if len(dict(pairs)) == len(pairs) else pairs
    if types.is_map(kind) or hasattr(value, "values"):
        return [python_of(inner) for inner in value.values]
    return str(getattr(value, "value", value.type))
