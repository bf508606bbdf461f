# SPDX-License-Identifier: Apache-2.0
"""Which nodes answer: a silent one is lost, whatever Ray thinks of it.

A cut link is not noticed by a call that waits for its answer. So an actor that does nothing sits
on each node where there are workers, and is asked for a sign of life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

ASK_EVERY_SECONDS = 2.0
_START_SECONDS = 60.0  # a sentinel has so much more time for its first answer


class Sentinel:
    """Answers."""

    def answer(self) -> bool:
        """A sign of life."""
        return True


@dataclass
class _Watched:
    actor: Any
    question: Any
    asked: float
    answered: float


class Nodes:
    """Watches the nodes of a cluster, save the one this process is on.

    Parameters
    ----------
    lost_after_s : float
        Seconds without an answer after which a node counts as lost.
    announce : callable
        Tells the user which node was given up.
    """

    def __init__(self, ray: Any, lost_after_s: float, announce: Callable[[str], None]) -> None:
        self._ray = ray
        self._lost_after = lost_after_s
        self._announce = announce
        self._watched: dict[str, _Watched] = {}
        self._lost: set[str] = set()
        self._here = str(ray.get_runtime_context().get_node_id())

    def watch(self, node: str) -> None:
        """Begin to watch a node."""
        if node == self._here or node in self._watched or node in self._lost:
            return
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        placed = NodeAffinitySchedulingStrategy(node, soft=False)
        kind = self._ray.remote(num_cpus=0, max_restarts=0)(Sentinel)
        actor = kind.options(scheduling_strategy=placed).remote()
        now = monotonic()
        self._watched[node] = _Watched(actor, actor.answer.remote(), now, now + _START_SECONDS)

    def watch_all(self) -> None:
        """Begin to watch all nodes there are."""
        for node in self._ray.nodes():
            if node.get("Alive"):
                self.watch(node["NodeID"])

    def is_lost(self, node: str) -> bool:
        """Whether a node was given up."""
        return node in self._lost

    def newly_lost(self) -> list[str]:
        """Nodes that have been silent for too long, or are gone; each is told once."""
        now = monotonic()
        found = []
        for node, watched in list(self._watched.items()):
            if self._is_silent(watched, now):
                del self._watched[node]
                self._lost.add(node)
                found.append(node)
                self._announce(f"node {self._address(node)} does not answer: it is given up")
        return found

    def _is_silent(self, watched: _Watched, now: float) -> bool:
        done, _ = self._ray.wait([watched.question], timeout=0, fetch_local=False)
        if not done:
            return now - watched.answered > self._lost_after
        try:
            self._ray.get(watched.question, timeout=1)
        except self._ray.exceptions.RayError:
            return True
        if now - watched.asked < ASK_EVERY_SECONDS:
            return False
        watched.answered = watched.asked = now
        watched.question = watched.actor.answer.remote()
        return False

    def _address(self, node: str) -> str:
        known = {found["NodeID"]: found["NodeManagerAddress"] for found in self._ray.nodes()}
        return str(known.get(node, node[:8]))

    def close(self) -> None:
        """End the sentinels."""
        for watched in self._watched.values():
            self._ray.kill(watched.actor)
        self._watched.clear()
