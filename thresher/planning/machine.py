# SPDX-License-Identifier: Apache-2.0
"""The machine a plan is made for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thresher.core.allowance import cpu_limit, memory_limit


@dataclass(frozen=True)
class Machine:
    """Cores, bytes of memory and GPUs of the largest node."""

    cpus: int
    memory: int
    gpus: float
    name: str = "this machine"

    @classmethod
    def here(cls) -> Machine:
        """What of this machine the process may use."""
        gpus = sum(path.name[6:].isdigit() for path in Path("/dev").glob("nvidia[0-9]*"))
        return cls(cpu_limit(), memory_limit(), gpus)
