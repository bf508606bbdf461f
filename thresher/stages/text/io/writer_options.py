# SPDX-License-Identifier: Apache-2.0
"""What all writers refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from thresher.errors import DataError, PlanError
from thresher.tasks.document import visible
from thresher.tasks.types import is_prepared


def check_writer_options(name: str, write_kwargs: dict[str, Any], known: Sequence[str]) -> None:
    """Refuse unknown ``write_kwargs``."""
    unknown = [key for key in write_kwargs if key not in known]
    if unknown:
        raise PlanError(
            f"write_kwargs has unknown keys: {', '.join(unknown)}",
            where=f"stage {name!r}",
            todo=f"known are {', '.join(known)}",
        )


def chosen_columns(table: pa.Table, fields: Sequence[str] | None) -> list[str]:
    """The visible columns, or those asked for; a DataError if one of them is missing.

    Columns of nulls that a reader has prepared for stages of tables are none of the records'.
    """
    if fields is None:
        n_rows, schema = table.num_rows, table.schema
        return [
            name
            for name in visible(table.column_names)
            if not is_prepared(schema.field(name)) or table.column(name).null_count < n_rows
        ]
    missing = [name for name in fields if name not in table.column_names]
    if missing:
        raise DataError(
            f"there is no column {missing[0]!r}",
            todo=f"the columns are {', '.join(visible(table.column_names))}",
        )
    return list(fields)
