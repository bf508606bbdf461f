# SPDX-License-Identifier: Apache-2.0
"""What of its allowance a run takes, and what a process has."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from thresher.core.allowance import memory_limit

MEMORY_SHARE = 0.6


def memory_bytes() -> int:
    """60% of the memory we may use."""
    return int(memory_limit() * MEMORY_SHARE)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its children; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    children: list[str] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            children += path.read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(resident_bytes, map(int, children)))
