# SPDX-License-Identifier: Apache-2.0
"""Locks that hold across threads, processes and drivers, and end with the process that has them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from thresher import storage

_LONGEST_PAUSE = 0.5


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path``; calls ``on_wait`` now and then until it is free."""
    with one_of([path], on_wait):
        yield


@contextmanager
def one_of(paths: list[Path], on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold one of several lock files: with n of them no more than n hold one at a time.

    The kernel lets go of them when their process ends, however it ends.
    """
    pause = 0.01
    while True:
        for path in paths:
            descriptor = _try(path)
            if descriptor is not None:
                try:
                    yield
                finally:
                    os.close(descriptor)
                return
        on_wait()
        time.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _try(path: Path) -> int | None:
    """The descriptor of a lock file, locked; None if somebody else has it."""
    import fcntl

    with storage.failures("lock", str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
