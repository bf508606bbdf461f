# SPDX-License-Identifier: Apache-2.0
"""Stages whose workers run every task together: here, a sum over ranks by torch's gloo."""

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.toys import read_output, run_quietly, write_input
from thresher.backends.executor import BaseExecutor
from thresher.backends.local import LocalExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage, WorkerMetadata
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore"),
]
ENGINES: dict[str, Callable[[], BaseExecutor]] = {
    "ray actor pool": RayActorPoolExecutor,
    "xenna": XennaExecutor,
}


class SumOfLengths(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Each rank adds up the texts whose turn is its own; all of them, summed, go into a column."""

    name = "sum_of_lengths"
    rows = "same"
    collective = True

    def __init__(self, folder: str, trouble: str = "") -> None:
        self.folder = folder
        self.trouble = trouble

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        import torch.distributed as dist

        assert worker_metadata is not None
        place = worker_metadata.collective
        assert place is not None
        self.place = place
        dist.init_process_group(
            "gloo",
            init_method=f"tcp://{place.address}",
            rank=place.rank,
            world_size=place.world_size,
            timeout=timedelta(seconds=300),  # nobody waits for it to pass
        )
        note = f"{place.rank} of {place.world_size} at {place.address}"
        Path(self.folder, f"{os.getpid()}").write_text(note)

    def process(self, task: DocumentBatch) -> DocumentBatch:
        import torch
        import torch.distributed as dist

        texts = task.data.column("text").to_pylist()
        if self.place.rank == 1 and self._first_time():
            if self.trouble == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.trouble == "raises":
                raise ValueError("no luck")
        mine = texts[self.place.rank :: self.place.world_size]
        total = torch.tensor([sum(map(len, mine))])
        dist.all_reduce(total)
        return task.with_column("total", np.full(task.num_items, total.item()))

    def teardown(self) -> None:
        import torch.distributed as dist

        dist.destroy_process_group()

    def _first_time(self) -> bool:
        try:
            Path(self.folder, "trouble").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def pipeline(folder: Path, output: str, stage: ProcessingStage[Any, Any]) -> Pipeline:
    stages = [JsonlReader(str(folder / "in")), stage, JsonlWriter(str(folder / output))]
    return Pipeline("collective", stages=stages)


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    """What one worker alone makes of three files."""
    write_input(tmp_path / "in", files=3, rows=7)
    (tmp_path / "alone").mkdir()
    stage = SumOfLengths(str(tmp_path / "alone")).with_(num_workers=1)
    run_quietly(pipeline(tmp_path, "local", stage), LocalExecutor(workers=1))
    notes = [path.read_text() for path in (tmp_path / "alone").iterdir()]
    assert [note.partition(" at ")[0] for note in notes] == ["0 of 1"]
    found = read_output(tmp_path / "local")
    row = json.loads(next(iter(found.values())).splitlines()[0])
    assert row["total"] >= len(row["text"])
    return found


RUNS = [
    ("ray actor pool", ""),
    ("ray actor pool", "raises"),
    ("ray actor pool", "dies"),
    ("xenna", ""),
    ("xenna", "dies"),
]


@pytest.mark.parametrize(("engine", "trouble"), RUNS)
def test_workers_run_every_task_together(
    engine: str, trouble: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "ranks").mkdir()
    stage = SumOfLengths(str(tmp_path / "ranks"), trouble).with_(num_workers=2)

    result = run_quietly(pipeline(tmp_path, "out", stage), ENGINES[engine]())

    assert result.status == "complete"
    assert read_output(tmp_path / "out") == expected
    assert (tmp_path / "ranks" / "trouble").exists()
    notes = [p.read_text() for p in (tmp_path / "ranks").iterdir() if p.name != "trouble"]
    worlds = {note.partition(" at ")[2] for note in notes}
    assert len(worlds) > 1 if trouble else len(worlds) == 1
    for address in worlds:
        ranks = sorted(note.partition(" at ")[0] for note in notes if note.endswith(address))
        assert ranks == ["0 of 2", "1 of 2"]


def test_more_workers_together_than_there_is_room_for(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    stage = SumOfLengths(str(tmp_path)).with_(num_workers=100)
    with pytest.raises(PlanError, match="100 workers start together"):
        run_quietly(pipeline(tmp_path, "out", stage), RayActorPoolExecutor())


def test_ray_data_cannot(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    stage = SumOfLengths(str(tmp_path)).with_(num_workers=2)
    with pytest.raises(PlanError, match="cannot start its workers together"):
        run_quietly(pipeline(tmp_path, "out", stage), RayDataExecutor())
