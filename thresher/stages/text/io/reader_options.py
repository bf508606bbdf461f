# SPDX-License-Identifier: Apache-2.0
"""What all readers refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thresher.errors import PlanError


def check_reader_options(
    name: str,
    read_kwargs: dict[str, Any],
    known: Sequence[str],
    generate_ids: bool = False,
    assign_ids: bool = False,
) -> None:
    """Refuse unknown ``read_kwargs`` and the id options."""
    where = f"stage {name!r}"
    if generate_ids or assign_ids:
        raise PlanError(
            "readers give no ids", where=where, todo="add AddId(id_field=...) after the reader"
        )
    unknown = [key for key in read_kwargs if key not in known]
    if unknown:
        raise PlanError(
            f"read_kwargs has unknown keys: {', '.join(unknown)}",
            where=where,
            todo=f"known are {', '.join(known)}",
        )
