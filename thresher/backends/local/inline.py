# SPDX-License-Identifier: Apache-2.0
"""The pool that is the calling thread itself, where debuggers see the stages."""

from __future__ import annotations

from collections import deque
from time import sleep
from typing import ClassVar

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Heartbeat
from thresher.backends.parcel import Handed
from thresher.backends.pool import Event, Pool
from thresher.backends.server import StepServer


class InlinePool(Pool):
    """No workers at all: calls run in the calling thread, where debuggers see them."""

    size = 1
    is_calling: ClassVar[bool] = False
    """Whether a stage runs in the calling thread right now."""

    def __init__(self, blob: bytes) -> None:
        self.server = StepServer(blob, "inline", Handed())
        self._queue: deque[Envelope] = deque()

    def free(self) -> int:
        """One at a time."""
        return 0 if self._queue else 1

    def submit(self, envelope: Envelope) -> None:
        """Keep the envelope until :meth:`wait`."""
        self._queue.append(envelope)

    def wait(self, timeout: float) -> list[Event]:
        """Run the envelope; without one, let the time pass."""
        if not self._queue:
            sleep(timeout)
            return []
        envelope = self._queue.popleft()
        beats: list[Event] = []
        token = envelope.attempt.token

        def beat(rows: int, stage: str) -> None:
            beats[:] = [Event(Heartbeat(token, rows, stage))]

        InlinePool.is_calling = True
        try:
            message, children = self.server.call(envelope, beat)
        finally:
            InlinePool.is_calling = False
        return [*beats, Event(message, envelope, tuple(children))]

    def close(self, *, kill: bool = False) -> None:
        """Tear the stages down."""
        self.server.close()
