# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster of three nodes on this machine, whose nodes and workers can be killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from random import Random
from typing import Any

import psutil

from thresher.backends.ray.cluster import quietly
from thresher.core.client.environment import ray_environment

NODE = {
    "num_gpus": 1,  # in name only
    "resources": {"gpu_memory_gb": 8},
    "object_store_memory": 150 << 20,
}
_WORKER = re.compile(r"ray::(Actor|MapWorker|StageWorker)\b")
"""Of the actor pool, Ray Data and Xenna. Not Ray's agents, with which it ends their node."""


class RayNodes:
    """The head node, where drivers connect, and two more."""

    def __init__(self, cluster: Any, node: dict[str, Any]) -> None:
        self.cluster = cluster
        self._node = node
        self.others: list[Any] = []
        self.restore()

    @property
    def environment(self) -> dict[str, str]:
        """What a driver needs to find it."""
        return {"RAY_ADDRESS": self.cluster.address}

    def remove_a_node(self, rng: Random) -> None:
        """A node is gone without a word."""
        node = self.others.pop(rng.randrange(len(self.others)))
        self.cluster.remove_node(node, allow_graceful=False)

    def restore(self) -> None:
        """Two nodes beside the head again."""
        while len(self.others) < 2:
            self.others.append(self.cluster.add_node(**self._node))

    def kill_a_worker(self, rng: Random) -> bool:
        """SIGKILL to a process of Ray that runs a stage; False if there is none."""
        found = self._workers()
        if found:
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(found).kill()
        return bool(found)

    def _workers(self) -> list[psutil.Process]:
        found = []
        for node in [self.cluster.head_node, *self.others]:
            raylet = node.all_processes["raylet"][0].process.pid
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [p for p in psutil.Process(raylet).children() if _runs_a_stage(p)]
        return found


def _runs_a_stage(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, IndexError):
        return _WORKER.match(process.cmdline()[0]) is not None
    return False


@contextlib.contextmanager
def three_nodes(cpus: int) -> Iterator[RayNodes]:
    """The cluster, of so many CPUs each, in a folder of its own, until the end of the block."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ.update(ray_environment(spill=True))
    folder = tempfile.mkdtemp(prefix="thr-", dir="/tmp")
    os.environ["RAY_TMPDIR"] = folder  # where Ray writes the cluster's address
    os.mkdir(f"{folder}/ray")
    dashboard = {"include_dashboard": True, "dashboard_port": None}  # None: one that is free
    node = {**NODE, "num_cpus": cpus}
    head = {**node, "temp_dir": folder, **dashboard}
    with quietly():
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            yield RayNodes(cluster, node)
        finally:
            cluster.shutdown()
            os.environ.clear()
            os.environ.update(before)
            shutil.rmtree(folder, ignore_errors=True)
