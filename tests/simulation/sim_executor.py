# SPDX-License-Identifier: Apache-2.0
"""SimExecutor: workers and messages under a seed; everything a transport may do, it does."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import TYPE_CHECKING, Any

from tests.simulation.work import Call, Worker
from thresher.backends.executor import (
    BaseExecutor,
    Failed,
    Heartbeat,
    Message,
    PartSource,
    Started,
)
from thresher.backends.suspects import LONE_ATTEMPTS

if TYPE_CHECKING:
    from tests.simulation.drive import Driving
    from tests.simulation.process import Process

MOST_DEATHS = 4
"""Deaths by chance that one part suffers in one run."""


@dataclass(frozen=True)
class Weather:
    """How often what goes wrong among workers and messages."""

    delay: float = 0.5
    doubled: float = 0.1
    dropped: float = 0.0
    deaths: float = 0.0
    naps: float = 0.0
    unsteady: float = 0.0
    workers: int = 2


CALM = Weather()


class SimExecutor(BaseExecutor):
    """Carries a Segment out in simulated time."""

    def __init__(self, driving: Driving, process: Process) -> None:
        self.driving = driving
        self.process = process
        self.memory = driving.memory
        self.deaths: Counter[str] = Counter()
        self.flight: _Flight | None = None

    def run_segment(
        self,
        steps: Any,
        context: Any,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: Event,
    ) -> None:
        """Until the driver is done, or somebody cancels."""
        self.flight = _Flight(self, context, parts, sink)
        self.flight.run(cancel)
        self.flight = None

    def orphan(self) -> None:
        """The driver is dead: what its workers still do, they do later."""
        if self.flight is not None:
            self.process.world.zombies += self.flight.left()


@dataclass
class _Flight:
    """One Segment: calls that wait, calls that run, messages on their way."""

    executor: SimExecutor
    context: Any
    parts: PartSource
    sink: Callable[[Message], None]
    waiting: deque[Call] = field(default_factory=deque)
    running: dict[int, Call] = field(default_factory=dict)
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    numbers: int = 0

    def __post_init__(self) -> None:
        driving, process = self.executor.driving, self.executor.process
        self.world = process.world
        self.rng: Random = self.world.rng
        self.weather: Weather = driving.weather
        self.worker = Worker(
            driving.recipe,
            driving.sources,
            self.world.disk,
            self.context,
            process.is_full,
            self._is_unsteady,
        )

    def run(self, cancel: Event) -> None:
        """The loop of a supervisor."""
        while not cancel.is_set():
            self.executor.process.step("turn")
            self._assign()
            idle = not self.running and not self.waiting
            if idle and self.parts.done:
                return
            if self.events:
                when, _, act = heapq.heappop(self.events)
                self.world.now = max(self.world.now, when)
                act()
            else:
                self.world.now += 0.1

    def left(self) -> list[Callable[[], None]]:
        """What running calls would still do to the disk."""
        calls = list(self.running.values())
        return [lambda call=call: self._linger(call) for call in calls]  # type: ignore[misc]

    def _assign(self) -> None:
        while len(self.running) < self.weather.workers and (call := self._next()) is not None:
            self.numbers += 1
            self.running[self.numbers] = call
            self._start(self.numbers, call)

    def _next(self) -> Call | None:
        """The most downstream call, or a new lease."""
        while self.waiting:
            call = max(self.waiting, key=lambda call: call.step)
            self.waiting.remove(call)
            if self.parts.is_live(call.lease.token) or self.rng.random() < 0.2:
                return call
        lease = self.parts.take()
        return Call(lease, (), 0) if lease is not None else None

    def _start(self, number: int, call: Call) -> None:
        token = call.lease.token
        duration = self.rng.random() * (20 if self.rng.random() < self.weather.naps else 1)
        self._send(Started(token, call.path, call.step), 0.0)
        rows = self.worker.rows_read(call)
        if rows:
            self._send(Heartbeat(token, rows, "read"), 0.0)
        if self.worker.dies(call):
            self._after(duration, lambda: self._die(number, call, "a row killed it"))
        elif self._is_struck(call, self.weather.deaths):
            self.world.note("worker killed")
            self._after(duration, lambda: self._die(number, call, "it was killed"))
        elif self._is_struck(call, self.weather.dropped):
            self.world.note("pipe broken")
            self._after(duration / 2, lambda: self._lose(number, call))
            self._after(duration, lambda: self._linger(call))
        else:
            self._after(duration, lambda: self._finish(number, call))

    def _is_unsteady(self) -> bool:
        """Whether the filter raises on every row, this time."""
        struck = self.weather.unsteady and self.rng.random() < self.weather.unsteady
        if struck:
            self.world.note("stage unsteady")
        return bool(struck)

    def _is_struck(self, call: Call, chance: float) -> bool:
        lease = call.lease
        # A row is guilty when it kills three times in a row: chance must not do that.
        limit = MOST_DEATHS if not lease.probe else LONE_ATTEMPTS - 1
        struck = self.executor.deaths
        key = f"{lease.part.name} {lease.rows}"
        if self.rng.random() >= chance or struck[key] >= limit:
            return False
        struck[key] += 1
        return True

    def _finish(self, number: int, call: Call) -> None:
        message, children = self.worker.perform(call)
        del self.running[number]
        if self.parts.is_live(call.lease.token):
            self.waiting.extend(children)
        self._send(message, self.weather.delay)

    def _die(self, number: int, call: Call, how: str) -> None:
        self.worker.tear(call)
        del self.running[number]
        self._send(Failed(call.lease.token, call.path, call.step, "died", how), 0.0)

    def _lose(self, number: int, call: Call) -> None:
        """The pipe to a worker broke: the supervisor takes it for dead, and it is not."""
        del self.running[number]
        self._send(Failed(call.lease.token, call.path, call.step, "died", "pipe"), 0.0)

    def _linger(self, call: Call) -> None:
        """A worker given up for dead finishes its call and tells nobody, or too late."""
        self.world.note("zombie worker writes")
        message, _ = self.worker.perform(call)
        if not self.executor.process.ended:
            self._send(message, self.weather.delay)

    def _send(self, message: Message, delay: float) -> None:
        """At least once, after a while, not in order."""
        self._after(self.rng.random() * delay, lambda: self.sink(message))
        if self.rng.random() < self.weather.doubled:
            self.world.note("message doubled")
            self._after(self.rng.random() * delay * 3, lambda: self.sink(message))

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self.world.events += 1
        heapq.heappush(self.events, (self.world.now + seconds, self.world.events, act))
