# SPDX-License-Identifier: Apache-2.0
"""SlurmArrayConfig: which of an array's drivers this process is, by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from thresher.errors import PlanError

ENABLED = "THRESHER_SLURM_ARRAY_ENABLED"
INDEX = ("THRESHER_SLURM_ARRAY_SHARD_INDEX", "SLURM_ARRAY_TASK_ID")
TOTAL = ("THRESHER_SLURM_ARRAY_TOTAL_SHARDS", "SLURM_ARRAY_TASK_COUNT")
FIRST = ("THRESHER_SLURM_ARRAY_MINIMUM_SHARD_INDEX",)

_ON, _OFF = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")
_WHERE = "Slurm array"


@dataclass(frozen=True)
class SlurmArrayConfig:
    """One driver of a Slurm array; ``Pipeline.run(shard=)`` takes it as its share.

    Parameters
    ----------
    shard_index : int
        Its number, ``minimum_shard_index`` to ``minimum_shard_index + total_shards - 1``.
    total_shards : int
        How many drivers share the run.
    minimum_shard_index : int
        The number of the first one.

    Raises
    ------
    PlanError
        If there is no such driver.
    """

    shard_index: int
    total_shards: int
    minimum_shard_index: int = 0

    def __post_init__(self) -> None:
        index, total, first = self.shard_index, self.total_shards, self.minimum_shard_index
        if not 0 <= index - first < total:
            raise PlanError(
                f"array task {index} is none of {total} shards from {first} on",
                where=_WHERE,
                todo=f"submit with --array={first}-{first + max(total, 1) - 1}; when only some are "
                f"run again, set {TOTAL[0]} to the number of all",
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> SlurmArrayConfig | None:
        """The driver that this task of an array is; what ``--shard slurm`` stands for.

        ``SLURM_ARRAY_TASK_ID`` of ``SLURM_ARRAY_TASK_COUNT``. The variables
        ``THRESHER_SLURM_ARRAY_SHARD_INDEX``, ``..._TOTAL_SHARDS`` and
        ``..._MINIMUM_SHARD_INDEX`` (0) go before, for arrays that retry some shards only. None
        outside of an array, and where ``THRESHER_SLURM_ARRAY_ENABLED`` is 0.

        Raises
        ------
        PlanError
            If only one of number and total is known, one is no number, or there is no such driver.
        """
        known = os.environ if environment is None else environment
        switch = known.get(ENABLED, "").strip().lower()
        if switch not in _ON + _OFF:
            raise PlanError(f"{ENABLED}={switch!r} is neither 1 nor 0", where=_WHERE)
        if switch in _OFF:
            return None
        index, total = (_number(known, names) for names in (INDEX, TOTAL))
        if index is None and total is None:
            return None
        if index is None or total is None:
            missing = INDEX if index is None else TOTAL
            raise PlanError(
                f"{missing[-1]} is not set, but the other half of the pair is",
                where=_WHERE,
                todo=f"submit with sbatch --array=0-3, or set {missing[0]}",
            )
        return cls(index, total, _number(known, FIRST) or 0)


def _number(known: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        if text := known.get(name, "").strip():
            if not text.isdecimal():
                raise PlanError(f"{name}={text!r} is no number", where=_WHERE)
            return int(text)
    return None
