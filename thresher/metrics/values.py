# SPDX-License-Identifier: Apache-2.0
"""Values: where the series of one run stand; written by the driver, read by endpoints."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from thresher.metrics.series import COMMON, SECONDS, SERIES

Key = tuple[str, tuple[str, ...]]
"""A series' name and the values of its labels, common ones first."""


@dataclass
class Histogram:
    """How many observations fell into which bucket, the last one unbounded; and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    sum: float = 0.0


class Values:
    """The series of one run.

    Parameters
    ----------
    common : tuple[str, ...]
        Values of the common labels.
    """

    def __init__(self, common: tuple[str, ...]) -> None:
        assert len(common) == len(COMMON)
        self.common = common
        self.refresh: Callable[[], None] = lambda: None
        self._lock = Lock()
        self._numbers: dict[Key, float] = {}
        self._histograms: dict[Key, Histogram] = {}

    def set(self, name: str, value: float, *own: str) -> None:
        """Set a gauge, or a counter to what somebody else has counted."""
        with self._lock:
            self._numbers[self._key(name, own)] = float(value)

    def add(self, name: str, amount: float, *own: str) -> None:
        """Raise a counter, or move a gauge."""
        key = self._key(name, own)
        with self._lock:
            self._numbers[key] = self._numbers.get(key, 0.0) + amount

    def observe(self, name: str, value: float, *own: str) -> None:
        """Count a value into its bucket."""
        with self._lock:
            histogram = self._histograms.setdefault(self._key(name, own), Histogram())
            histogram.counts[bisect_left(SECONDS, value)] += 1
            histogram.sum += value

    def drop(self, name: str) -> None:
        """Forget all values of a series."""
        with self._lock:
            for key in [key for key in self._numbers if key[0] == name]:
                del self._numbers[key]

    def numbers(self) -> dict[Key, float]:
        """All counters and gauges."""
        with self._lock:
            return dict(self._numbers)

    def histograms(self) -> dict[Key, Histogram]:
        """All histograms."""
        with self._lock:
            return {k: Histogram(list(h.counts), h.sum) for k, h in self._histograms.items()}

    def _key(self, name: str, own: tuple[str, ...]) -> Key:
        assert len(own) == len(SERIES[name].own), name
        return name, (*self.common, *own)
