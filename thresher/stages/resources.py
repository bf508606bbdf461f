# SPDX-License-Identifier: Apache-2.0
"""What one worker of a stage needs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from thresher.errors import PlanError


@dataclass(frozen=True)
class Resources:
    """Resources of one worker of a stage.

    Parameters
    ----------
    cpus : float
        CPU cores; fractions are allowed.
    gpu_memory_gb : float
        Memory of one GPU, in GiB. Excludes ``gpus``.
    gpus : float
        GPUs; fractions share one GPU among workers.
    memory_gb : float
        Main memory in GiB; 0 means not declared.

    Raises
    ------
    PlanError
        For negative amounts, or when both ``gpus`` and ``gpu_memory_gb`` are given.
    """

    cpus: float = 1.0
    gpu_memory_gb: float = 0.0
    gpus: float = 0.0
    memory_gb: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            amount = getattr(self, field.name)
            if not isinstance(amount, int | float) or isinstance(amount, bool) or amount < 0:
                raise PlanError(
                    f"Resources({field.name}={amount!r}) is not an amount",
                    todo=f"give {field.name} as a number of 0 or more",
                )
        if self.gpus > 0 and self.gpu_memory_gb > 0:
            raise PlanError(
                "Resources takes gpus or gpu_memory_gb, not both",
                todo="use gpu_memory_gb for a share of one GPU, gpus for whole GPUs or fractions",
            )

    @property
    def requires_gpu(self) -> bool:
        """Whether a worker needs a GPU or a share of one."""
        return self.gpus > 0 or self.gpu_memory_gb > 0


NOTHING = Resources(cpus=0.0)
"""What a worker asks for whose resources somebody else counts."""
