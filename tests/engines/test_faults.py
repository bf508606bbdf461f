# SPDX-License-Identifier: Apache-2.0
"""What may happen to an engine, and is not seen in what a run leaves behind."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engines.executors import ENGINES, EXECUTORS
from tests.engines.pipelines import CASES, LESS, ONE
from tests.toys import (
    DieOn,
    EndWorkerOnce,
    Lengths,
    Listening,
    Pass,
    quarantined,
    read_output,
    records_of,
    run_quietly,
    write_input,
)
from thresher.backends.executor import BaseExecutor, Done
from thresher.backends.local import LocalExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.errors import PlanError, StageError
from thresher.pipeline import Pipeline, conductor
from thresher.runs.report import Observer
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader, JsonlWriter

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore"),
]


def pipeline(source: Path, output: Path, *stages: Any, **options: Any) -> Pipeline:
    found = [JsonlReader(str(source)), *stages, JsonlWriter(str(output))]
    return Pipeline("faults", stages=found, **options)


@pytest.mark.parametrize("engine", EXECUTORS)
def test_an_engine_worker_that_is_killed(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=12, rows=5)
    stages = [Lengths().with_(resources=ONE), Pass().with_(resources=LESS)]
    run_quietly(pipeline(tmp_path / "in", tmp_path / "local", *stages), LocalExecutor(workers=1))
    stages[1] = EndWorkerOnce(str(tmp_path)).with_(resources=LESS)

    result = run_quietly(pipeline(tmp_path / "in", tmp_path / "out", *stages), ENGINES[engine]())

    assert (tmp_path / "ended").exists()
    assert result.status == "complete"
    assert read_output(tmp_path / "out") == read_output(tmp_path / "local")


def test_a_row_that_kills_ray_datas_own_worker(tmp_path: Path) -> None:
    """Stages that release the GIL run in the engine's process, which Ray Data starts for ever."""
    write_input(tmp_path / "in", files=12, rows=5)
    poison = DieOn(33).with_(resources=LESS)
    poison.gil_free = True  # type: ignore[misc]
    stages = [Lengths().with_(resources=ONE), poison]
    run = pipeline(tmp_path / "in", tmp_path / "out", *stages, max_error_rate=1.0)

    result = run_quietly(run, RayDataExecutor())

    assert {record["id"] for record in records_of(tmp_path / "out")} == {*range(60)} - {33}
    (entry,) = quarantined(result)
    assert json.loads(entry["record"])["id"] == 33
    assert "kills its worker" in entry["error"]


@pytest.mark.parametrize("engine", EXECUTORS)
def test_a_run_that_is_complete_is_not_repeated(engine: str, tmp_path: Path) -> None:
    case = CASES["linear"]
    run_quietly(case.pipeline(tmp_path / "in", tmp_path / "out"), ENGINES[engine]())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.jsonl")}

    again = run_quietly(case.pipeline(tmp_path / "in", tmp_path / "out"), ENGINES[engine]())

    assert again.status == "nothing to do"
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.jsonl")}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_gpu_is_an_error_and_no_stall(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    stage = Pass("on a gpu").with_(resources=Resources(cpus=1.0, gpus=1.0))
    with pytest.raises(PlanError, match="needs 1 GPUs; the largest node has 0"):
        run_quietly(pipeline(tmp_path / "in", tmp_path / "out", stage), ENGINES[engine]())


@pytest.mark.parametrize("engine", ENGINES)
def test_more_cpus_than_there_are(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=2, rows=3)
    stages = [Lengths().with_(resources=Resources(cpus=64.0)), Pass().with_(resources=ONE)]
    told = Listening()
    run = pipeline(tmp_path / "in", tmp_path / "out", *stages)
    result = run_quietly(run, ENGINES[engine](), observer=told)
    assert result.status == "complete"
    assert len(read_output(tmp_path / "out")) == 2
    assert any("64 CPUs" in warning for warning in told.warnings)


class Unprepared(Pass):
    """Cannot be set up."""

    def setup(self, worker_metadata: Any = None) -> None:
        raise OSError("no such model")


@pytest.mark.parametrize("engine", EXECUTORS)
def test_a_stage_that_cannot_be_set_up(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=2, rows=3)
    with pytest.raises(StageError, match="no such model"):
        run_quietly(pipeline(tmp_path / "in", tmp_path / "out", Unprepared()), ENGINES[engine]())


@pytest.mark.parametrize("kind", [RayActorPoolExecutor, RayDataExecutor, XennaExecutor])
def test_unknown_keys_in_a_config_are_errors(kind: type[BaseExecutor]) -> None:
    with pytest.raises(PlanError, match="unknown key in its config: speed"):
        kind({"speed": 11})  # type: ignore[call-arg]


