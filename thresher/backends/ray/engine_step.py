# SPDX-License-Identifier: Apache-2.0
"""EngineStep: one Step as a stage of an engine that streams and places.

Its tasks are blocks of envelopes. What it makes travels on through the engine, what it reports
goes to the driver's mailbox: the engine's own retries and results do not matter.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from thresher.backends.executor import Failed, Heartbeat, Started
from thresher.backends.guard import Guard
from thresher.backends.parcel import Handed
from thresher.backends.ray.blocks import Block, blocks_after
from thresher.backends.ray.gang import Gang, no_beat
from thresher.backends.ray.mailbox import Address, Sender
from thresher.backends.server import StepServer
from thresher.stages.base import Collective
from thresher.stages.resources import NOTHING, Resources


@dataclass
class EngineStep:
    """What a worker of the engine needs to run a Step.

    Parameters
    ----------
    blob : Any
        Reference to the cloudpickled (steps, context).
    mailbox : Address
        Where messages go.
    guarded : bool
        Whether the work is done in a child process, which may die alone.
    paths : tuple[str, ...]
        The driver's ``sys.path``.
    ranks : int
        Of a collective Step, the workers; ``request`` is what Ray is asked for each of them.
    """

    index: int
    blob: Any
    mailbox: Address
    guarded: bool
    paths: tuple[str, ...]
    ranks: int = 0
    request: Resources = NOTHING

    def start(self, place: Collective | None = None) -> None:
        """Set the worker up; stages are set up with their first call.

        ``place`` is the worker's rank where the engine itself starts a collective Step's workers;
        else this one starts them.
        """
        import pyarrow

        from thresher.backends.ray.cluster import engine

        ray = engine("ray")
        sys.path[:] = [*dict.fromkeys([*sys.path, *self.paths])]
        pyarrow.set_cpu_count(1)
        blob = ray.get(self.blob)
        node = ray.get_runtime_context().get_node_id()
        worker_id = self._worker_id = f"{node[:8]}-{os.getpid()}"
        self._sender = Sender(ray, self.mailbox, self.stack)
        self._server: StepServer | Guard | Gang
        if self.ranks and place is None:
            self._server = Gang(blob, worker_id, Handed(), self.ranks, self.request)
        elif self.guarded:
            self._server = Guard(blob, worker_id, Handed(), node)
        else:
            self._server = StepServer(blob, worker_id, Handed(), node, place)
        self._follows = place is not None and place.rank > 0

    def call(self, block: Block) -> list[Block]:
        """Run the Step on each envelope; the blocks for the next Step."""
        if not hasattr(self, "_server"):
            self.start()
        if self._follows:
            return self._shadow(block)
        made: Block = []
        for envelope in block:
            token = envelope.attempt.token
            self._sender.send(Started(token, envelope.path, self.index, self._worker_id))

            def beat(rows: int, stage: str, token: str = token) -> None:
                self._sender.beat(Heartbeat(token, rows, stage))

            message, children = self._server.call(envelope, beat)
            self._sender.send(message)
            made += children
        return blocks_after(block, made)

    def _shadow(self, block: Block) -> list[Block]:
        """Work along with rank 0, and leave nothing behind.

        Raises
        ------
        RuntimeError
            If the call fails here: rank 0 would wait for this one.
        """
        for envelope in block:
            message, _ = self._server.call(envelope.shadow(), no_beat)
            if isinstance(message, Failed):
                raise RuntimeError(message.error)
        return []

    def stack(self, token: str) -> str:
        """Where the call of an attempt is; empty if none runs here."""
        return self._server.stack(token) if hasattr(self, "_server") else ""

    def stop(self) -> None:
        """Tear the stages down."""
        if hasattr(self, "_server"):
            self._server.close()
