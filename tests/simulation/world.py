# SPDX-License-Identifier: Apache-2.0
"""World: a disk, a clock, a seed, and processes of which one runs at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from unittest import mock

from tests.simulation.broken import Broken
from tests.simulation.disk import Disk
from tests.simulation.process import Fault, Process
from tests.simulation.watch import OUTPUT, Watch

MOST_STEPS = 60_000


class World:
    """Where drivers live and die."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now = 0.0
        self.events = 0
        self.steps = 0
        self.switching = 0.1
        self.workers_outlive = True
        self.processes: list[Process] = []
        self.zombies: list[Callable[[], None]] = []
        self.histogram: Counter[str] = Counter()
        self.lines: list[str] = []
        self.failure: BaseException | None = None
        self.power_wanted = False
        self.second_wanted = False
        self.current: Process | None = None
        self.back = threading.Lock()
        self.back.acquire()
        self.disk = Disk()
        self.watch = Watch(self.disk, lambda: self.current.wanted if self.current else set())
        self.disk.changed = self._changed

    # -- lives --------------------------------------------------------------------------------

    def start(self, body: Callable[[Process], str], faults: list[Fault]) -> Process:
        """A new driver."""
        process = Process(self, f"driver {len(self.processes) + 1}", faults, body)
        self.processes.append(process)
        return process

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Let the living run in turns, until all are gone or ``until`` says so."""
        while alive := [process for process in self.processes if not process.ended]:
            awake = [process for process in alive if process.sleeps <= 0]
            for process in alive:
                process.sleeps -= 1
            if not awake:
                continue
            process = self.rng.choice(awake)
            process.resume()
            if process.ended:
                self.trace(f"{process.name}: ended: {process.result}")
            self._check()
            if self.zombies and self.rng.random() < 0.3:
                self.zombies.pop(self.rng.randrange(len(self.zombies)))()
            if until():
                return

    def bury(self) -> None:
        """Let the last of the zombies do what they would."""
        while self.zombies:
            self.zombies.pop()()
            self._check()

    def cut_power(self) -> None:
        """Everything that runs is gone, and so is what was not synced."""
        for process in self.processes:
            process.kill()
        self.zombies.clear()
        self.trace("power is cut")
        self.disk.lose_power(self.rng)
        self.watch.power_lost()

    def lose_output(self, path: str) -> None:
        """A user deletes a published file."""
        self.watch.lost.add(path)
        self.disk.remove(path)
        self.disk.sync_folder(path.rpartition("/")[0])
        self.note("output file deleted by the user", path)

    def end(self) -> None:
        """Kill whatever is left, so that no thread stays behind."""
        for process in self.processes:
            process.kill()

    # -- called by processes ------------------------------------------------------------------

    def stepped(self, process: Process, what: str, path: str) -> None:
        """Count a step; no schedule goes on for ever."""
        self.steps += 1
        if what != "turn":
            self.trace(f"{process.name}: {what} {path.removeprefix(OUTPUT)}")
        if self.steps > MOST_STEPS:
            raise Broken(f"no end after {MOST_STEPS} steps")

    def others_run(self, process: Process) -> bool:
        """Whether another process could run instead."""
        return any(p is not process and not p.ended for p in self.processes)

    def note(self, what: str, line: str = "") -> None:
        """Count something worth telling."""
        self.histogram[what] += 1
        if line:
            self.trace(line)

    def trace(self, line: str) -> None:
        """Remember what happened."""
        self.lines.append(line)

    def _changed(self, path: str) -> None:
        try:
            self.watch.changed(path)
        except Broken as broken:
            self.failure = self.failure or broken
            raise

    def _check(self) -> None:
        if self.power_wanted:
            self.power_wanted = False
            self.cut_power()
        if self.failure is not None:
            raise self.failure


@contextmanager
def simulated(world: World, summary_every: int) -> Iterator[None]:
    """Give the real code the world's clock, its dice, and its crash points."""

    def crash_point(name: str) -> None:
        if world.current is not None:
            world.current.pass_point(name)

    def clock() -> float:
        return world.now

    with (
        mock.patch("thresher.pipeline.conductor.monotonic", clock),
        mock.patch("thresher.pipeline.progress.monotonic", clock),
        mock.patch("thresher.runs.run.crash_point", crash_point),
        mock.patch("thresher.runs.run.identity", dict),
        mock.patch("thresher.runs.ledger.SUMMARY_EVERY", summary_every),
        mock.patch("secrets.token_hex", lambda n: f"{world.rng.getrandbits(8 * n):0{2 * n}x}"),
    ):
        try:
            yield
        finally:
            world.end()
