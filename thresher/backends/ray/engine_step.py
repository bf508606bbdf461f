# SPDX-License-Identifier: Apache-2.0
"""EngineStep: one Step as a stage of an engine that streams and places.

Its tasks are envelopes. What it makes travels on through the engine, what it reports goes to the
driver's mailbox: the engine's own retries and results do not matter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thresher.backends.executor import Heartbeat, Started
from thresher.backends.guard import Guard
from thresher.backends.parcel import Handed
from thresher.backends.ray.mailbox import Sender
from thresher.backends.server import Envelope, StepServer


@dataclass
class EngineStep:
    """What a worker of the engine needs to run a Step.

    Parameters
    ----------
    blob : Any
        Reference to the cloudpickled (steps, context).
    mailbox : Any
        Where messages go.
    guarded : bool
        Whether the work is done in a child process, which may die alone.
    paths : tuple[str, ...]
        The driver's ``sys.path``.
    """

    index: int
    blob: Any
    mailbox: Any
    guarded: bool
    paths: tuple[str, ...]

    def start(self) -> None:
        """Set the worker up; stages are set up with their first call."""
        import pyarrow

        from thresher.backends.ray.cluster import engine

        ray = engine("ray")
        sys.path[:] = [*dict.fromkeys([*sys.path, *self.paths])]
        pyarrow.set_cpu_count(1)
        blob = ray.get(self.blob)
        worker_id = f"{ray.get_runtime_context().get_node_id()[:8]}-{os.getpid()}"
        kind = Guard if self.guarded else StepServer
        self._server = kind(blob, worker_id, Handed())
        self._sender = Sender(ray, self.mailbox)

    def call(self, envelopes: Sequence[Envelope]) -> list[Envelope]:
        """Run the Step on each; the envelopes for the next Step."""
        if not hasattr(self, "_server"):
            self.start()
        made: list[Envelope] = []
        for envelope in envelopes:
            token = envelope.attempt.token
            self._sender.send(Started(token, envelope.path, self.index))

            def beat(rows: int, stage: str, token: str = token) -> None:
                self._sender.beat(Heartbeat(token, rows, stage))

            message, children = self._server.call(envelope, beat)
            self._sender.send(message)
            made += children
        return made

    def stop(self) -> None:
        """Tear the stages down."""
        if hasattr(self, "_server"):
            self._server.close()
