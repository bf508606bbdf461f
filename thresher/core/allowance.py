# SPDX-License-Identifier: Apache-2.0
"""What of this machine a process may use: all of it, or what its control groups leave it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def memory_limit() -> int:
    """Bytes of this machine, or of the tightest control group that this process is in."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (text := _read(folder / name)).isdigit():
                limit = min(limit, int(text))
    return limit


def cpu_limit() -> int:
    """Cores: the smallest of CPU affinity and the control groups' quotas, and at least one."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    for folder in _groups("cpu"):
        text = _read(folder / "cpu.max") or (
            f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}"
        )
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit():
            cores = min(cores, int(quota) // int(period))
    return max(1, cores)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process's control groups and of those above them, of either version."""
    yield CGROUPS
    for line in _read(OWN_CGROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controller if controllers else CGROUPS
        # Within a container the path is often that of the host: its own root is then the limit.
        group = Path(path.lstrip("/"))
        yield from (root, *(root / each for each in (group, *group.parents)))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
