# SPDX-License-Identifier: Apache-2.0
"""What an exception of a stage says: of the rows, of the stage, or of the place it runs in."""

from __future__ import annotations

import errno

from thresher.errors import DataError, EngineError, ModelError, StorageError

_OF_NETWORKS = frozenset(
    (
        "APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout",
        "ConnectionError", "NewConnectionError", "PoolTimeout", "ProxyError", "ReadTimeout",
        "ServerDisconnectedError", "Timeout", "WriteTimeout",
    )
)  # fmt: skip
"""Exceptions of HTTP clients that are none of the system's."""


WORKER_DIED = "worker: died"
"""The cause of rows that are in quarantine since they kill their worker."""


_MISSING = (ConnectionError, FileNotFoundError, PermissionError, TimeoutError)
"""Errors of the system that say enough without a number."""

_OF_THE_MACHINE = frozenset(
    (errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EROFS)
)
"""Numbers of errors that are no matter of one path."""


def is_of_the_place(error: BaseException) -> bool:
    """Whether the cause lies outside the data: a package, file, model, server or disk.

    Libraries raise OSError without a number for data they cannot read, a broken image for one.
    """
    if isinstance(error, DataError):
        return False
    if isinstance(error, ImportError | ModelError | EngineError | StorageError):
        return True
    numbered = isinstance(error, OSError) and error.errno is not None
    return numbered or isinstance(error, _MISSING) or _is_network(error)


def may_be_of_the_place(error: BaseException) -> bool:
    """Whether the cause may lie outside the data; what other rows and parts do will tell.

    Libraries also raise OSError without a number for a model they cannot find.
    """
    return is_of_the_place(error) or (
        isinstance(error, OSError) and not isinstance(error, DataError)
    )


def is_of_the_machine(error: BaseException) -> bool:
    """Whether a disk or another resource of the machine fails, whatever the path."""
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE
    if not isinstance(error, StorageError):
        return False
    return error.__cause__ is None or is_of_the_machine(error.__cause__)


def _is_network(error: BaseException) -> bool:
    return any(kind.__name__ in _OF_NETWORKS for kind in type(error).__mro__)


def cause_of(stage: str, error: BaseException) -> str:
    """What failed, in a form that is the same at every attempt: no row, no number in it."""
    return f"{stage}: {type(error).__name__}"
