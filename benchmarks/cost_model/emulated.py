# SPDX-License-Identifier: Apache-2.0
"""Nodes of a Ray cluster on this machine, and what is measured of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from thresher.backends.ray.cluster import quietly
from thresher.core.client.environment import ray_environment
from thresher.planning.machine import Machine

NODE = Machine(cpus=2, memory=1_000_000_000, gpus=0, name="an emulated node")
STORE = 300_000_000
SAMPLE_S = 0.5


class Nodes:
    """A running cluster; ``memory`` is the most that the workers of one node have had, in bytes."""

    def __init__(self, cluster: Any, others: list[Any]) -> None:
        self.memory = 0
        self._raylets = [
            node.all_processes["raylet"][0].process.pid for node in (cluster.head_node, *others)
        ]
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Sample memory while the block runs."""
        self._watcher.start()
        try:
            yield
        finally:
            self._end.set()
            self._watcher.join()

    def _watch(self) -> None:
        while not self._end.wait(SAMPLE_S):
            self.memory = max(self.memory, *map(_of_workers, self._raylets))

    def stored(self) -> int:
        """Bytes of all objects ever made in the nodes' stores, copies included."""
        import ray
        from ray._private.internal_api import node_stats

        ray.init(address="auto", log_to_driver=False, configure_logging=False)
        try:
            addresses = [(n["NodeManagerAddress"], n["NodeManagerPort"]) for n in ray.nodes()]
            stats = [node_stats(*address, False).store_stats for address in addresses]
        finally:
            ray.shutdown()
        return sum(each.cumulative_created_bytes for each in stats)


def _of_workers(raylet: int) -> int:
    """Bytes (PSS) of a node's actors that run stages, and of their children."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(raylet).children():
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::Actor"):
                total += sum(map(_pss, [process, *process.children(recursive=True)]))
    return total


def _pss(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


@contextlib.contextmanager
def cluster_of(nodes: int) -> Iterator[Nodes]:
    """So many nodes of two logical CPUs, which executors find, until the end of the block."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    folder = tempfile.mkdtemp(prefix="thr-", dir="/tmp")
    os.environ.update(ray_environment(spill=True))
    os.environ["RAY_TMPDIR"] = folder  # where Ray writes the cluster's address
    os.mkdir(f"{folder}/ray")
    each = {"num_cpus": NODE.cpus, "object_store_memory": STORE}
    head = {**each, "temp_dir": folder, "include_dashboard": False, "dashboard_port": None}
    with quietly():
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            others = [cluster.add_node(**each) for _ in range(nodes - 1)]
            os.environ["RAY_ADDRESS"] = cluster.address
            yield Nodes(cluster, others)
        finally:
            cluster.shutdown()
            os.environ.clear()
            os.environ.update(before)
            shutil.rmtree(folder, ignore_errors=True)
