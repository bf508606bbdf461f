# SPDX-License-Identifier: Apache-2.0
"""What an actor of the pool runs: the same StepServer as every other worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Message
from thresher.backends.guard import Guard
from thresher.backends.ray.gang import Gang
from thresher.backends.ray.parcels import Yielding
from thresher.backends.server import StepServer
from thresher.stages.resources import NOTHING, Resources


class Worker:
    """Runs calls, one at a time; tells how far it is from a thread of its own.

    Parameters
    ----------
    blob : bytes
        Cloudpickled (steps, context).
    paths : sequence of str
        The driver's ``sys.path``: stages may be defined beside its script.
    guarded : bool
        Whether the work is done in a child process, which may die alone.
    ranks : int
        Workers of a collective Step, which are started from here.
    request : Resources
        What one of them needs; ``places`` is where they go.
    """

    def __init__(
        self,
        blob: bytes,
        worker_id: str,
        paths: Sequence[str],
        guarded: bool,
        ranks: int = 0,
        request: Resources = NOTHING,
        places: Any = None,
    ) -> None:
        import pyarrow

        sys.path[:] = [*dict.fromkeys([*sys.path, *paths])]
        pyarrow.set_cpu_count(1)
        self._progress: tuple[str, int, str] = ("", 0, "")
        node = node_id()
        self._packer = Yielding(node)
        self._server: StepServer | Guard | Gang
        if ranks:
            self._server = Gang(blob, worker_id, self._packer, ranks, request, places)
        elif guarded:
            self._server = Guard(blob, worker_id, self._packer, node)
        else:
            self._server = StepServer(blob, worker_id, self._packer, node)

    def ready(self) -> tuple[str, int]:
        """The node it runs on, and its process."""
        return node_id(), os.getpid()

    def call(self, envelope: Envelope) -> Iterator[Any]:
        """Yield the large tasks for the next Step, and at last (message, envelopes)."""
        answer = self.call_last(envelope)
        for task in self._packer.take():  # noqa: UP028 (Ray sends into this generator)
            yield task
        yield answer

    def call_last(self, envelope: Envelope) -> tuple[Message, list[Envelope]]:
        """A call of the last Step, which passes nothing on: (message, no envelopes)."""
        token = envelope.attempt.token
        self._progress = (token, 0, "")

        def beat(rows: int, stage: str) -> None:
            self._progress = (token, rows, stage)

        return self._server.call(envelope, beat)

    def progress(self) -> tuple[str, int, str]:
        """(token, source rows read, stage) of the call that runs, or ran last."""
        return self._progress

    def stack(self, token: str) -> str:
        """Where the call of an attempt is; empty if none runs here."""
        return self._server.stack(token)

    def close(self) -> None:
        """Tear the stages down."""
        self._server.close()


def node_id() -> str:
    """The node this process runs on."""
    from thresher.backends.ray.cluster import engine

    return str(engine("ray").get_runtime_context().get_node_id())
