# SPDX-License-Identifier: Apache-2.0
"""What this machine, or this container, lets us use."""

from __future__ import annotations

import os
from pathlib import Path

MEMORY_SHARE = 0.6
_CGROUP = Path("/sys/fs/cgroup")


def cpu_count() -> int:
    """Cores we may use: the smaller of the CPU affinity and the cgroup's quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    quota = _read("cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit():
        cores = min(cores, max(1, int(quota[0]) // int(quota[1])))
    return cores


def memory_bytes() -> int:
    """60% of the memory of the machine or of the cgroup, whichever is smaller."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read("memory.max")
    if limit.isdigit():
        total = min(total, int(limit))
    return int(total * MEMORY_SHARE)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _read(name: str) -> str:
    try:
        return (_CGROUP / name).read_text().strip()
    except OSError:
        return ""
