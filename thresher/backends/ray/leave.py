# SPDX-License-Identifier: Apache-2.0
"""Workers of an engine that end when they are told to."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from time import sleep

HOOK = "thresher.backends.ray.leave.leave_at_the_end"
"""For the ``worker_process_setup_hook`` of a ``runtime_env``."""


def leave_at_the_end() -> None:
    """End this process once its main thread or its node has ended.

    Workers and monitors of Xenna 0.3 have threads that go on for ever after Ray has told their
    process to end: without this each run would leave some behind.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def leave_without_ado() -> None:
    """End this process as soon as the exit handlers that are registered from here on have run.

    Taking apart an interpreter full of modules costs the next run half a CPU second per worker.
    """
    atexit.register(os._exit, 0)
    atexit.register(sys.stdout.flush)  # the last that is registered is the first to run


def _watch(node: int) -> None:
    while threading.main_thread().is_alive() and os.getppid() == node:
        sleep(1.0)
    os._exit(0)
