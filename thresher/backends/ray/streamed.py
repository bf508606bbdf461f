# SPDX-License-Identifier: Apache-2.0
"""Streamed: leads leases through an engine that takes a list of tasks and runs to its end.

Fresh attempts go to the engine together. Those that failed there go to a small pool of actors one
at a time, where a worker's end is one attempt's end and the engine need not start again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event as CancelEvent
from time import monotonic, sleep

from thresher.backends.executor import Done, Failed, Lease, Message, PartSource, Started
from thresher.backends.ray.mailbox import Mailbox
from thresher.backends.ray.nodes import Nodes
from thresher.backends.ray.pool import RayPool
from thresher.backends.supervisor import POLL_SECONDS, Supervisor
from thresher.errors import EngineError
from thresher.planning.plan import Step
from thresher.runs.part import Path

END_WITHIN_SECONDS = 20.0
NOTICE_WITHIN_SECONDS = 3.0
_FUTILE_STARTS = 3
LATE_SECONDS = 1.0
"""In which messages arrive that were under way when the engine ended."""

_MOST_BEGINNINGS = 4  # of one call: engines repeat what lost its worker, some without end
_MOST_BLAMED = 50  # at one end of the engine: the others run again, and may be next


class Streamed:
    """One Segment on an engine.

    Parameters
    ----------
    engine : callable
        ``engine(leases)`` runs them through all Steps, and returns at the end or raises.
    mailbox : Mailbox
        Where the Steps' messages arrive.
    pool : callable
        Makes the pool for what failed.
    nodes : Nodes
        Which nodes answer. Engines wait for ever for one that is silent: they are ended, and
        begin again on the rest.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        engine: Callable[[list[Lease]], None],
        mailbox: Mailbox,
        pool: Callable[[], RayPool],
        nodes: Nodes,
        parts: PartSource,
        sink: Callable[[Message], None],
    ) -> None:
        self._steps = tuple(steps)
        self._engine = engine
        self._mailbox = mailbox
        self._pool = pool
        self._nodes = nodes
        self._parts = parts
        self._sink = sink
        self._part_of: dict[str, str] = {}  # of the tokens in the engine
        self._running: dict[tuple[str, Path, int], int] = {}  # calls, and how often they began
        self._unseen: set[str] = set()  # tokens of which no call has begun
        self._on_lost: set[str] = set()  # parts that ran when a node was lost
        self._error = ""
        self._heard = False  # anything from the Steps in this run of the engine
        self._futile = 0
        self._asked: RayPool | None = None  # while it works
        self._is_stuck = False  # it cannot be made to end, nor be started anew

    def run(self, cancel: CancelEvent) -> None:
        """Until there is nothing left to do, or somebody cancels."""
        leases = _Sorted(self._parts)
        try:
            while not cancel.is_set() and not self._parts.done:
                if self._is_stuck:
                    leases.all_are_suspects()
                leases.fill()
                if leases.suspects:  # first: the innocent among them show that workers can work
                    self._on_pool(leases, cancel)
                elif fresh := leases.fresh():
                    self._nodes.watch_all()
                    self._stream(fresh, cancel)
                else:
                    sleep(POLL_SECONDS)
        finally:
            self._nodes.close()
            self._mailbox.close()

    def stack(self, token: str) -> str:
        """Where an attempt is; empty if none of its calls runs."""
        if self._asked is not None:
            return self._asked.stack(token)
        return self._mailbox.stack(token) if token in self._tokens() else ""

    def _on_pool(self, leases: _Sorted, cancel: CancelEvent) -> None:
        pool = self._asked = self._pool()
        try:
            Supervisor(self._steps, pool, leases, self._sink, 1).run(cancel)
        finally:
            self._asked = None
            pool.close(kill=cancel.is_set())

    def _stream(self, leases: list[Lease], cancel: CancelEvent) -> None:
        """Run the engine over fresh attempts, and pass on what its Steps tell."""
        self._part_of = {lease.token: lease.part.name for lease in leases}
        self._unseen = set(self._part_of)
        self._running.clear()
        self._error = ""
        self._heard = False
        thread = threading.Thread(target=self._work, args=(leases,), daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            self._pass_on()
            if cancel.is_set() or self._parts.done:
                self._stop(thread)
                return
            if self._nodes.newly_lost():
                self._end_early(thread)
                self._fail_open("a node was lost", self._lost_again())
                return
            if repeated := self._tokens(_MOST_BEGINNINGS):
                self._end_early(thread)
                self._fail_open("its worker ends again and again", repeated)
                return
        self._pass_on_late()
        self._count_futile()
        if self._error and self._lost_soon():
            self._fail_open("a node was lost", self._lost_again())
            return
        # What ran may have ended the engine.
        how = self._error or "the engine ended before it was done"
        self._fail_open(how, self._tokens()[:_MOST_BLAMED])

    def _end_early(self, thread: threading.Thread) -> None:
        self._stop(thread)
        self._is_stuck = thread.is_alive()
        self._pass_on()

    def _lost_soon(self) -> bool:
        """Whether a node was lost; the engine may be the first to notice."""
        deadline = monotonic() + NOTICE_WITHIN_SECONDS
        while not (lost := self._nodes.newly_lost()) and monotonic() < deadline:
            sleep(POLL_SECONDS)
        return bool(lost)

    def _count_futile(self) -> None:
        """An engine that does no work at all would be started for ever."""
        self._futile = 0 if self._heard or not self._error else self._futile + 1
        if self._futile >= _FUTILE_STARTS:
            raise EngineError(
                f"the engine ends before it does any work: {self._error}",
                todo="see the logs of the cluster; RayActorPoolExecutor runs the same pipeline",
            )

    def _fail_open(self, how: str, blamed: Sequence[str]) -> None:
        """Report what the engine has left undone; to blame for it are attempts that died."""
        for token in self._part_of:
            if self._parts.is_live(token):
                kind = "died" if token in blamed else "unused"
                self._sink(Failed(token, (), 0, kind, how))

    def _tokens(self, least: int = 1) -> list[str]:
        """Attempts of which a call runs that has begun ``least`` times and more."""
        running = (token for (token, _, _), times in self._running.items() if times >= least)
        return list(dict.fromkeys(running))

    def _lost_again(self) -> list[str]:
        """What ran is not to blame, unless it was there when another node was lost."""
        running = self._tokens()
        again = [token for token in running if self._part_of[token] in self._on_lost]
        self._on_lost.update(self._part_of[token] for token in running)
        return again

    def _stop(self, thread: threading.Thread) -> None:
        """See the engine off: it is at its end, or what it works on is no longer wanted."""
        if self._parts.done and not self._unseen:
            thread.join(END_WITHIN_SECONDS)
        deadline = monotonic() + END_WITHIN_SECONDS
        while thread.is_alive() and monotonic() < deadline:
            self._mailbox.end_workers()
            thread.join(1.0)

    def _work(self, leases: list[Lease]) -> None:
        try:
            self._engine(leases)
        except BaseException as error:  # also SystemExit: it fails the attempts, in the driver
            lines = [line for line in str(error).splitlines() if line.strip()]
            self._error = f"{type(error).__name__}: {lines[0] if lines else ''}"

    def _pass_on_late(self) -> None:
        """Wait a moment for what was under way when the engine ended."""
        deadline = monotonic() + LATE_SECONDS
        self._pass_on()
        while monotonic() < deadline and any(map(self._parts.is_live, self._part_of)):
            sleep(POLL_SECONDS)
            self._pass_on()

    def _pass_on(self) -> None:
        for message in self._mailbox.taken():
            if message.token in self._part_of:  # not of an engine that was ended
                self._note(message)
            self._sink(message)

    def _note(self, message: Message) -> None:
        self._heard = True
        if isinstance(message, Started):
            call = (message.token, message.path, message.step)
            self._running[call] = self._running.get(call, 0) + 1
            self._unseen.discard(message.token)
        elif isinstance(message, Done | Failed):
            self._running.pop((message.token, message.path, message.step), None)


class _Sorted:
    """A part source that gives fresh attempts to the engine, and suspects to the pool."""

    def __init__(self, parts: PartSource) -> None:
        self._parts = parts
        self._fresh: deque[Lease] = deque()
        self.suspects: deque[Lease] = deque()
        self._only_pool = False

    def fill(self) -> None:
        """Take all that there are."""
        while (lease := self._parts.take()) is not None:
            (self.suspects if lease.alone or self._only_pool else self._fresh).append(lease)

    def fresh(self) -> list[Lease]:
        """All fresh attempts that were taken."""
        found = [lease for lease in self._fresh if self._parts.is_live(lease.token)]
        self._fresh.clear()
        return found

    def take(self) -> Lease | None:
        """The next suspect."""
        self.fill()
        while self.suspects:
            lease = self.suspects.popleft()
            if self._parts.is_live(lease.token):
                return lease
        return None

    def all_are_suspects(self) -> None:
        """From now on all go to the pool."""
        self._only_pool = True
        self.suspects += self._fresh
        self._fresh.clear()

    @property
    def done(self) -> bool:
        """Whether there are no suspects left."""
        done = self._parts.done
        self.fill()
        return done or (not self.suspects and bool(self._fresh))

    def is_live(self, token: str) -> bool:
        """Whether an attempt is still wanted."""
        return self._parts.is_live(token)
