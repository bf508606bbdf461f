# SPDX-License-Identifier: Apache-2.0
"""Shard: which parts of a run are one driver's share, where several drivers share a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from thresher.errors import PlanError

SLURM = "slurm"
"""Stands for the shard that the environment of a Slurm array task names."""

INDEX = ("THRESHER_SLURM_ARRAY_SHARD_INDEX", "SLURM_ARRAY_TASK_ID")
TOTAL = ("THRESHER_SLURM_ARRAY_TOTAL_SHARDS", "SLURM_ARRAY_TASK_COUNT")
FIRST = ("THRESHER_SLURM_ARRAY_MINIMUM_SHARD_INDEX",)


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
        """From ``"0/4"``, ``(0, 4)``, or ``"slurm"``, which asks the environment.

        Raises
        ------
        PlanError
            If it is none of these, or Slurm says nothing.
        """
        if isinstance(value, Shard):
            return value
        if isinstance(value, str):
            if value.strip().lower() == SLURM:
                return cls.of_array_task(environment)
            if match := re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", value):
                return cls(int(match[1]), int(match[2]))
        elif isinstance(value, tuple) and len(value) == 2 and all(map(_is_count, value)):
            return cls(*value)
        raise PlanError(
            f"{value!r} names no shard", where="shard", todo="write 0/4, or slurm in a Slurm array"
        )

    @classmethod
    def of_array_task(cls, environment: Mapping[str, str]) -> Shard:
        """The shard of this task of a Slurm array.

        ``SLURM_ARRAY_TASK_ID`` of ``SLURM_ARRAY_TASK_COUNT``. The variables
        ``THRESHER_SLURM_ARRAY_SHARD_INDEX``, ``..._TOTAL_SHARDS`` and
        ``..._MINIMUM_SHARD_INDEX`` (0) go before, for arrays that retry some shards only.
        """
        index, total = (_number(environment, names) for names in (INDEX, TOTAL))
        first = _number(environment, FIRST) or 0
        if index is None or total is None:
            missing = " and ".join(n[-1] for n, v in ((INDEX, index), (TOTAL, total)) if v is None)
            raise PlanError(
                f"this is no task of a Slurm array: {missing} not set",
                where="shard 'slurm'",
                todo="submit with sbatch --array=0-3, or name the shard: --shard 0/4",
            )
        if not 0 <= index - first < total:
            raise PlanError(
                f"array task {index} is none of {total} shards from {first} on",
                where="shard 'slurm'",
                todo=f"submit with --array=0-{total - 1}; when only some are run again, set "
                f"{TOTAL[0]} to the number of all",
            )
        return cls(index - first, total)


def _number(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        if text := environment.get(name, "").strip():
            if not text.isdigit():
                raise PlanError(f"{name}={text!r} is no number", where="shard 'slurm'")
            return int(text)
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
