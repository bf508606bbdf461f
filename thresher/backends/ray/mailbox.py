# SPDX-License-Identifier: Apache-2.0
"""Mailbox: a socket of the driver's, to which Steps inside an engine send their messages.

An actor could do this too, but each message would cost two processes a millisecond, and the actor a
process that starts before any work does.
"""

from __future__ import annotations

import contextlib
import hmac
import pickle
import secrets
import socket
import threading
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from thresher.backends.executor import Heartbeat, Message

_BEAT_SECONDS = 1.0
_KEY_BYTES = 32
_WAITING = 1024  # workers that may start at once


@dataclass(frozen=True)
class Address:
    """Where a mailbox is, and the key without which it takes nothing."""

    host: str
    port: int
    key: bytes


class Mailbox:
    """Keeps messages until the driver takes them. Made on the driver's node, whose workers, like
    Ray itself, must reach it at its address."""

    def __init__(self, ray: Any) -> None:
        host = ray.util.get_node_ip_address()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, 0), family=family, backlog=_WAITING)
        port = self._server.getsockname()[1]
        self.address = Address(host, port, secrets.token_bytes(_KEY_BYTES))
        self._ray = ray
        self._messages: deque[bytes] = deque()
        self._workers: deque[bytes] = deque()
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> list[Message]:
        """All messages since the last time."""
        return [pickle.loads(message) for message in _emptied(self._messages)]

    def end_workers(self) -> None:
        """End the engine's workers: what they work on is no longer wanted."""
        for worker in _emptied(self._workers):
            with contextlib.suppress(ValueError, self._ray.exceptions.RayError):
                self._ray.kill(pickle.loads(worker), no_restart=True)

    def close(self) -> None:
        """Take nothing any more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for workers
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(client,), daemon=True).start()

    def _read(self, client: socket.socket) -> None:
        """Keep what one worker sends, until it is gone."""
        with Connection(client.detach()) as connection, contextlib.suppress(EOFError, OSError):
            if hmac.compare_digest(connection.recv_bytes(_KEY_BYTES), self.address.key):
                self._workers.append(connection.recv_bytes())
                while True:
                    self._messages.append(connection.recv_bytes())


class Sender:
    """A Step's side of the mailbox.

    Messages are with the system before the call that sends them returns: a worker that ends
    afterwards takes none along.
    """

    def __init__(self, ray: Any, mailbox: Address) -> None:
        client = socket.create_connection((mailbox.host, mailbox.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = Connection(client.detach())
        self._lock = threading.Lock()
        self._last = 0.0
        self._connection.send_bytes(mailbox.key)
        self._send(ray.get_runtime_context().current_actor)

    def send(self, message: Message) -> None:
        """Deliver a message."""
        self._send(message)

    def beat(self, heartbeat: Heartbeat) -> None:
        """Tell progress, not more often than once a second."""
        now = monotonic()
        if now - self._last >= _BEAT_SECONDS:
            self._last = now
            self._send(heartbeat)

    def _send(self, what: Any) -> None:
        with self._lock:  # heartbeats come from threads
            self._connection.send_bytes(pickle.dumps(what, protocol=5))


def _emptied(queue: deque[bytes]) -> list[bytes]:
    """What is in a queue to which others may still append."""
    return [queue.popleft() for _ in range(len(queue))]
