# SPDX-License-Identifier: Apache-2.0
"""The largest resident memory this process has had."""

from __future__ import annotations

from time import monotonic

READ_EVERY_SECONDS = 1.0


class PeakMemory:
    """Reads it at most once a second: asking the system takes longer than a small call."""

    def __init__(self) -> None:
        self._peak = 0
        self._read = -READ_EVERY_SECONDS

    def peak(self) -> int:
        """Bytes; 0 where the system does not tell."""
        now = monotonic()
        if now - self._read >= READ_EVERY_SECONDS:
            self._read = now
            self._peak = max(self._peak, peak_resident_bytes())
        return self._peak


def peak_resident_bytes() -> int:
    """Of this process, in bytes; 0 where the system does not tell.

    From ``VmHWM``: what ``getrusage`` tells begins with the memory of the parent.
    """
    try:
        with open("/proc/self/status", "rb") as status:
            line = next((line for line in status if line.startswith(b"VmHWM:")), b"")
        return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
