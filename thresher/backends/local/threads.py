# SPDX-License-Identifier: Apache-2.0
"""A pool of threads, for Segments whose every stage releases the GIL."""

from __future__ import annotations

import queue
import threading

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Failed, Heartbeat
from thresher.backends.parcel import Handed
from thresher.backends.pool import Event, Pool
from thresher.backends.server import StepServer
from thresher.errors import error_text


class ThreadPool(Pool):
    """Threads with stages of their own; tasks pass between them as they are."""

    def __init__(self, size: int, blob: bytes) -> None:
        self.size = size
        self._blob = blob
        self._inbox: queue.SimpleQueue[Envelope | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._servers: list[StepServer] = []

    def free(self) -> int:
        """Threads without an envelope."""
        return self.size - self._busy

    def submit(self, envelope: Envelope) -> None:
        """Queue the envelope for the next free thread; threads start as they are needed."""
        self._busy += 1
        if len(self._threads) < self._busy:
            name = f"thresher-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, args=(name,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._inbox.put(envelope)

    def wait(self, timeout: float) -> list[Event]:
        """Events so far, or the first one within ``timeout``."""
        events: list[Event] = []
        try:
            events.append(self._events.get(timeout=timeout))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        self._busy -= sum(event.finished for event in events)
        return events

    def stack(self, token: str) -> str:
        """Where the thread that has an attempt is."""
        return next(filter(None, (server.stack(token) for server in list(self._servers))), "")

    def close(self, *, kill: bool = False) -> None:
        """Let every thread end after its call; with ``kill`` without waiting for it."""
        for _ in self._threads:
            self._inbox.put(None)
        if not kill:
            for thread in self._threads:
                thread.join()

    def _serve(self, name: str) -> None:
        server: StepServer | None = None
        while (envelope := self._inbox.get()) is not None:
            try:
                if server is None:
                    server = StepServer(self._blob, name, Handed(), sharing=self.size)
                    self._servers.append(server)
                token = envelope.attempt.token

                def beat(rows: int, stage: str, token: str = token) -> None:
                    self._events.put(Event(Heartbeat(token, rows, stage)))

                message, children = server.call(envelope, beat)
                self._events.put(Event(message, envelope, tuple(children)))
            except BaseException as error:
                failed = Failed(
                    envelope.attempt.token, envelope.path, envelope.step, "raised",
                    error_text(error), f"step {envelope.step}",
                )  # fmt: skip
                self._events.put(Event(failed, envelope))
        if server is not None:
            server.close()
