# SPDX-License-Identifier: Apache-2.0
"""The contract of a pool of local workers, and the pool that is the calling thread itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from thresher.backends.executor import Failed, Heartbeat, Message
from thresher.backends.parcel import Handed
from thresher.backends.server import Envelope, StepServer


@dataclass(frozen=True)
class Event:
    """Something a pool has to tell: a message, and with a finished call its children."""

    message: Message
    envelope: Envelope | None = None
    children: tuple[Envelope, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether the envelope's call is over."""
        return self.envelope is not None


class Pool(ABC):
    """Workers that take one envelope each."""

    size: int

    @abstractmethod
    def free(self) -> int:
        """How many envelopes can be submitted now."""

    @abstractmethod
    def submit(self, envelope: Envelope) -> None:
        """Give a free worker an envelope."""

    @abstractmethod
    def wait(self, timeout: float) -> list[Event]:
        """What has happened, waiting for something at most ``timeout`` seconds."""

    @abstractmethod
    def close(self, *, kill: bool = False) -> None:
        """Stop all workers; with ``kill`` without waiting for their calls."""

    def stack(self, token: str) -> str:
        """Where the worker of an attempt is, for the watchdog; empty if it cannot be told."""
        return ""


class InlinePool(Pool):
    """No workers at all: calls run in the calling thread, where debuggers see them."""

    size = 1

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
        """Run the envelope."""
        if not self._queue:
            return []
        envelope = self._queue.popleft()
        beats: list[Event] = []
        token = envelope.attempt.token

        def beat(rows: int, stage: str) -> None:
            beats[:] = [Event(Heartbeat(token, rows, stage))]

        message, children = self.server.call(envelope, beat)
        return [*beats, Event(message, envelope, tuple(children))]

    def close(self, *, kill: bool = False) -> None:
        """Tear the stages down."""
        self.server.close()


def died(envelope: Envelope, how: str) -> Event:
    """The event for a worker that ended while it had an envelope."""
    message = Failed(envelope.attempt.token, envelope.path, envelope.step, "died", how)
    return Event(message, envelope)
