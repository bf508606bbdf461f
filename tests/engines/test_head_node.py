# SPDX-License-Identifier: Apache-2.0
"""``ignore_head_node=True`` on a cluster of three nodes: no stage runs on the first one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.jobs import ROOT
from tests.faults.ray_nodes import three_nodes
from tests.toys import read_output, write_input

pytestmark = pytest.mark.engine

SCRIPT = """
import sys
import pyarrow as pa
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, JsonlWriter

class Where(ProcessingStage):
    name = "where"
    rows = "same"
    gil_free = True  # in the engine's worker itself

    def process(self, task):
        import ray
        node = ray.get_runtime_context().get_node_id()
        return task.with_column("node", pa.array([node] * task.num_items))

for kind in (RayActorPoolExecutor, RayDataExecutor):
    stages = [JsonlReader(sys.argv[1]), Where(), JsonlWriter(f"{sys.argv[2]}/{kind.__name__}")]
    Pipeline("where", stages=stages).run(kind(ignore_head_node=True))
"""


def test_nothing_runs_on_the_head_node(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=6, rows=3)
    with three_nodes() as nodes:
        head = nodes.cluster.head_node.node_id
        others = {node.node_id for node in nodes.others}
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "in"), str(tmp_path / "out")],
            env={**os.environ, **nodes.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for executor in ("RayActorPoolExecutor", "RayDataExecutor"):
        written = b"".join(read_output(tmp_path / "out" / executor).values()).decode()
        assert written.count("\n") == 18
        assert head not in written
        assert any(node in written for node in others)
