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
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic, sleep
from typing import Any

from thresher.backends.executor import Heartbeat, Message
from thresher.errors import EngineError

_BEAT_SECONDS = 1.0
_KEY_BYTES = 32
_KEY_WITHIN_SECONDS = 10.0
_REACHED_WITHIN_SECONDS = 30.0
_SILENT_SECONDS = 60
_AGAIN_SECONDS = 0.1
_POLL_SECONDS = 0.01
_TOLD_WITHIN_SECONDS = 3.0
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
        self._server = _listening(host)
        port = self._server.getsockname()[1]
        self.address = Address(host, port, secrets.token_bytes(_KEY_BYTES))
        self._ray = ray
        self._messages: deque[Any] = deque()
        self._stacks: deque[Any] = deque()  # (token, text)
        self._workers: deque[bytes] = deque()
        self._connections: set[Connection[bytes, bytes]] = set()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> list[Message]:
        """All messages since the last time."""
        return _emptied(self._messages)

    def stack(self, token: str) -> str:
        """Ask the workers where an attempt is; empty if none of them tells soon."""
        asked = list(self._connections)
        for connection in asked:
            with contextlib.suppress(OSError, TypeError):  # closed just now
                connection.send_bytes(token.encode())
        deadline = monotonic() + _TOLD_WITHIN_SECONDS
        told: list[str] = []
        while not any(told) and len(told) < len(asked) and monotonic() < deadline:
            sleep(_POLL_SECONDS)
            told += [text for about, text in _emptied(self._stacks) if about == token]
        return next(filter(None, told), "")

    def end_workers(self) -> None:
        """End the engine's workers: what they work on is no longer wanted."""
        for worker in _emptied(self._workers):
            with contextlib.suppress(ValueError, self._ray.exceptions.RayError):
                self._ray.kill(pickle.loads(worker), no_restart=True)

    def close(self) -> None:
        """Take nothing any more."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for workers
        self._server.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._server.accept()
                threading.Thread(target=self._read, args=(client,), daemon=True).start()
            except (OSError, RuntimeError):  # also: too many files, or threads, for a while
                sleep(_AGAIN_SECONDS)

    def _read(self, client: socket.socket) -> None:
        """Keep what one worker sends, until it is gone."""
        with client, contextlib.suppress(EOFError, OSError):
            _keep_alive(client)
            client.settimeout(_KEY_WITHIN_SECONDS)
            key = b""
            while len(key) < _KEY_BYTES and (more := client.recv(_KEY_BYTES - len(key))):
                key += more
            if not hmac.compare_digest(key, self.address.key):
                return
            client.settimeout(None)
            with Connection(client.detach()) as connection:
                self._workers.append(connection.recv_bytes())
                self._connections.add(connection)
                try:
                    while True:
                        told = pickle.loads(connection.recv_bytes())
                        (self._stacks if type(told) is tuple else self._messages).append(told)
                finally:
                    self._connections.discard(connection)


class Sender:
    """A Step's side of the mailbox.

    Messages are with the system before the call that sends them returns: a worker that ends
    afterwards takes none along, unless it leaves a question of the driver's unread.
    """

    def __init__(self, ray: Any, mailbox: Address, stack: Callable[[str], str]) -> None:
        try:
            client = socket.create_connection((mailbox.host, mailbox.port), _REACHED_WITHIN_SECONDS)
        except OSError as error:
            raise EngineError(
                f"the driver cannot be reached at {mailbox.host}:{mailbox.port}: {error}",
                todo="let the nodes of the cluster reach each other at all ports, as Ray asks",
            ) from error
        client.settimeout(None)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(client)
        client.sendall(mailbox.key)
        self._connection = Connection(client.detach())
        self._lock = threading.Lock()
        self._last = 0.0
        self._send(ray.get_runtime_context().current_actor)
        threading.Thread(target=self._answer, args=(stack,), daemon=True).start()

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

    def _answer(self, stack: Callable[[str], str]) -> None:
        """Say where an attempt is, as long as anybody asks."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                token = self._connection.recv_bytes().decode()
                text = ""
                with contextlib.suppress(Exception):  # a call that ends as it is looked at
                    text = stack(token)
                self._send((token, text))


def _emptied(queue: deque[Any]) -> list[Any]:
    """What is in a queue to which others may still append."""
    return [queue.popleft() for _ in range(len(queue))]


def _listening(host: str) -> socket.socket:
    """A socket at an address of this node, or at all of them if it is known by another's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, 0), family=family, backlog=_WAITING)
    except OSError:
        return socket.create_server(("", 0), family=family, backlog=_WAITING)


def _keep_alive(client: socket.socket) -> None:
    """Notice that the other side is gone; keep firewalls from forgetting a silent connection."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_SECONDS)
