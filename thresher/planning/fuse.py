# SPDX-License-Identifier: Apache-2.0
"""Fusion: neighbouring stages that share workers become one Step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from thresher.planning.fingerprint import describe
from thresher.planning.plan import Stage, Step
from thresher.stages.writing import BaseWriter


def fuse(stages: Sequence[Stage], *, fusion: bool = True) -> tuple[Step, ...]:
    """Cut a Segment's stages into Steps.

    Neighbours fuse if resources, runtime_env, num_workers, isolation and determinism are the same;
    a writer joins whatever stands before it, since it needs nothing but its rows. Collective
    stages stand alone: all of their workers run them, and a task must be written once.
    """
    groups: list[list[Stage]] = []
    for stage in stages:
        if groups and fusion and _together(groups[-1][-1], stage):
            groups[-1].append(stage)
        else:
            groups.append([stage])
    return tuple(Step(index, tuple(group)) for index, group in enumerate(groups))


def _together(left: Stage, right: Stage) -> bool:
    if left.collective or right.collective:
        return False
    if isinstance(right, BaseWriter) and not right.changes():
        return True
    return _key(left) == _key(right)


def _key(stage: Stage) -> tuple[Any, ...]:
    runtime = json.dumps(describe(stage.runtime_env), sort_keys=True)
    return (
        stage.resources,
        runtime,
        stage.num_workers(),
        stage.xenna_stage_spec().get("num_workers_per_node"),
        stage.isolation,
        stage.determinism,
    )
