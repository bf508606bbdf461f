# SPDX-License-Identifier: Apache-2.0
"""What a piece of work takes of the clock and of this thread's processor."""

from __future__ import annotations

from time import perf_counter, thread_time

from thresher.stats import StageCounts


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._clock, self._processor = perf_counter(), thread_time()

    def charge(self, *counts: StageCounts) -> None:
        """Add the seconds until now to stages that shared the work, in equal parts."""
        seconds, cpu_seconds = perf_counter() - self._clock, thread_time() - self._processor
        for each in counts:
            each.seconds += seconds / len(counts)
            each.cpu_seconds += cpu_seconds / len(counts)
