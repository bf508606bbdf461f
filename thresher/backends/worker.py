# SPDX-License-Identifier: Apache-2.0
"""The one worker program: ``python -m thresher.backends.worker <file descriptor>``.

It takes Steps and envelopes from a pipe and answers with reports. It never imports the user's
main module, ignores the terminal's interrupts, and dies with its parent.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

BEAT_SECONDS = 0.5


def main() -> None:
    """Serve until the pipe closes or a ``stop`` arrives."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe: Connection[Any, Any] = Connection(descriptor)
    try:
        _serve(pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    finally:
        pipe.close()


def _serve(pipe: Connection[Any, Any]) -> None:
    import pyarrow

    from thresher.backends.parcel import ParcelFolders
    from thresher.backends.server import StepServer
    from thresher.errors import error_text

    pyarrow.set_cpu_count(1)
    server: StepServer | None = None
    while True:
        kind, *rest = pickle.loads(pipe.recv_bytes())
        if kind == "stop":
            break
        if kind == "segment":
            blob, (worker_id, node, python), shared, disk, stacks = rest
            if server is not None:
                server.close()
            _dump_stacks_to(stacks)
            try:
                folders = ParcelFolders(shared, disk)
                server = StepServer(blob, worker_id, folders, node, python=python)
            except Exception as error:
                pipe.send_bytes(pickle.dumps(("unusable", error_text(error))))
        elif kind == "call" and server is not None:
            message, children = server.call(rest[0], _beat_to(pipe, rest[0].attempt.token))
            pipe.send_bytes(pickle.dumps(("finished", message, children), protocol=5))
    if server is not None:
        server.close()


def _beat_to(pipe: Connection[Any, Any], token: str) -> Callable[[int, str], None]:
    """Tell progress: at once when rows are read or a stage is entered, else twice a second."""
    from thresher.backends.executor import Heartbeat

    last, last_time = (-1, ""), 0.0

    def beat(rows: int, stage: str) -> None:
        nonlocal last, last_time
        now = monotonic()
        if (rows, stage) == last and now - last_time < BEAT_SECONDS:
            return
        last, last_time = (rows, stage), now
        pipe.send_bytes(pickle.dumps(("beat", Heartbeat(token, rows, stage)), protocol=5))

    return beat


def _dump_stacks_to(path: str) -> None:
    """Have SIGUSR1 write the stack to a file the supervisor can read."""
    if path and hasattr(faulthandler, "register"):
        file = open(f"{path}.new", "w")  # noqa: SIM115 - stays open for the signal handler
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=False)
        os.replace(file.name, path)  # now it may be asked


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent ends; leave if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