def test_xenna_cannot_leave_out_the_head_node() -> None:
    with pytest.raises(PlanError, match="Xenna cannot leave out the head node"):
        XennaExecutor(ignore_head_node=True)


@pytest.mark.parametrize("kind", [RayActorPoolExecutor, RayDataExecutor])
def test_a_head_node_alone_cannot_be_left_out(kind: Any, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    with pytest.raises(PlanError, match="no node beside its head node"):
        run_quietly(pipeline(tmp_path / "in", tmp_path / "out"), kind(ignore_head_node=True))


def test_xenna_knows_its_modes() -> None:
    with pytest.raises(PlanError, match="execution_mode='turbo' is unknown"):
        XennaExecutor({"execution_mode": "turbo"})


def test_xenna_stage_spec_is_checked(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    stage = Pass().with_(xenna_stage_spec={"speed": 1})
    with pytest.raises(PlanError, match="unknown key in its xenna_stage_spec: speed"):
        run_quietly(pipeline(tmp_path / "in", tmp_path / "out", stage), XennaExecutor())
    stage = Pass().with_(xenna_stage_spec={"num_workers_per_node": 1}, num_workers=1)
    with pytest.raises(PlanError, match="num_workers and for num_workers_per_node"):
        run_quietly(pipeline(tmp_path / "in", tmp_path / "out", stage), XennaExecutor())


def test_ray_stage_spec_is_checked(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=1)
    for spec, message in (
        ({"speed": 1}, "unknown key in its ray_stage_spec: speed"),
        ({"ray_remote_args": {"num_cpus": 1}}, "ray_remote_args cannot hold num_cpus"),
        ({"min_workers": 3, "max_workers": 2}, "min_workers=3 is above max_workers=2"),
        ({"initial_workers": 5, "max_workers": 2}, "initial_workers=5 is outside 1 to 2"),
    ):
        stage = Pass().with_(ray_stage_spec=spec)
        with pytest.raises(PlanError, match=message):
            run_quietly(pipeline(tmp_path / "in", tmp_path / "out", stage), RayDataExecutor())


class TornDown(Pass):
    """Leaves a file when it is torn down."""

    gil_free = True  # in the engine's process: Ray kills its children before that

    def __init__(self, left: Path) -> None:
        super().__init__()
        self.left = left

    def teardown(self) -> None:
        self.left.touch()


def test_stages_are_torn_down_on_ray_data_too(tmp_path: Path) -> None:
    """It tells its workers nothing at the end."""
    write_input(tmp_path / "in", files=1, rows=1)
    left = tmp_path / "left"
    run_quietly(pipeline(tmp_path / "in", tmp_path / "out", TornDown(left)), RayDataExecutor())
    deadline = time.monotonic() + 30
    while not left.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left.exists()


class Sleeps(Pass):
    """Is stuck for some seconds."""

    def __init__(self, *, gil_free: bool) -> None:
        super().__init__()
        self.gil_free = gil_free  # type: ignore[misc]

    def process(self, task: Any) -> Any:
        time.sleep(6)
        return task


@pytest.mark.parametrize(
    ("engine", "gil_free"),
    [("ray actor pool", True), ("ray actor pool", False), ("xenna", True), ("ray data", False)],
)
def test_a_stuck_stage_is_named_with_its_stack(
    engine: str, gil_free: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "STUCK_AFTER_SECONDS", 3.0)
    write_input(tmp_path / "in", files=1, rows=1)
    told = Listening()
    run = pipeline(tmp_path / "in", tmp_path / "out", Sleeps(gil_free=gil_free))
    run_quietly(run, ENGINES[engine](), observer=told)
    warnings = [text for text in told.warnings if "no progress" in text]
    assert "in process\n" in warnings[-1]


class Interrupting(Observer):
    """Presses Ctrl-C when the first call is done."""

    def __init__(self) -> None:
        self.pressed = False

    def heard(self, message: object) -> None:
        if isinstance(message, Done) and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


class Slow(Pass):
    """Takes its time."""

    def process(self, task: Any) -> Any:
        time.sleep(0.3)
        return task


@pytest.mark.parametrize("engine", ["xenna", "ray data"])
def test_an_interrupted_run_ends_soon_and_goes_on_later(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=60, rows=2)
    run_quietly(pipeline(tmp_path / "in", tmp_path / "local", Pass()), LocalExecutor(workers=1))
    run = pipeline(tmp_path / "in", tmp_path / "out", Slow())

    result = run_quietly(run, ENGINES[engine](), observer=Interrupting())

    assert result.status == "interrupted"
    committed = read_output(tmp_path / "out")
    assert 0 < len(committed) < 30
    again = pipeline(tmp_path / "in", tmp_path / "out", Slow())
    again = run_quietly(again, LocalExecutor(workers=4))
    assert again.status == "complete"
    assert read_output(tmp_path / "out") == read_output(tmp_path / "local")
