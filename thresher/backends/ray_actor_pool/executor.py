# SPDX-License-Identifier: Apache-2.0
"""RayActorPoolExecutor: the local loop, with Ray actors as workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event as CancelEvent
from time import monotonic
from typing import Any

from thresher.backends.context import RunContext
from thresher.backends.executor import Message, PartSource
from thresher.backends.ray.cluster import Cluster, quietly
from thresher.backends.ray.placement import Room, room_of
from thresher.backends.ray.pool import RayPool
from thresher.backends.ray.ray_executor import RayExecutor
from thresher.backends.supervisor import Supervisor, packed
from thresher.planning.plan import Step

_KEYS = ("runtime_env", "reserved_cpus", "reserved_gpus", "lost_after_s", "max_tasks_per_worker")


class RayActorPoolExecutor(RayExecutor):
    """Runs pipelines on a pool of Ray actors, on this machine or on a cluster.

    Connects to the cluster of ``RAY_ADDRESS`` (see
    :class:`~thresher.core.client.RayClient`) or starts one here for the run. Parts stream through
    all Steps, most downstream first; no stage waits until the one before has finished.

    Parameters
    ----------
    config : dict | None
        ``runtime_env`` for all workers, ``reserved_cpus`` and ``reserved_gpus`` to leave free
        (0), ``lost_after_s``: a node that is silent for so many seconds is given up (20),
        ``max_tasks_per_worker``: replace a worker after so many calls (never).
    ignore_head_node : bool
        Whether no workers are placed on the cluster's head node.
    show_progress : bool
        Whether the progress line tells what the workers do.
    progress_interval : float
        Seconds between two looks at them.

    Raises
    ------
    PlanError
        For unknown keys in ``config``.
    """

    def __init__(
        self,
        config: dict[str, Any] | None = None,
        ignore_head_node: bool = False,
        show_progress: bool = True,
        progress_interval: float = 10.0,
    ) -> None:
        super().__init__(config, _KEYS, Cluster(), ignore_head_node)
        self.show_progress = show_progress
        self.progress_interval = progress_interval
        self._room: Room | None = None
        self._looked = 0.0
        self._activity = ""

    @property
    def memory(self) -> int:
        """Bytes that parts in flight may take: half of the cluster's object store."""
        found = self.cluster.connect().cluster_resources()
        return int(found.get("object_store_memory", 2**32) // 2)

    def describe(self) -> str:
        """One line for plans and reports."""
        if self._room is None:
            return "RayActorPoolExecutor"
        room = self._room
        gpus = f", {room.gpus:g} GPUs" if room.gpus else ""
        return f"RayActorPoolExecutor: {room.nodes} nodes, {room.cpus:g} CPUs{gpus}"

    def run_segment(
        self,
        steps: tuple[Step, ...],
        context: RunContext,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: CancelEvent,
    ) -> None:
        """Run leases through the Steps, most downstream first."""
        with quietly():
            ray = self.cluster.connect()
            room = self._left_room(room_of(ray, steps, ignore_head_node=self.ignore_head_node))
            pool = RayPool(
                ray,
                packed(steps, context),
                self.groups(steps, room),
                lost_after_s=self.lost_after_s,
                announce=self.announce,
                max_tasks_per_worker=self.config.get("max_tasks_per_worker"),
                most_per_node={s.index: n for s in steps if (n := s.workers_per_node) is not None},
            )
            self.at_work, self._looked = pool, 0.0
            slots = max(1, int(room.cpus))
            try:
                Supervisor(steps, pool, parts, sink, slots, room.nodes).run(cancel)
            finally:
                self.at_work = None
                pool.close(kill=cancel.is_set())

    @property
    def activity(self) -> str:  # type: ignore[override]
        """How many workers do what, as of at most ``progress_interval`` seconds ago."""
        if not self.show_progress or self.at_work is None:
            return ""
        now = monotonic()
        if now - self._looked >= self.progress_interval:
            self._looked, self._activity = now, self.at_work.activity()
        return self._activity

    def _left_room(self, room: Room) -> Room:
        self._room = room
        cpus = room.cpus - float(self.config.get("reserved_cpus", 0.0))
        gpus = room.gpus - float(self.config.get("reserved_gpus", 0.0))
        return replace(room, cpus=max(cpus, 0.0), gpus=max(gpus, 0.0))
