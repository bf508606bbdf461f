# SPDX-License-Identifier: Apache-2.0
"""The machine a plan is made for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Cores, bytes of memory and GPUs of the largest node."""

    cpus: int
    memory: int
    gpus: float
    name: str = "this machine"

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        gpus = sum(path.name[6:].isdigit() for path in Path("/dev").glob("nvidia[0-9]*"))
        return cls(os.cpu_count() or 1, memory, gpus)
