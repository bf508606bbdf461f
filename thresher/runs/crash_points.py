# SPDX-License-Identifier: Apache-2.0
"""Named moments at which the fault tests kill this very process.

``THRESHER_CRASH_AT=name:n`` ends the process by SIGKILL when it passes that point for the n-th
time. Unset, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_wanted, _, _countdown = os.environ.get("THRESHER_CRASH_AT", "").partition(":")
_left = int(_countdown or 1)


def crash_point(name: str) -> None:
    """Die here if the fault tests asked for it."""
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
