# SPDX-License-Identifier: Apache-2.0
"""Memory for batches, used again once nothing refers to it.

A fresh buffer of some megabytes costs the operating system as long to clear as it takes to fill.
"""

from __future__ import annotations

import sys
import threading

import numpy as np
from numpy.typing import NDArray

_KEPT = 6
_SMALLEST, _LARGEST = 1 << 20, 24 << 20

_UNUSED = sys.getrefcount(np.empty(0)) + 2  # known to the list and to a variable
_own = threading.local()


def empty(n_bytes: int) -> NDArray[np.uint8]:
    """uint8[n_bytes], uninitialised; a view of memory that earlier views no longer keep alive."""
    if not _SMALLEST <= n_bytes <= _LARGEST:
        return np.empty(n_bytes, np.uint8)
    kept: list[NDArray[np.uint8]] = _own.__dict__.setdefault("kept", [])
    for known in kept:
        if n_bytes <= known.size and sys.getrefcount(known) == _UNUSED:
            return known[:n_bytes]
    fresh = np.empty(n_bytes + n_bytes // 8, np.uint8)
    if len(kept) == _KEPT:
        kept.pop(0)
    kept.append(fresh)
    return fresh[:n_bytes]
