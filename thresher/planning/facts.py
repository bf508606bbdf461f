# SPDX-License-Identifier: Apache-2.0
"""Whether what stages declare can be understood at all; everything else is checked after that."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Any

from thresher.errors import PlanError, ThresherError, error_text
from thresher.planning.plan import Stage
from thresher.stages.base import Determinism, Rows
from thresher.stages.resources import Resources


def check_facts(stages: Sequence[Stage]) -> list[ThresherError]:
    """Mistakes in what stages say of themselves."""
    mistakes: list[ThresherError] = []
    for number, stage in enumerate(stages, 1):
        where = f"stage {number}, {stage.name!r}"
        mistakes += [PlanError(what, where, todo) for what, todo in _mistakes_of(stage)]
    return mistakes


def _mistakes_of(stage: Stage) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    needs: Any = stage.resources
    if not isinstance(needs, Resources):
        found.append((f"resources is {needs!r}", "write Resources(cpus=...)"))
    for name, kind in (("rows", Rows), ("determinism", Determinism)):
        value, allowed = getattr(stage, name), typing.get_args(kind)
        if value not in allowed:
            found.append((f"{name}={value!r} means nothing", f"use one of {', '.join(allowed)}"))
    size: Any = stage.batch_size
    if size is not None and (not isinstance(size, int) or size < 1):
        found.append((f"batch_size={size!r} is no number of tasks", "use 1 or more, or None"))
    for name in ("inputs", "outputs"):
        try:
            told = getattr(stage, name)()
        except Exception as error:
            found.append((f"{name}() raises {error_text(error)}", "mend it"))
            continue
        if not _is_columns(told):
            todo = 'return two lists of names: ([], ["text"])'
            found.append((f"{name}() gives {told!r}", todo))
    return found


def _is_columns(told: Any) -> bool:
    if not isinstance(told, tuple | list) or len(told) != 2:
        return False
    return all(
        isinstance(names, list | tuple | set | frozenset)
        and all(isinstance(name, str) for name in names)
        for names in told
    )
