# SPDX-License-Identifier: Apache-2.0
"""Gang: the workers of a collective Step, started together, that run every task together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from thresher.backends.call_failed import CallFailed
from thresher.backends.collective import address_on
from thresher.backends.envelope import Envelope
from thresher.backends.executor import Failed, Message
from thresher.backends.parcel import Handed, Packer
from thresher.backends.ray.cluster import engine
from thresher.backends.server import StepServer
from thresher.stages.base import Collective
from thresher.stages.resources import Resources


class Rank:
    """One worker of a gang: a Ray actor."""

    def __init__(self, blob: bytes, worker_id: str, paths: Sequence[str]) -> None:
        import pyarrow

        sys.path[:] = [*dict.fromkeys([*sys.path, *paths])]
        pyarrow.set_cpu_count(1)
        self._blob = blob
        self._worker_id = worker_id

    def address(self) -> str:
        """Where the others find this one, if it is rank 0."""
        return address_on(engine("ray").util.get_node_ip_address())

    def join(self, place: Collective) -> None:
        """Take a place among the others."""
        self._leads = place.rank == 0
        node = engine("ray").get_runtime_context().get_node_id()
        self._server = StepServer(self._blob, self._worker_id, Handed(), node, place)

    def call(self, envelope: Envelope) -> tuple[Message, list[Envelope]]:
        """One call; only rank 0 leaves anything behind."""
        if self._leads:
            return self._server.call(envelope, no_beat)
        message, _ = self._server.call(envelope.shadow(), no_beat)
        return message, []

    def close(self) -> None:
        """Tear the stages down."""
        self._server.close()


class Gang:
    """Stands where a StepServer does.

    A rank that fails leaves the others waiting for it in the middle of their exchange: all are
    ended, and the next call starts new ones.

    Parameters
    ----------
    blob : bytes
        Cloudpickled (steps, context).
    packer : Packer
        Makes parcels of what rank 0 answers.
    size : int
        How many ranks there are.
    request : Resources
        Of one rank.
    places : Any
        Ray's placement group with a bundle for each rank (:func:`places_for`), or None.
    """

    def __init__(
        self,
        blob: bytes,
        worker_id: str,
        packer: Packer,
        size: int,
        request: Resources,
        places: Any = None,
    ) -> None:
        self.packer = packer
        self.size = size
        self._blob = blob
        self._worker_id = worker_id
        self._ray = engine("ray")
        self._ranks: list[Any] = []
        self._request = request
        self._places = places
        self._start()

    def call(
        self, envelope: Envelope, beat: Callable[[int, str], None]
    ) -> tuple[Message, list[Envelope]]:
        """One call on all ranks: the report of rank 0, and its children. It does not beat."""
        if not self._ranks:
            self._start()
        shared = self._ray.put(envelope)
        calls = [rank.call.remote(shared) for rank in self._ranks]
        waiting = list(calls)
        while waiting:
            (ended,), waiting = self._ray.wait(waiting)
            failed = self._failure(ended, calls.index(ended), envelope)
            if failed is not None:
                self._end()
                return failed, []
        message, children = self._ray.get(calls[0])
        return message, [self._packed(child) for child in children]

    def stack(self, token: str) -> str:
        """Nothing: it is not told which of the ranks the others wait for."""
        return ""

    def close(self) -> None:
        """Tear the stages down, and end all ranks."""
        asked = [rank.close.remote() for rank in self._ranks]
        if asked:
            self._ray.wait(asked, num_returns=len(asked), timeout=10)
        self._end()

    def _start(self) -> None:
        kind = self._ray.remote(max_restarts=0, max_task_retries=0)(Rank)
        paths = [path for path in sys.path if path]
        self._ranks = [
            kind.options(**self._options(rank)).remote(self._blob, self._worker_id, paths)
            for rank in range(self.size)
        ]
        address = self._ray.get(self._ranks[0].address.remote())
        places = [Collective(rank, self.size, address) for rank in range(self.size)]
        joined = [
            actor.join.remote(place) for actor, place in zip(self._ranks, places, strict=True)
        ]
        self._ray.get(joined)

    def _options(self, rank: int) -> dict[str, Any]:
        options: dict[str, Any] = {"num_cpus": self._request.cpus, "num_gpus": self._request.gpus}
        if self._places is not None:
            strategies = self._ray.util.scheduling_strategies
            options["scheduling_strategy"] = strategies.PlacementGroupSchedulingStrategy(
                self._places, placement_group_bundle_index=rank
            )
        return options

    def _failure(self, reference: Any, rank: int, envelope: Envelope) -> Failed | None:
        """What went wrong on a rank; None if nothing did."""
        try:
            message, _ = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            told = CallFailed("died", "", f"rank {rank} of {self.size} ended: {first_line(error)}")
            return told.message(envelope.attempt.token, envelope.path, envelope.step, 0)
        if isinstance(message, Failed):
            return replace(message, error=f"rank {rank} of {self.size}: {message.error}")
        return None

    def _packed(self, child: Envelope) -> Envelope:
        task = child.parcel.open()
        return replace(child, parcel=self.packer.pack(task))

    def _end(self) -> None:
        for rank in self._ranks:
            self._ray.kill(rank, no_restart=True)
        self._ranks = []


def places_for(ray: Any, size: int, request: Resources, not_on: str = "") -> Any:
    """A placement group for all ranks together, none on a node left out; None if they need nothing.

    Ray keeps it until the driver ends or removes it, whatever becomes of the actors in it.
    """
    bundle = {"CPU": request.cpus, "GPU": request.gpus}
    bundle = {name: amount for name, amount in bundle.items() if amount}
    selectors = [{"ray.io/node-id": f"!{not_on}"}] * size if not_on else None
    if not bundle:
        return None
    return ray.util.placement_group([bundle] * size, bundle_label_selector=selectors)


def first_line(error: Exception) -> str:
    """The first line of a message that has words in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def no_beat(rows: int, stage: str) -> None:
    """Somebody else beats for this rank."""
