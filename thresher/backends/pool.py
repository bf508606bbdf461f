# SPDX-License-Identifier: Apache-2.0
"""Pool: workers that take one call each, wherever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Failed, Message


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

    def takes(self, step: int) -> bool:
        """Whether one of the free workers may run this Step."""
        return self.free() > 0

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


def died(envelope: Envelope, how: str) -> Event:
    """The event for a worker that ended while it had an envelope."""
    message = Failed(envelope.attempt.token, envelope.path, envelope.step, "died", how)
    return Event(message, envelope)
