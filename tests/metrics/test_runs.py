# SPDX-License-Identifier: Apache-2.0
"""What a driver serves while it runs and after, against what its ledger says."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import toys
from tests.metrics.scraping import manifest_rows, scrape, sums
from thresher.backends.local import LocalExecutor
from thresher.cli import main
from thresher.errors import PlanError, StageError
from thresher.metrics import targets
from thresher.metrics.series import SERIES, STATUSES
from thresher.pipeline import Pipeline, RunResult
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

Endpoints = dict[int, Any]

SECRET = "Zanzibar"


class FailsWhile(toys.Documents):
    """Raises on one row for as long as a file is there."""

    def __init__(self, flag: str, row: int) -> None:
        self.flag = flag
        self.row = row

    def process(self, task: DocumentBatch) -> DocumentBatch:
        if Path(self.flag).exists() and self.row in task.data.column("id").to_pylist():
            raise ValueError(SECRET)
        return task


def pipeline(folder: Path, *stages: Any, **how: Any) -> Pipeline:
    toys.write_input(folder / "in", 4, 10, text=SECRET)
    around = [JsonlReader(str(folder / "in")), *stages, JsonlWriter(str(folder / "out"))]
    return Pipeline("books", stages=around, **{"max_error_rate": 1, **how})


def run(made: Pipeline) -> RunResult:
    return toys.run_quietly(made, LocalExecutor(workers=0))


def test_sums_equal_the_manifest(served: Endpoints, tmp_path: Path) -> None:
    stages = toys.KeepEven(), toys.RaiseOn([4, 12]), toys.Twice(), toys.Pass()
    result = run(pipeline(tmp_path, *stages))
    samples = scrape(served[0].port)

    assert sums(samples, "rows_total", "stage", "direction") == manifest_rows(result.run_dir)
    assert sums(samples, "dropped_rows_total", "stage", "reason") == {("KeepEven", "KeepEven"): 20}
    assert sums(samples, "quarantined_rows_total", "stage")["RaiseOn"] == 2
    assert sums(samples, "expanded_rows_total", "stage")["Twice"] == 18
    assert sums(samples, "parts_done", "pipeline") == {"books": 4}
    assert result.status == "complete with failures"
    assert sums(samples, "run_status", "status") == {s: s == result.status for s in STATUSES}
    assert sums(samples, "queue_bytes", "pipeline") == {"books": 0}


def test_sums_equal_the_manifest_when_a_run_was_resumed(served: Endpoints, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    made = pipeline(tmp_path, toys.KeepEven(), FailsWhile(str(flag), 24), on_error="raise")
    with pytest.raises(StageError):
        run(made)
    first = scrape(served[0].port)
    flag.unlink()
    result = run(made)
    second = scrape(served[0].port)

    assert sums(first, "parts_done", "pipeline") == {"books": 2}
    assert sums(first, "rows_total", "stage", "direction")["KeepEven", "in"] == 20
    assert sums(first, "failed_attempts_total", "stage", "kind") == {("FailsWhile", "raised"): 1}
    assert sums(first, "run_status", "status")["failed"] == 1
    assert sums(second, "rows_total", "stage", "direction") == manifest_rows(result.run_dir)
    assert sums(second, "failed_attempts_total", "stage", "kind") == {}
    # Seconds of calls are of this run alone.
    assert sums(second, "task_seconds_count", "stage")["KeepEven"] == 2


def test_nothing_to_do_shows_what_there_is(served: Endpoints, tmp_path: Path) -> None:
    made = pipeline(tmp_path, toys.KeepEven())
    run(made)
    result = run(made)
    samples = scrape(served[0].port)

    assert result.status == "nothing to do"
    assert sums(samples, "rows_total", "stage", "direction") == manifest_rows(result.run_dir)
    assert sums(samples, "run_status", "status")["nothing to do"] == 1


def test_attempts_are_used_up(served: Endpoints, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    made = pipeline(tmp_path, FailsWhile(str(flag), 24))
    for _ in range(6):  # at the fifth call nothing is tried any more
        result = run(made)
        samples = scrape(served[0].port)
        assert result.status == "complete with failures"
        assert sums(samples, "failed_rows", "pipeline") == {"books": 1}
        assert sums(samples, "parts_done", "pipeline") == {"books": 4}


def test_steps_and_stages_of_one_name(served: Endpoints, tmp_path: Path) -> None:
    made = pipeline(tmp_path, toys.Pass(), Checkpoint(), toys.Pass(), config={"fusion": False})
    run(made)
    samples = scrape(served[0].port)
    counted = sums(samples, "task_seconds_count", "stage")

    assert counted["Pass"] == counted["Pass (2)"] == 4
    assert set(sums(samples, "rows_total", "stage")) >= {"Pass", "Pass (2)"}
    steps = list(sums(samples, "busy_seconds_total", "step"))
    assert [step.partition(":")[0] for step in sorted(steps)] == [
        str(i) for i in range(1, len(steps) + 1)
    ]
    assert {"2: Pass", f"{len(steps) - 1}: Pass (2)"} <= set(steps)


def test_workers_are_counted_and_weighed(served: Endpoints, tmp_path: Path) -> None:
    toys.run_quietly(pipeline(tmp_path, toys.DieOn(3)), LocalExecutor(workers=1))
    samples = scrape(served[0].port)
    step = "1: jsonl_reader_stage .. jsonl_writer"

    deaths = sums(samples, "failed_attempts_total", "kind")["died"]
    assert sums(samples, "worker_restarts_total", "pipeline") == {"books": deaths}
    assert deaths >= 3
    assert sums(samples, "worker_memory_peak_bytes", "step")[step] > 10_000_000
    assert sums(samples, "busy_seconds_total", "step")[step] > 0
    assert sums(samples, "busy_workers", "step") == {step: 0}


def test_no_label_holds_what_a_record_holds(served: Endpoints, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    run(pipeline(tmp_path, toys.KeepEven(), FailsWhile(str(flag), 24), toys.RaiseOn([4])))
    samples = scrape(served[0].port)

    assert sums(samples, "quarantined_rows_total", "stage")["FailsWhile"] == 1
    assert SECRET not in json.dumps([sample.labels for sample in samples])


def test_every_series_is_of_the_table(served: Endpoints, tmp_path: Path) -> None:
    run(pipeline(tmp_path, toys.KeepEven(), toys.RaiseOn([4])))
    suffixes = ("_bucket", "_count", "_sum")
    seen = set()
    for sample in scrape(served[0].port):
        name = sample.name.removeprefix("thresher_")
        if name not in SERIES:
            name = next(name.removesuffix(s) for s in suffixes if name.endswith(s))
        seen.add(name)
        assert set(sample.labels) - {"le"} == set(SERIES[name].labels), name

    # No GPU, nothing that failed, and nothing left to do.
    absent = {"gpu_memory_bytes", "gpu_memory_limit_bytes", "failed_attempts_total", "eta_seconds"}
    assert set(SERIES) - seen - absent == set()


def test_two_pipelines_of_a_process_share_its_endpoint(served: Endpoints, tmp_path: Path) -> None:
    run(pipeline(tmp_path / "a", toys.KeepEven()))
    other = pipeline(tmp_path / "b")
    other.name = "others"
    run(other)

    assert sums(scrape(served[0].port), "parts_done", "pipeline") == {"books": 4, "others": 4}
    assert len(served) == 1


# -- asking for it -------------------------------------------------------------------------------


def test_nothing_is_served_unless_asked_for(
    served: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THRESHER_METRICS_PORT")
    run(pipeline(tmp_path))

    assert served == {}


def test_a_port_that_is_taken_is_a_warning(
    served: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = toys.Listening()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("THRESHER_METRICS_PORT", str(port))
        result = pipeline(tmp_path).run(LocalExecutor(workers=0), observer=listening)

    assert result.status == "complete"
    (warning,) = listening.warnings
    assert f"127.0.0.1:{port}" in warning
    assert "in use" in warning


def test_a_missing_package_is_a_warning(
    served: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    listening = toys.Listening()
    result = pipeline(tmp_path).run(LocalExecutor(workers=0), observer=listening)

    assert result.status == "complete"
    assert "pip install 'thresher[metrics]'" in listening.warnings[0]


@pytest.mark.parametrize("port", ["http", "-1", "70000", "٣"])
def test_what_is_no_port_is_a_mistake(
    served: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("THRESHER_METRICS_PORT", port)
    with pytest.raises(PlanError, match="THRESHER_METRICS_PORT"):
        run(pipeline(tmp_path))


def test_the_command_line_says_where_metrics_are(
    served: Endpoints,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("THRESHER_METRICS_PORT")
    toys.write_input(tmp_path / "in")
    recipe = tmp_path / "r.yaml"
    stages = f"[JsonlReader: {{file_paths: {tmp_path}/in}}, JsonlWriter: {{path: {tmp_path}/out}}]"
    recipe.write_text(f"name: books\nstages: {stages}\n")

    assert main(["run", str(recipe), "--workers", "0", "--metrics-port", "0"]) == 0
    assert f"metrics at http://127.0.0.1:{served[0].port}/metrics" in capsys.readouterr().out
    assert "THRESHER_METRICS_PORT" not in __import__("os").environ


# -- being found ---------------------------------------------------------------------------------


def test_endpoints_are_announced_where_a_prometheus_was_started(
    served: Endpoints, tmp_path: Path
) -> None:
    folder = tmp_path / "metrics" / targets.FOLDER
    folder.mkdir(parents=True)
    run(pipeline(tmp_path))
    (file,) = folder.iterdir()
    (told,) = json.loads(file.read_text())

    assert told["targets"] == [f"127.0.0.1:{served[0].port}"]
    served.pop(0).close()
    assert list(folder.iterdir()) == []


def test_targets_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / targets.FOLDER
    folder.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (folder / f"{gone.pid}-1.json").touch()
    targets.announce("0.0.0.0", 2, tmp_path)
    targets.sweep(tmp_path)

    (left,) = folder.iterdir()
    assert json.loads(left.read_text())[0]["targets"] == ["127.0.0.1:2"]
