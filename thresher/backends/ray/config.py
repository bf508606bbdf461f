# SPDX-License-Identifier: Apache-2.0
"""Executors' ``config`` dictionaries."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from thresher.backends.ray.placement import Group
from thresher.errors import PlanError


def checked_config(
    executor: str, config: dict[str, Any] | None, keys: Sequence[str]
) -> dict[str, Any]:
    """A copy of the configuration, whose keys the executor must know."""
    given = dict(config or {})
    check_keys(given, keys, "config", executor)
    return given


def check_keys(
    given: Collection[str], known: Sequence[str], what: str, where: str, todo: str = ""
) -> None:
    """Raise a ``PlanError`` for keys that nobody reads."""
    if unknown := ", ".join(sorted(set(given) - set(known))):
        todo = todo or f"known are {', '.join(known)}"
        raise PlanError(f"unknown key in its {what}: {unknown}", where=where, todo=todo)


def runtime_env_of(group: Group, config: dict[str, Any]) -> Group:
    """The group with the executor's environment below that of its stages."""
    base = config.get("runtime_env")
    if not base:
        return group
    own = json.loads(group.runtime_env) if group.runtime_env else {}
    merged = {**base, **own}
    if "env_vars" in base or "env_vars" in own:
        merged["env_vars"] = {**base.get("env_vars", {}), **own.get("env_vars", {})}
    return replace(group, runtime_env=json.dumps(merged, sort_keys=True))
