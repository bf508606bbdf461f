# SPDX-License-Identifier: Apache-2.0
"""Mailbox: an actor of the driver's, to which Steps inside an engine send their messages."""

from __future__ import annotations

import contextlib
import pickle
from time import monotonic
from typing import Any

from thresher.backends.executor import Heartbeat, Message

_BEAT_SECONDS = 1.0


class Mailbox:
    """Keeps messages until the driver takes them."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._workers: list[Any] = []

    def register(self, worker: Any) -> None:
        """Keep the handle of an engine's worker, which can be ended with it."""
        self._workers.append(worker)

    def workers(self) -> list[Any]:
        """The handles since the last time."""
        taken, self._workers = self._workers, []
        return taken

    def put(self, message: bytes) -> None:
        """Keep a pickled message."""
        self._messages.append(message)

    def take(self) -> list[bytes]:
        """All messages since the last time."""
        taken, self._messages = self._messages, []
        return taken


class Sender:
    """A Step's side of the mailbox.

    Messages other than heartbeats are delivered before the call that sends them returns: a worker
    that ends afterwards takes none along.
    """

    def __init__(self, ray: Any, mailbox: Any) -> None:
        self._ray = ray
        self._mailbox = mailbox
        self._last = 0.0
        ray.get(mailbox.register.remote(ray.get_runtime_context().current_actor))

    def send(self, message: Message) -> None:
        """Deliver a message."""
        self._ray.get(self._mailbox.put.remote(pickle.dumps(message, protocol=5)))

    def beat(self, heartbeat: Heartbeat) -> None:
        """Tell progress, not more often than once a second."""
        now = monotonic()
        if now - self._last >= _BEAT_SECONDS:
            self._last = now
            self._mailbox.put.remote(pickle.dumps(heartbeat, protocol=5))


def opened(ray: Any) -> Any:
    """A new mailbox, on the node of the driver."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    kind = ray.remote(num_cpus=0, max_restarts=0)(Mailbox)
    return kind.options(scheduling_strategy=here).remote()


def taken(ray: Any, mailbox: Any) -> list[Message]:
    """What has arrived."""
    return [pickle.loads(message) for message in ray.get(mailbox.take.remote())]


def end_workers(ray: Any, mailbox: Any) -> None:
    """End the engine's workers: what they work on is no longer wanted."""
    for worker in ray.get(mailbox.workers.remote()):
        with contextlib.suppress(ValueError, ray.exceptions.RayError):
            ray.kill(worker, no_restart=True)
