# SPDX-License-Identifier: Apache-2.0
"""A simulated process: a thread that runs only when the world lets it, and dies when told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.broken import Killed
from thresher.errors import StorageError

if TYPE_CHECKING:
    from tests.simulation.world import World

WRITES = ("write", "create", "replace", "publish")


@dataclass(frozen=True)
class Fault:
    """Something that happens to a process.

    Parameters
    ----------
    what : str
        ``kill``, ``power``, ``pause`` (a second driver starts meanwhile), ``second`` (one starts,
        and both run on), ``full`` (the disk, for a while), ``drain`` or ``cancel`` (Ctrl-C).
    at : str
        A named crash point, the name of a storage operation, or ``""`` for any step.
    count : int
        Passing which time, or at which step.
    length : int
        For how many steps the disk is full, or turns the process sleeps.
    """

    what: str
    at: str = ""
    count: int = 1
    length: int = 10


@dataclass
class Process:
    """One driver with its workers.

    Parameters
    ----------
    body : callable
        What it runs, given the process.
    """

    world: World
    name: str
    faults: list[Fault]
    body: Callable[[Process], str]
    steps: int = 0
    doomed: bool = False
    ended: bool = False
    result: str = ""
    full_until: int = 0
    sleeps: int = 0
    signals: list[str] = field(default_factory=list)
    wanted: set[tuple[int, str, str, str]] = field(default_factory=set)
    _passed: dict[str, int] = field(default_factory=dict)
    _thread: threading.Thread | None = None
    _go: threading.Lock = field(default_factory=threading.Lock)

    # -- called by the world ------------------------------------------------------------------

    def resume(self) -> None:
        """Let it run until it yields or ends."""
        self.world.current = self
        if self._thread is None:
            self._go.acquire()
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self.world.back.acquire()

    def kill(self) -> None:
        """End it, wherever it is."""
        self.doomed = True
        if self._thread is None:
            self.ended = True
        while not self.ended:
            self.resume()

    # -- called by the process ----------------------------------------------------------------

    def step(self, what: str, path: str = "") -> None:
        """One step of a storage operation, or one turn of an executor."""
        if self.doomed:
            raise Killed
        self.steps += 1
        self.world.stepped(self, what, path)
        self._passed[what] = self._passed.get(what, 0) + 1
        for fault in self.faults:
            at, passed = (what, self._passed[what]) if fault.at else ("", self.steps)
            if fault.at == at and fault.count == passed:
                self._suffer(fault, what)
        if what in WRITES and self.is_full():
            self.world.note("disk full", f"{self.name}: {what} {path}")
            raise StorageError(f"cannot {what}: no space left on device", where=path)
        if self.world.others_run(self) and self.world.rng.random() < self.world.switching:
            self.give_way()

    def pass_point(self, name: str) -> None:
        """A named crash point."""
        if self.doomed:
            raise Killed
        self._passed[name] = self._passed.get(name, 0) + 1
        for fault in self.faults:
            if fault.at == name and fault.count == self._passed[name]:
                self._suffer(fault, name)

    def is_full(self) -> bool:
        """Whether the disk is full right now."""
        return self.steps < self.full_until

    def give_way(self) -> None:
        """Let others run."""
        self.world.back.release()
        self._go.acquire()
        self.world.current = self
        if self.doomed:
            raise Killed

    def _suffer(self, fault: Fault, where: str) -> None:
        named = f"{fault.what} at {fault.at or where}"
        self.world.note(named, f"{self.name}: {named} (step {self.steps})")
        if fault.what == "kill":
            self.doomed = True
            raise Killed
        if fault.what == "power":
            self.doomed = True
            self.world.power_wanted = True
            raise Killed
        if fault.what in ("pause", "second"):
            self.world.second_wanted = True
            self.sleeps = fault.length if fault.what == "pause" else 0
            self.give_way()
        elif fault.what == "full":
            self.full_until = self.steps + fault.length
        else:
            self.signals.append(fault.what)

    def _run(self) -> None:
        try:
            self.result = self.body(self)
        except Killed:
            self.result = "killed"
        except BaseException as error:
            self.world.failure = self.world.failure or error
            self.result = f"failed: {error!r}"
        finally:
            self.ended = True
            self.world.back.release()
