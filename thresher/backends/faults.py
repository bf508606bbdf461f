# SPDX-License-Identifier: Apache-2.0
"""What an exception of a stage says: of the rows, of the stage, or of the place it runs in."""

from __future__ import annotations

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


def is_of_the_place(error: BaseException) -> bool:
    """Whether the cause lies outside the data: a package, file, model, server or disk.

    Libraries raise OSError without a number for data they cannot read, a broken image for one.
    """
    if isinstance(error, ImportError | ModelError | EngineError | StorageError):
        return True
    if isinstance(error, OSError) and not isinstance(error, DataError):
        numbered = error.errno is not None
        return numbered or isinstance(error, ConnectionError | TimeoutError) or _is_network(error)
    return _is_network(error)


def _is_network(error: BaseException) -> bool:
    return any(kind.__name__ in _OF_NETWORKS for kind in type(error).__mro__)


def cause_of(stage: str, error: BaseException) -> str:
    """What failed, in a form that is the same at every attempt: no row, no number in it."""
    return f"{stage}: {type(error).__name__}"
