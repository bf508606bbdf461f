# SPDX-License-Identifier: Apache-2.0
"""Crew: which workers there are, and what they do, as far as their messages tell."""

from __future__ import annotations

from collections import Counter
from time import monotonic

from thresher.backends.executor import Done, Failed, Started
from thresher.metrics.values import Values

HEARD_WITHIN_SECONDS = 60.0


class Crew:
    """Keeps the series about workers; one per run, told of a Segment's Steps when it begins."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._steps: list[str] = []
        self._running: dict[tuple[str, tuple[int, ...]], str] = {}
        self._heard: dict[tuple[str, str], float] = {}  # (step, worker): when
        self._peaks: dict[str, int] = {}

    def meet(self, steps: list[str]) -> None:
        """Another Segment begins; these are the labels of its Steps."""
        self.dismiss()
        self._steps = steps
        for step in steps:
            self.values.add("busy_seconds_total", 0, step)
            self.values.set("busy_workers", 0, step)

    def started(self, message: Started) -> None:
        """A call began."""
        step = self._steps[message.step]
        self._running[message.token, message.path] = step
        self._note(step, message.worker)
        self._tell()

    def finished(self, message: Done | Failed) -> None:
        """A call ended."""
        step = self._steps[message.step]
        self._running.pop((message.token, message.path), None)
        if isinstance(message, Failed):
            # The whole attempt is over, whatever other calls of it are still running.
            self._running = {k: s for k, s in self._running.items() if k[0] != message.token}
        else:
            self.values.add("busy_seconds_total", message.seconds, step)
            self._note(step, message.worker)
            if message.memory > self._peaks.get(step, 0):
                self._peaks[step] = message.memory
                self.values.set("worker_memory_peak_bytes", message.memory, step)
        self._tell()

    def dismiss(self) -> None:
        """The Segment is over: nobody works."""
        self._running.clear()
        self._heard.clear()
        self._tell()

    def refresh(self) -> None:
        """Forget workers that have been silent for long."""
        old = monotonic() - HEARD_WITHIN_SECONDS
        self._heard = {key: when for key, when in list(self._heard.items()) if when >= old}
        self._tell()

    def _note(self, step: str, worker: str) -> None:
        if worker:
            self._heard[step, worker] = monotonic()

    def _tell(self) -> None:
        busy = Counter(list(self._running.values()))
        served = Counter(step for step, _ in list(self._heard))
        for step in self._steps:
            self.values.set("busy_workers", busy[step], step)
            self.values.set("step_workers", served[step], step)
        self.values.set("workers", len({worker for _, worker in list(self._heard)}))
