# SPDX-License-Identifier: Apache-2.0
"""How much memory Ray's object store gets where nothing is said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SHARE_OF_MEMORY = 0.3
SHARE_OF_FREE_SPACE = 0.5
LEAST = 80 << 20
"""Ray refuses less than 75 MiB."""

MOST = 200 * 10**9

SHARED_MEMORY = Path("/dev/shm")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
LIMITS = ("memory.max", "memory.limit_in_bytes")


def object_store_bytes(temp_dir: Path) -> int:
    """30% of the memory we may use, but at most half of the free space where objects lie.

    That is ``/dev/shm``, or where it is too small for any store (64 MB in a plain container)
    ``temp_dir``, to which Ray falls back.
    """
    place = SHARED_MEMORY if _room(SHARED_MEMORY) >= LEAST else temp_dir
    return max(LEAST, min(int(SHARE_OF_MEMORY * memory_limit()), _room(place), MOST))


def memory_limit() -> int:
    """Bytes of this machine, or of the tightest cgroup that this process is in."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for line in _read(OWN_CGROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = CGROUPS / "memory" if controllers else CGROUPS
        # Within a container the path is often that of the host: its own root is then the limit.
        group = Path(path.lstrip("/"))
        for folder in (root, *(root / each for each in (group, *group.parents))):
            found = [text for name in LIMITS if (text := _read(folder / name)).isdigit()]
            limit = min([limit, *map(int, found)])
    return limit


def _room(place: Path) -> int:
    try:
        return int(SHARE_OF_FREE_SPACE * shutil.disk_usage(place).free)
    except OSError:
        return 0


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
