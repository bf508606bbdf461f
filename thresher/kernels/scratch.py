# SPDX-License-Identifier: Apache-2.0
"""Working memory of kernels, made here: NumPy's functions within a kernel take long to compile."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Integers


def longest(offsets: Integers) -> int:
    """int64[n+1] -> the bytes of the longest document.

    Working memory for so many may be asked for freely: what is never written to takes no room.
    """
    return int(np.diff(offsets).max(initial=0))


def slots_for(count: int) -> int:
    """Slots of a table for ``count`` entries: what ``distinct.table_size`` gives."""
    return max(16, 1 << (2 * count - 1).bit_length())
