# SPDX-License-Identifier: Apache-2.0
"""What is promised of each node, on a cluster of three."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.jobs import ROOT
from tests.faults.ray_nodes import RayNodes, three_nodes
from tests.toys import read_output, write_input

pytestmark = pytest.mark.engine

HEAD = """
import os, sys, time
import pyarrow as pa
import ray
from pathlib import Path
from uuid import uuid4
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader, JsonlWriter

def here():
    return ray.get_runtime_context().get_node_id()

def run(kind, *stages, **options):
    stages = [JsonlReader(sys.argv[1]), *stages, JsonlWriter(f"{sys.argv[2]}/{kind.__name__}")]
    Pipeline("nodes", stages=stages).run(kind(**options))
"""

WHERE = """
class Where(ProcessingStage):
    rows = "same"
    gil_free = True  # in the engine's worker itself

    def process(self, task):
        return task.with_column("node", pa.array([here()] * task.num_items))

for kind in (RayActorPoolExecutor, RayDataExecutor):
    run(kind, Where(), ignore_head_node=True)
"""

ONCE = """
class Once(ProcessingStage):
    rows = "same"

    def __init__(self, folder):
        self.folder = folder

    def setup_on_node(self, node_info=None, worker_metadata=None):
        time.sleep(0.5)  # time enough for others to begin as well
        Path(self.folder, f"node-{node_info.node_id}-{uuid4()}").touch()

    def setup(self, worker_metadata=None):
        Path(self.folder, f"worker-{uuid4()}").touch()

    def process(self, task):
        time.sleep(0.1)
        return task

for kind in (RayActorPoolExecutor, RayDataExecutor, XennaExecutor):
    folder = Path(sys.argv[2], kind.__name__ + ".set-up")
    folder.mkdir(parents=True)
    run(kind, Once(str(folder)))
"""

LIMITED = """
class Slow(ProcessingStage):
    rows = "same"
    gil_free = True

    def process(self, task):
        began = time.time()
        time.sleep(0.2)
        task = task.with_column("node", pa.array([here()] * task.num_items))
        task = task.with_column("began", pa.array([began] * task.num_items))
        return task.with_column("ended", pa.array([time.time()] * task.num_items))

spec = {"num_workers_per_node": 1}
run(RayActorPoolExecutor, Slow().with_(xenna_stage_spec=spec))
run(XennaExecutor, Slow().with_(xenna_stage_spec=spec))
"""


GPUS = """
class OnGpu(ProcessingStage):
    rows = "same"
    resources = Resources(cpus=0.5, gpu_memory_gb=4)  # of the 8 of each

    def process(self, task):
        time.sleep(0.3)
        place = f"{here()} {os.environ['CUDA_VISIBLE_DEVICES']}"
        task = task.with_column("place", pa.array([place] * task.num_items))
        return task.with_column("worker", pa.array([os.getpid()] * task.num_items))

for kind in (RayActorPoolExecutor, RayDataExecutor):
    run(kind, OnGpu())
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    """Three nodes of two CPUs."""
    with three_nodes(cpus=2) as nodes:
        yield nodes


def run(nodes: RayNodes, folder: Path, script: str, files: int) -> Path:
    """Run a driver's script over so many files; the folder it writes to."""
    write_input(folder / "in", files=files, rows=3)
    ran = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(folder / "in"), str(folder / "out")],
        env={**os.environ, **nodes.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "out"


def rows_of(output: Path) -> list[dict[str, object]]:
    written = b"".join(read_output(output).values())
    return [json.loads(line) for line in written.splitlines()]


def test_nothing_runs_on_the_head_node(nodes: RayNodes, tmp_path: Path) -> None:
    output = run(nodes, tmp_path, WHERE, files=6)

    others = {node.node_id for node in nodes.others}
    for executor in ("RayActorPoolExecutor", "RayDataExecutor"):
        rows = rows_of(output / executor)
        assert len(rows) == 18
        assert {row["node"] for row in rows} <= others


def test_a_node_is_set_up_once(nodes: RayNodes, tmp_path: Path) -> None:
    output = run(nodes, tmp_path, ONCE, files=24)

    all_nodes = {nodes.cluster.head_node.node_id, *(node.node_id for node in nodes.others)}
    for executor in ("RayActorPoolExecutor", "RayDataExecutor", "XennaExecutor"):
        noted = [path.name for path in (output / f"{executor}.set-up").iterdir()]
        calls = Counter(name.split("-")[1] for name in noted if name.startswith("node-"))
        workers = sum(name.startswith("worker-") for name in noted)
        assert set(calls.values()) == {1}, executor
        assert set(calls) <= all_nodes, executor
        assert workers >= len(calls), executor
        assert len(rows_of(output / executor)) == 72
        if executor == "RayActorPoolExecutor":  # it has an actor on every CPU
            assert set(calls) == all_nodes
            assert workers > len(calls)


def test_a_node_runs_no_more_workers_than_a_stage_allows(nodes: RayNodes, tmp_path: Path) -> None:
    output = run(nodes, tmp_path, LIMITED, files=12)

    for executor in ("RayActorPoolExecutor", "XennaExecutor"):
        calls = defaultdict(set)
        for row in rows_of(output / executor):
            calls[row["node"]].add((row["began"], row["ended"]))
        assert len(calls) == 3, executor
        for times in calls.values():
            ordered = sorted(times)
            assert all(a[1] <= b[0] for a, b in pairwise(ordered)), executor


def test_gpus_are_shared_as_stages_ask(nodes: RayNodes, tmp_path: Path) -> None:
    """GPUs in name only: who would use which one."""
    output = run(nodes, tmp_path, GPUS, files=18)

    for executor in ("RayActorPoolExecutor", "RayDataExecutor"):
        workers = defaultdict(set)
        for row in rows_of(output / executor):
            workers[row["place"]].add(row["worker"])
        assert all(place.endswith(" 0") for place in workers), executor
        assert max(map(len, workers.values())) <= 2, executor
        if executor == "RayActorPoolExecutor":  # it starts all that find a place
            assert [len(pids) for pids in workers.values()] == [2, 2, 2]
