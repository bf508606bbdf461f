# SPDX-License-Identifier: Apache-2.0
"""Slurm arrays: which driver a task of one is, and what to submit again.

A task runs its share with ``--shard slurm`` or ``Pipeline.run(shard=SlurmArrayConfig.from_env())``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from thresher.errors import PlanError
from thresher.runs.array_task import SlurmArrayConfig as SlurmArrayConfig
from thresher.runs.shard import share_of
from thresher.runs.unfinished import unfinished_shards
from thresher.tasks import Task


@dataclass(frozen=True)
class SlurmArrayRetryPlan:
    """The shards to run again, of all of a run; numbered from ``minimum_shard_index`` on."""

    shard_indices: tuple[int, ...]
    total_shards: int
    minimum_shard_index: int = 0


@dataclass(frozen=True)
class SlurmArrayRetrySubmission:
    """One array to submit; its task ``i`` runs shard ``i + shard_index_offset``.

    ``THRESHER_SLURM_ARRAY_SHARD_INDEX`` tells a task that number, and
    ``THRESHER_SLURM_ARRAY_TOTAL_SHARDS`` how many shards the run has.
    """

    array_indices: tuple[int, ...]
    shard_index_offset: int


def is_slurm_array_driver_process() -> bool:
    """Whether this is the first node of its array task, or no node of Slurm's at all."""
    return os.environ.get("SLURM_NODEID", "").strip() in ("", "0")


def slurm_array_shard_for_task(task: Task[Any], config: SlurmArrayConfig) -> int:
    """The number of the driver that runs a source's task: a hash of the task's id.

    Raises
    ------
    PlanError
        If it has no id yet.
    """
    if not task.task_id:
        raise PlanError(
            "a task without an id belongs to no shard yet",
            where=repr(task),
            todo="ids are given as the pipeline runs: Pipeline.run(shard=) picks the tasks itself",
        )
    return share_of(task.task_id, config.total_shards) + config.minimum_shard_index


def find_slurm_array_retries(
    checkpoint_path: str | os.PathLike[str],
) -> SlurmArrayRetryPlan | None:
    """What is left of a run of several drivers.

    Parameters
    ----------
    checkpoint_path : path
        The run directory: ``<output>/_thresher/<pipeline name>``, or what was given as
        ``run_dir`` or ``checkpoint_path``.

    Returns
    -------
    SlurmArrayRetryPlan | None
        Shards from 0 on, in order; None when everything is published. Shard 0 stands for all where
        every share is done and only publication is left. Running a shard that is done costs
        nothing; one that is running refuses a second start.

    Raises
    ------
    PlanError
        If nothing was run there.
    """
    shards, total = unfinished_shards(os.fspath(checkpoint_path))
    return SlurmArrayRetryPlan(tuple(shards), total) if shards else None


def build_slurm_array_retry_submissions(
    plan: SlurmArrayRetryPlan, max_array_size: int | None = None
) -> tuple[SlurmArrayRetrySubmission, ...]:
    """The arrays to submit, where Slurm takes indices below ``max_array_size`` only.

    Raises
    ------
    PlanError
        If ``max_array_size`` is below 1.
    """
    if max_array_size is not None and max_array_size < 1:
        raise PlanError(f"max_array_size={max_array_size} leaves no index", where="Slurm array")
    arrays: dict[int, list[int]] = {}
    for shard in sorted(plan.shard_indices):
        offset = 0 if max_array_size is None else shard // max_array_size * max_array_size
        arrays.setdefault(offset, []).append(shard - offset)
    return tuple(
        SlurmArrayRetrySubmission(tuple(indices), offset) for offset, indices in arrays.items()
    )


def format_slurm_array_indices(indices: Iterable[int]) -> str:
    """Indices as ``sbatch --array`` takes them, sorted, each once: ``[5, 1, 2]`` is ``"1-2,5"``.

    Raises
    ------
    TypeError
        If one is no whole number.
    PlanError
        If there is none, or one is negative.
    """
    given = list(indices)
    for index in given:
        if not isinstance(index, int) or isinstance(index, bool):
            raise TypeError(f"{index!r} is no index of an array: indices are whole numbers")
    found = sorted(set(given))
    if not found or found[0] < 0:
        raise PlanError(f"{given} are no indices of an array: it has some, from 0 on")
    gaps = [place for place, (a, b) in enumerate(pairwise(found), 1) if b > a + 1]
    runs = [found[a:b] for a, b in pairwise([0, *gaps, len(found)])]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
