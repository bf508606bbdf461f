# SPDX-License-Identifier: Apache-2.0
"""Streamed: leads leases through an engine that takes a list of tasks and runs to its end.

Fresh attempts go to the engine together. Those that failed there go to a small pool of actors one
at a time, where a worker's end is one attempt's end and the engine need not start again.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from threading import Event as CancelEvent
from time import monotonic, sleep
from typing import Any

from thresher.backends.executor import Done, Failed, Lease, Message, PartSource, Started
from thresher.backends.ray.mailbox import end_workers, taken
from thresher.backends.ray.pool import RayPool
from thresher.backends.server import Envelope
from thresher.backends.supervisor import POLL_SECONDS, Supervisor, root
from thresher.planning.plan import Step

END_WITHIN_SECONDS = 20.0


class Streamed:
    """One Segment on an engine.

    Parameters
    ----------
    engine : callable
        ``engine(envelopes)`` runs them through all Steps, and returns at the end or raises.
    mailbox : Any
        Where the Steps' messages arrive.
    pool : callable
        Makes the pool for what failed.
    """

    def __init__(
        self,
        ray: Any,
        steps: Sequence[Step],
        engine: Callable[[list[Envelope]], None],
        mailbox: Any,
        pool: Callable[[], RayPool],
        parts: PartSource,
        sink: Callable[[Message], None],
    ) -> None:
        self._ray = ray
        self._steps = tuple(steps)
        self._engine = engine
        self._mailbox = mailbox
        self._pool = pool
        self._parts = parts
        self._sink = sink
        self._open: dict[str, int] = {}  # tokens in the engine, and their calls that run now
        self._finished: Counter[str] = Counter()
        self._error = ""

    def run(self, cancel: CancelEvent) -> None:
        """Until there is nothing left to do, or somebody cancels."""
        leases = _Sorted(self._parts)
        while not cancel.is_set() and not self._parts.done:
            fresh = leases.fresh()
            if fresh:
                self._stream(fresh, cancel)
            elif leases.suspects:
                pool = self._pool()
                try:
                    Supervisor(self._steps, pool, leases, self._sink, 1).run(cancel)
                finally:
                    pool.close(kill=cancel.is_set())
            else:
                sleep(POLL_SECONDS)

    def _stream(self, leases: list[Lease], cancel: CancelEvent) -> None:
        """Run the engine over fresh attempts, and pass on what its Steps tell."""
        self._open = {lease.token: 0 for lease in leases}
        self._error = ""
        envelopes = [root(lease) for lease in leases]
        thread = threading.Thread(target=self._work, args=(envelopes,), daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            self._pass_on()
            if cancel.is_set() or self._parts.done:
                self._stop(thread)
                return
        self._pass_on()
        for token, running in self._open.items():
            if self._parts.is_live(token):
                kind = "died" if running else "unused"
                how = self._error or "the engine ended before it was done"
                self._sink(Failed(token, (), 0, kind, how))

    def _stop(self, thread: threading.Thread) -> None:
        """See the engine off: it is at its end, or what it works on is no longer wanted."""
        if not any(self._open.values()):
            thread.join(END_WITHIN_SECONDS)
        deadline = monotonic() + END_WITHIN_SECONDS
        while thread.is_alive() and monotonic() < deadline:
            end_workers(self._ray, self._mailbox)
            thread.join(1.0)

    def _work(self, envelopes: list[Envelope]) -> None:
        try:
            self._engine(envelopes)
        except BaseException as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            self._error = f"{type(error).__name__}: {lines[0] if lines else ''}"

    def _pass_on(self) -> None:
        for message in taken(self._ray, self._mailbox):
            if isinstance(message, Started):
                self._open[message.token] = self._open.get(message.token, 0) + 1
            elif isinstance(message, Done | Failed):
                self._open[message.token] = self._open.get(message.token, 0) - 1
            self._sink(message)


class _Sorted:
    """A part source that gives fresh attempts to the engine, and suspects to the pool."""

    def __init__(self, parts: PartSource) -> None:
        self._parts = parts
        self._fresh: deque[Lease] = deque()
        self.suspects: deque[Lease] = deque()

    def fresh(self) -> list[Lease]:
        """All fresh attempts that there are."""
        self._fill()
        found, self._fresh = list(self._fresh), deque()
        return found

    def take(self) -> Lease | None:
        """The next suspect."""
        self._fill()
        return self.suspects.popleft() if self.suspects else None

    @property
    def done(self) -> bool:
        """Whether there are no suspects left."""
        done = self._parts.done
        self._fill()
        return done or (not self.suspects and bool(self._fresh))

    def is_live(self, token: str) -> bool:
        """Whether an attempt is still wanted."""
        return self._parts.is_live(token)

    def _fill(self) -> None:
        while (lease := self._parts.take()) is not None:
            (self.suspects if lease.alone else self._fresh).append(lease)
