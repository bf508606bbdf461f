# SPDX-License-Identifier: Apache-2.0
"""RayExecutor: what all executors on Ray have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thresher.backends.executor import BaseExecutor
from thresher.backends.ray.cluster import Cluster
from thresher.backends.ray.config import checked_config, runtime_env_of
from thresher.backends.ray.placement import Group, Room, groups_for
from thresher.planning.machine import Machine
from thresher.planning.plan import Step

LOST_AFTER_SECONDS = 20.0


class RayExecutor(BaseExecutor):
    """Works on a cluster, which it finds or starts.

    Parameters
    ----------
    config : dict | None
    keys : sequence of str
        What the configuration may hold.
    cluster : Cluster
    ignore_head_node : bool
        Whether no workers are placed on the cluster's head node.
    """

    def __init__(
        self,
        config: dict[str, Any] | None,
        keys: Sequence[str],
        cluster: Cluster,
        ignore_head_node: bool,
    ) -> None:
        self.config = checked_config(type(self).__name__, config, keys)
        self.lost_after_s = float(self.config.get("lost_after_s", LOST_AFTER_SECONDS))
        self.ignore_head_node = ignore_head_node
        self.cluster = cluster

    def machine(self) -> Machine | None:
        """The largest node, once the cluster is known."""
        return self.cluster.machine()

    def prepare(self) -> None:
        """Connect to the cluster."""
        self.cluster.connect()

    def close(self) -> None:
        """Leave the cluster; end it if it was started for this run."""
        self.cluster.close()

    def groups(self, steps: Sequence[Step], room: Room) -> list[Group]:
        """The Steps' workers, as many as find room; requests that are scaled down are announced."""
        groups, notes = groups_for(steps, room)
        for note in notes:
            self.announce(note)
        return [runtime_env_of(group, self.config) for group in groups]
