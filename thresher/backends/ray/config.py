# SPDX-License-Identifier: Apache-2.0
"""Executors' ``config`` dictionaries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from thresher.backends.ray.placement import Group
from thresher.errors import PlanError


def checked_config(
    executor: str, config: dict[str, Any] | None, keys: Sequence[str]
) -> dict[str, Any]:
    """A copy of the configuration.

    Raises
    ------
    PlanError
        For keys that the executor does not know.
    """
    given = dict(config or {})
    unknown = sorted(set(given) - set(keys))
    if unknown:
        raise PlanError(
            f"unknown key{'s' if len(unknown) > 1 else ''} in its config: {', '.join(unknown)}",
            where=executor,
            todo=f"known are {', '.join(keys)}",
        )
    return given


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
