# SPDX-License-Identifier: Apache-2.0
"""A supervised pool of worker processes: a dead worker fails its own call and nothing else."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from thresher.backends.envelope import Envelope
from thresher.backends.limits import resident_bytes
from thresher.backends.other_python import paths_for
from thresher.backends.parcel import ParcelFolders
from thresher.backends.pool import Event, Pool, died
from thresher.errors import EngineError

_STARTS_WITHOUT_WORK = 3


@dataclass(frozen=True)
class Recycling:
    """When a worker is replaced, between calls: after so many tasks, seconds, or bytes."""

    max_tasks: int | None = None
    max_age_s: float | None = None
    max_memory: int | None = None


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection[Any, Any]
    sentinel: int | None
    stacks: str
    name: str
    envelope: Envelope | None = None
    informed: bool = False
    calls: int = 0
    born: float = field(default_factory=monotonic)


class ProcessPool(Pool):
    """Worker processes over pipes and process sentinels.

    Workers start before the Segment is known, so that they are there when it is. ``python`` is
    their interpreter, if it is another one.
    """

    def __init__(
        self,
        size: int,
        folders: ParcelFolders,
        recycling: Recycling,
        node: str = "local",
        python: str = "",
    ) -> None:
        self.size = size
        self.node = node
        self.python = python
        self.folders = folders
        self.recycling = recycling
        self._blob: bytes | None = None
        self._workers: list[_Worker] = []
        self._early: deque[Event] = deque()
        self._born = 0
        self._fruitless = 0
        self.restarts = 0
        for _ in range(size):
            self._spawn()

    def serve(self, blob: bytes) -> None:
        """Give all workers another Segment; each is told when it gets its first envelope."""
        self._blob = blob
        for worker in self._workers:
            worker.informed = False

    def free(self) -> int:
        """Workers without an envelope."""
        return sum(worker.envelope is None for worker in self._workers)

    def submit(self, envelope: Envelope) -> None:
        """Send the envelope to a free worker."""
        worker = next(worker for worker in self._workers if worker.envelope is None)
        if envelope.parcel.task is not None:
            envelope = replace(envelope, parcel=self.folders.pack(envelope.parcel.task))
        worker.envelope = envelope
        worker.calls += 1
        try:
            if not worker.informed:
                shared, disk = self.folders.shared, self.folders.disk
                who = (worker.name, self.node, self.python)
                segment = ("segment", self._blob, who, shared, disk, worker.stacks)
                worker.pipe.send_bytes(pickle.dumps(segment, protocol=5))
                worker.informed = True
            worker.pipe.send_bytes(pickle.dumps(("call", envelope), protocol=5))
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass  # it has just died; wait() will find it

    def wait(self, timeout: float) -> list[Event]:
        """Messages and deaths."""
        watched: dict[Any, _Worker] = {}
        for worker in self._workers:
            watched[worker.pipe] = worker
            if worker.sentinel is not None:
                watched[worker.sentinel] = worker
        ready = wait(list(watched), timeout)
        events: list[Event] = []
        for worker in {id(watched[item]): watched[item] for item in ready}.values():
            events += self._receive(worker)
        return events

    def stack(self, token: str) -> str:
        """Ask the worker that has this attempt for its stack."""
        for worker in self._workers:
            envelope, stacks = worker.envelope, Path(worker.stacks)
            # Before it has made that file the signal would end it.
            if envelope is not None and envelope.attempt.token == token and stacks.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process.pid, signal.SIGUSR1)
                sleep(0.2)
                return stacks.read_text(errors="replace")[-4000:]
        return ""

    def close(self, *, kill: bool = False) -> None:
        """Stop all workers and remove the folders."""
        for worker in self._workers:
            self._ask_to_stop(worker, kill=kill or worker.envelope is not None)
        for worker in list(self._workers):
            self._see_off(worker)
        self.folders.remove()

    def _receive(self, worker: _Worker) -> list[Event]:
        events: list[Event] = []
        try:
            while worker in self._workers and worker.pipe.poll(0):
                events += self._event(worker, pickle.loads(worker.pipe.recv_bytes()))
        except (EOFError, ConnectionResetError, BrokenPipeError, OSError):
            return events + self._bury(worker)
        if worker in self._workers and worker.process.poll() is not None:
            return events + self._bury(worker)
        return events

    def _event(self, worker: _Worker, message: tuple[Any, ...]) -> list[Event]:
        kind, *rest = message
        if kind == "beat":
            return [Event(rest[0])]
        if kind == "unusable":
            raise EngineError(
                f"a worker cannot load the pipeline's stages: {rest[0]}",
                todo="keep what stages refer to importable, or define it in the same script",
            )
        envelope, worker.envelope = worker.envelope, None
        self._fruitless = 0
        if self._is_worn(worker):
            self._replace(worker)
        return [Event(rest[0], envelope, tuple(rest[1]))]

    def _bury(self, worker: _Worker) -> list[Event]:
        """A worker is gone: fail its call, if it had one, and start another."""
        how = _how(worker.process)
        envelope = worker.envelope
        self._discard(worker)
        if envelope is None:
            self._fruitless += 1
            if self._fruitless > _STARTS_WITHOUT_WORK * self.size:
                raise EngineError(
                    f"worker processes end before they do any work ({how})",
                    todo="look at what they print above; try workers=0 to run in this process",
                )
        self.restarts += 1
        self._spawn()
        return [died(envelope, how)] if envelope is not None else []

    def _is_worn(self, worker: _Worker) -> bool:
        limits = self.recycling
        return bool(
            (limits.max_tasks and worker.calls >= limits.max_tasks)
            or (limits.max_age_s and monotonic() - worker.born >= limits.max_age_s)
            or (limits.max_memory and resident_bytes(worker.process.pid) > limits.max_memory)
        )

    def _replace(self, worker: _Worker) -> None:
        self._ask_to_stop(worker)
        self._see_off(worker)
        self._spawn()

    def _ask_to_stop(self, worker: _Worker, *, kill: bool = False) -> None:
        if kill:
            worker.process.kill()
        else:
            with contextlib.suppress(OSError):
                worker.pipe.send_bytes(pickle.dumps(("stop",)))

    def _see_off(self, worker: _Worker) -> None:
        """Wait for a worker that was asked to stop, but not for ever."""
        try:
            worker.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        self._discard(worker)

    def _discard(self, worker: _Worker) -> None:
        worker.pipe.close()
        if worker.sentinel is not None:
            os.close(worker.sentinel)
        self._workers.remove(worker)

    def _spawn(self) -> None:
        self._born += 1
        ours, theirs = socket.socketpair()
        stacks = f"{self.folders.disk}/stack-{self._born}"
        executable = self.python or sys.executable
        process = subprocess.Popen(
            [
                executable, "-m", "thresher.backends.worker",
                str(theirs.fileno()), str(os.getpid()),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=_environment(executable),
        )  # fmt: skip
        theirs.close()
        pipe: Connection[Any, Any] = Connection(ours.detach())
        name = f"{socket.gethostname()}-{self._born}"
        self._workers.append(_Worker(process, pipe, _sentinel(process.pid), stacks, name))


def _sentinel(pid: int) -> int | None:
    """A descriptor that is ready when the process ends; grandchildren may hold its pipe open."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _environment(executable: str) -> dict[str, str]:
    """Workers import what this process can import; math libraries use one thread each."""
    paths = paths_for(executable)
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**single, **os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    if code >= 0:
        return f"it exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = " (out of memory, perhaps)" if -code == signal.SIGKILL else ""
    return f"it was ended by {name}{hint}"


def scratch_folder() -> str:
    """A folder on disk for parcels that do not fit shared memory."""
    return tempfile.gettempdir()
