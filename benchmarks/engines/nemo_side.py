# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side; see work.py."""

import json
import os
import sys
import time

from nemo_curator.backends.ray_actor_pool import RayActorPoolExecutor
from nemo_curator.backends.ray_data import RayDataExecutor
from nemo_curator.backends.xenna import XennaExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.filters import ScoreFilter, heuristic
from nemo_curator.stages.text.io.reader import JsonlReader
from nemo_curator.stages.text.io.writer import JsonlWriter
from ray.cluster_utils import Cluster
from work import CPUS, FILTERS

EXECUTORS = {
    "actor pool": RayActorPoolExecutor,
    "xenna": lambda: XennaExecutor({"execution_mode": "batch"}),
    "ray data": RayDataExecutor,
}


def main(engine: str, work: str, source: str, target: str, runs: int) -> None:
    """Start the cluster, run the pipeline, print the seconds."""
    # Its own client waits in vain for a cluster that asks for Ray's token, and its executors would
    # end a cluster that belongs to this process's connection.
    head = {"num_cpus": CPUS, "object_store_memory": 2 << 30, "include_dashboard": True}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    os.environ["RAY_ADDRESS"] = cluster.address
    took = []
    for number in range(runs):
        stages = [
            JsonlReader(source, files_per_partition=1),
            *(ScoreFilter(getattr(heuristic, name)()) for name in FILTERS[work]),
            JsonlWriter(f"{target}/{number}"),
        ]
        pipeline = Pipeline(name="benchmark", stages=stages)
        began = time.perf_counter()
        pipeline.run(EXECUTORS[engine]())
        took.append(time.perf_counter() - began)
    cluster.shutdown()
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
