# SPDX-License-Identifier: Apache-2.0
"""What stages ask of Ray Data, in ``ray_stage_spec``."""

from __future__ import annotations

from typing import Any

from thresher.backends.ray.config import check_keys
from thresher.errors import PlanError
from thresher.planning.plan import Step

_KEYS = (
    "is_actor_stage",
    "is_fanout_stage",
    "is_raft_actor",
    "is_lsh_stage",
    "is_shuffle_stage",
    "max_calls_per_worker",
    "min_workers",
    "max_workers",
    "initial_workers",
    "ray_remote_args",
    "ray_num_cpus",
)
_OURS = ("compute", "max_calls", "num_cpus", "num_gpus")


def asked_by(step: Step) -> dict[str, Any]:
    """The specifications of a Step's stages, later ones first.

    Raises
    ------
    PlanError
        For collective stages, for unknown keys, for ``ray_remote_args`` that have keys of their
        own, and for bounds of workers that contradict each other.
    """
    asked: dict[str, Any] = {}
    for stage in step.stages:
        if stage.collective:
            raise PlanError(
                "Ray Data cannot start its workers together",
                where=f"stage {stage.name!r}",
                todo="run it on RayActorPoolExecutor or XennaExecutor",
            )
        own = stage.ray_stage_spec()
        where = f"stage {stage.name!r}"
        check_keys(own, _KEYS, "ray_stage_spec", where)
        taken = sorted(set(own.get("ray_remote_args") or {}) & set(_OURS))
        if taken:
            raise PlanError(
                f"ray_remote_args cannot hold {', '.join(taken)}",
                where=where,
                todo="use resources, num_workers, max_calls_per_worker or ray_num_cpus",
            )
        asked.update(own)
    _check_bounds(asked, f"stage {step.stages[0].name!r}")
    return asked


def _check_bounds(asked: dict[str, Any], where: str) -> None:
    least = asked.get("min_workers", 1)
    most = asked.get("max_workers")
    first = asked.get("initial_workers")
    for name, value in ("min_workers", least), ("max_workers", most), ("initial_workers", first):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise PlanError(f"{name}={value!r} is not a number of workers", where=where)
    if most is not None and least > most:
        raise PlanError(f"min_workers={least} is above max_workers={most}", where=where)
    if first is not None and (first < least or (most is not None and first > most)):
        raise PlanError(
            f"initial_workers={first} is outside {least} to {most if most else 'any'}", where=where
        )
