# SPDX-License-Identifier: Apache-2.0
"""How much memory Ray's object store gets where nothing is said."""

from __future__ import annotations

import shutil
from pathlib import Path

from thresher.core.allowance import memory_limit

SHARE_OF_MEMORY = 0.3
SHARE_OF_FREE_SPACE = 0.5
LEAST = 80 << 20
"""Ray refuses less than 75 MiB."""

MOST = 200 * 10**9

SHARED_MEMORY = Path("/dev/shm")


def object_store_bytes(temp_dir: Path) -> int:
    """30% of the memory we may use, but at most half of the free space where objects lie.

    That is ``/dev/shm``, or where it is too small for any store (64 MB in a plain container)
    ``temp_dir``, to which Ray falls back.
    """
    place = SHARED_MEMORY if _room(SHARED_MEMORY) >= LEAST else temp_dir
    return max(LEAST, min(int(SHARE_OF_MEMORY * memory_limit()), _room(place), MOST))


def _room(place: Path) -> int:
    try:
        return int(SHARE_OF_FREE_SPACE * shutil.disk_usage(place).free)
    except OSError:
        return 0
