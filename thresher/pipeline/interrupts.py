# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: once finishes what is running, twice stops now; both leave a run that resumes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from thresher.backends.local.inline import InlinePool

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Signal handlers for the time of a run; in other threads than the main one there are none."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.draining = False
        self._untold = False
        self.cancel = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.draining:
            self.draining = self._untold = True
            if InlinePool.is_calling:  # nobody else comes to say it until the stage ends
                self.announce()
            return
        self.cancel.set()
        if InlinePool.is_calling:
            raise KeyboardInterrupt  # in the stage: there is no worker that could be stopped

    def announce(self) -> None:
        """Say that the run is ending; where a driver runs, not from the handler of signals, which
        may be in mid-print."""
        if self._untold:
            self._untold = False
            self.tell("interrupted: finishing what is running; once more stops now (both resume)")
