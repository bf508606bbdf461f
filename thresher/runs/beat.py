# SPDX-License-Identifier: Apache-2.0
"""One driver at a time: a beating driver keeps a second one out, unless it is told to take over."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from thresher.errors import EngineError, StorageError
from thresher.runs.read_back import read_back
from thresher.storage import Store

BEAT_SECONDS = 5.0
STALE_AFTER = 30.0


class Held(EngineError):
    """Another driver is at work here."""


class Beat:
    """The driver's sign of life, ``<run_dir>/beat/<shard>.json``, renewed by a thread."""

    def __init__(self, store: Store, path: str) -> None:
        self.store = store
        self.path = path
        self.nonce = secrets.token_hex(8)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def refuse_second(self, *, take_over: bool) -> None:
        """Refuse to go on if another driver lives.

        Raises
        ------
        Held
            If a process of this host, or a fresh beat of another, holds the run.
        """
        if take_over:
            return
        try:
            other = read_back(self.store, self.path, "host", "pid", "started")
        except StorageError:
            return
        if other["host"] == socket.gethostname():
            alive = _started(other["pid"]) == other["started"] and other["pid"] != os.getpid()
        else:
            alive = time.time() - other.get("time", 0) < STALE_AFTER
        if alive:
            raise Held(
                f"another process is running this pipeline: process {other['pid']} "
                f"on {other['host']}",
                where=self.path,
                todo="wait for it, or stop it, or use --take-over if it hangs",
            )

    def start(self) -> None:
        """Begin to beat."""
        self._write()
        self._thread = threading.Thread(target=self._run, name="thresher-beat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cease to beat, and say so by removing the file, unless a newer driver beats there."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(StorageError):
            if read_back(self.store, self.path).get("nonce") == self.nonce:
                self.store.remove(self.path)

    def _run(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with suppress(StorageError):  # a full disk must not end the run here
                self._write()

    def _write(self) -> None:
        beat = {**identity(), "nonce": self.nonce, "time": time.time()}
        self.store.write(self.path, json.dumps(beat).encode())


def identity() -> dict[str, Any]:
    """Who this driver is."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": _started(pid)}


def _started(pid: int) -> str:
    """When a process of this host started, in the kernel's ticks; empty if it is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"
