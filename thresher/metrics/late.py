# SPDX-License-Identifier: Apache-2.0
"""Late: keeps an observer out of a run until there is somebody to publish to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from thresher.runs.report import Observer, RunEnd, RunStart, Snapshot


class Late(Observer):
    """Begins to tell ``observer`` once ``ready`` says so, and first of all what it has missed.

    Executors join a cluster at a moment of their own.
    """

    def __init__(self, observer: Observer, ready: Callable[[], bool]) -> None:
        self.observer = observer
        self.ready = ready
        self._awake = False
        self._start: RunStart | None = None
        self._entered: list[tuple[int, Sequence[Sequence[str]]]] = []

    def started(self, start: RunStart) -> None:
        """Keep it."""
        self._start = start
        self._entered.clear()
        self._awake = False
        self._is_awake()

    def entered(self, segment: int, steps: Sequence[Sequence[str]]) -> None:
        """Tell or keep it."""
        if self._is_awake():
            self.observer.entered(segment, steps)
        else:
            self._entered.append((segment, steps))

    def heard(self, message: object) -> None:
        """Tell it, if anybody listens."""
        if self._is_awake():
            self.observer.heard(message)

    def progressed(self, snapshot: Snapshot) -> None:
        """Tell it, if anybody listens."""
        if self._is_awake():
            self.observer.progressed(snapshot)

    def ended(self, end: RunEnd) -> None:
        """Tell it, if anybody listens."""
        if self._is_awake():
            self.observer.ended(end)

    def _is_awake(self) -> bool:
        if not self._awake and self._start is not None and self.ready():
            self._awake = True
            self.observer.started(self._start)
            for segment, steps in self._entered:
                self.observer.entered(segment, steps)
        return self._awake
