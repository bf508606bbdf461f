# SPDX-License-Identifier: Apache-2.0
"""Thresher's side; see work.py."""

import json
import sys
import time

from benchmarks.engines.work import CPUS, FILTERS
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.core.client import RayClient
from thresher.pipeline import Pipeline
from thresher.stages.text import filters
from thresher.stages.text.filters import ScoreFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter

EXECUTORS = {
    "actor pool": RayActorPoolExecutor,
    "xenna": lambda: XennaExecutor({"execution_mode": "batch"}),
    "ray data": RayDataExecutor,
}


def main(engine: str, work: str, source: str, target: str, runs: int) -> None:
    """Start the cluster, run the pipeline, print the seconds."""
    client = RayClient(num_cpus=CPUS, object_store_memory=2 << 30)
    client.start()
    took = []
    for number in range(runs):
        stages = [
            JsonlReader(source, files_per_partition=1),
            *(ScoreFilter(getattr(filters, name)()) for name in FILTERS[work]),
            JsonlWriter(f"{target}/{number}"),
        ]
        began = time.perf_counter()
        Pipeline("benchmark", stages=stages).run(EXECUTORS[engine]())
        took.append(time.perf_counter() - began)
    client.stop()
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
