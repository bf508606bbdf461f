# SPDX-License-Identifier: Apache-2.0
"""StreamingExecutor: what executors on engines that stream and place have in common."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event as CancelEvent
from typing import Any

from thresher.backends.context import RunContext
from thresher.backends.executor import Lease, Message, PartSource
from thresher.backends.guard import needs_guard
from thresher.backends.ray.blocks import Block, blocks_of
from thresher.backends.ray.cluster import quietly
from thresher.backends.ray.engine_step import EngineStep
from thresher.backends.ray.mailbox import Address, Mailbox
from thresher.backends.ray.nodes import Nodes
from thresher.backends.ray.placement import Group, one_of, room_of
from thresher.backends.ray.pool import RayPool
from thresher.backends.ray.ray_executor import RayExecutor
from thresher.backends.ray.streamed import Streamed
from thresher.backends.supervisor import packed
from thresher.planning.plan import Step


@dataclass(frozen=True)
class Placed:
    """A Step, how the engine's workers run it, and what it asks for.

    Parameters
    ----------
    task : EngineStep
        What its workers run.
    group : Group
        Its resources, as far as the cluster has them, and its environment.
    spec : dict
        Its stages' own wishes of the engine.
    """

    step: Step
    task: EngineStep
    group: Group
    spec: dict[str, Any]


class StreamingExecutor(RayExecutor):
    """Gives fresh attempts to an engine, and those that failed there to a pool of actors."""

    @property
    def memory(self) -> int:
        """Bytes that parts in flight may take: as many as there are, engines bound their queues."""
        return sys.maxsize

    @abstractmethod
    def asked_by(self, step: Step) -> dict[str, Any]:
        """What the stages of a Step ask of the engine."""

    @abstractmethod
    def stream(self, ray: Any, placed: Sequence[Placed], blocks: list[Block]) -> None:
        """Run blocks through all Steps on the engine, to the end."""

    def run_segment(
        self,
        steps: tuple[Step, ...],
        context: RunContext,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: CancelEvent,
    ) -> None:
        """Run leases through the Steps, on the engine as far as it can."""
        with quietly():
            ray = self.cluster.connect()
            room = room_of(ray, steps, ignore_head_node=self.ignore_head_node)
            groups = self.groups(steps, room)
            of_step = {index: group for group in groups for index in group.steps}
            asked = [self.asked_by(step) for step in steps]
            blob = packed(steps, context)
            reference = ray.put(blob)
            nodes = Nodes(ray, self.lost_after_s, self.announce)
            mailbox = Mailbox(ray)
            placed = []
            for step, spec in zip(steps, asked, strict=True):
                group = of_step[step.index]
                task = self._task(step, group, reference, mailbox.address)
                placed.append(Placed(step, task, group, spec))

            def engine(leases: list[Lease]) -> None:
                self.stream(ray, placed, blocks_of(leases, room.cpus))

            def pool() -> RayPool:
                alone = [one_of(group) for group in groups]
                return RayPool(
                    ray, blob, alone, lost_after_s=self.lost_after_s, announce=self.announce
                )

            self.at_work = streamed = Streamed(steps, engine, mailbox, pool, nodes, parts, sink)
            try:
                streamed.run(cancel)
            finally:
                self.at_work = None

    @staticmethod
    def _task(step: Step, group: Group, blob: Any, mailbox: Address) -> EngineStep:
        """What the engine's workers run."""
        paths = tuple(path for path in sys.path if path)
        # The engine counts CPUs by itself, and may need those that Ray has free to begin at all.
        request = replace(group.request, cpus=0.0)
        return EngineStep(step.index, blob, mailbox, needs_guard(step), paths, group.ranks, request)
