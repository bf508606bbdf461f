# SPDX-License-Identifier: Apache-2.0
"""Shard: which parts of a run are one driver's share, where several drivers share a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from thresher.errors import PlanError
from thresher.runs.array_task import ENABLED, SlurmArrayConfig

SLURM = "slurm"
"""Stands for the shard that the environment of a Slurm array task names."""


def share_of(name: str, count: int) -> int:
    """The shard, 0 to ``count - 1``, that a part belongs to: a hash of its name."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) % count


@dataclass(frozen=True)
class Shard:
    """One of ``count`` drivers, numbered from 0.

    Raises
    ------
    PlanError
        If there is no such driver.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.index < self.count:
            raise PlanError(
                f"there is no shard {self.index} of {self.count}",
                where="shard",
                todo="shards are numbered from 0: 0/4, 1/4, 2/4 and 3/4 are four drivers",
            )

    @property
    def name(self) -> str:
        """The name of its ledger chain."""
        return str(self.index)

    def owns(self, part: str) -> bool:
        """Whether a part of this name is in its share."""
        return share_of(part, self.count) == self.index

    @classmethod
    def of(cls, value: object, environment: Mapping[str, str]) -> Shard:
        """From ``"0/4"``, ``(0, 4)``, a :class:`SlurmArrayConfig`, or ``"slurm"``.

        The last asks the environment.

        Raises
        ------
        PlanError
            If it is none of these, or Slurm says nothing.
        """
        if isinstance(value, Shard):
            return value
        if isinstance(value, SlurmArrayConfig):
            return cls(value.shard_index - value.minimum_shard_index, value.total_shards)
        if isinstance(value, str):
            if value.strip().lower() == SLURM:
                return cls.of(_array_task(environment), environment)
            if match := re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", value):
                return cls(int(match[1]), int(match[2]))
        elif isinstance(value, tuple) and len(value) == 2 and all(map(_is_count, value)):
            return cls(*value)
        raise PlanError(
            f"{value!r} names no shard", where="shard", todo="write 0/4, or slurm in a Slurm array"
        )


def _array_task(environment: Mapping[str, str]) -> SlurmArrayConfig:
    found = SlurmArrayConfig.from_env(environment)
    if found is None:
        raise PlanError(
            f"this is no task of a Slurm array: SLURM_ARRAY_TASK_ID is not set, or {ENABLED} is 0",
            where="shard 'slurm'",
            todo="submit with sbatch --array=0-3, or name the shard: --shard 0/4",
        )
    return found


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
