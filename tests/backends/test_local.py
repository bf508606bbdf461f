# SPDX-License-Identifier: Apache-2.0
"""The embedded executor: same results whoever works, and whatever happens to workers."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.toys import (
    DieOn,
    KeepEven,
    Lengths,
    Listening,
    Notes,
    Pass,
    RaiseOn,
    RaiseOnAny,
    TooLarge,
    batch,
    ids_of,
    quarantined,
    read_output,
    run_quietly,
    write_input,
)
from thresher.backends.local import LocalExecutor
from thresher.errors import DataError, EngineError, PlanError, StageError
from thresher.pipeline import Pipeline, conductor
from thresher.runs.report import Observer, RunEnd
from thresher.stages.base import ProcessingStage, WorkerMetadata
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch


def run(
    *stages: ProcessingStage[Any, Any],
    tasks: int = 4,
    rows: int = 5,
    workers: int = 2,
    executor: LocalExecutor | None = None,
    observer: Any = None,
    **options: Any,
) -> Any:
    """Run stages over batches whose ids go on from task to task."""
    given = [batch(range(n * rows, (n + 1) * rows)) for n in range(tasks)]
    pipeline = Pipeline("p", stages=stages, **{"max_error_rate": 1.0, **options})
    kwargs = {} if observer is None else {"observer": observer}
    return run_quietly(
        pipeline, executor or LocalExecutor(workers=workers), initial_tasks=given, **kwargs
    )


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def apart(stage: ProcessingStage[Any, Any], **placement: Any) -> ProcessingStage[Any, Any]:
    """The stage as a Step of its own."""
    return stage.with_(resources=Resources(cpus=0.9), **placement)


# -- who works ------------------------------------------------------------------------------------


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    source = str(write_input(tmp_path / "in", files=5, rows=20))
    outputs = []
    for workers in (0, 1, 2):
        out = tmp_path / f"out{workers}"
        stages = [JsonlReader(source), Lengths(), apart(KeepEven()), JsonlWriter(str(out))]
        result = run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=workers))
        assert [counts.rows_out for counts in result.counts] == [100, 100, 50, 50]
        outputs.append(read_output(out))

    assert len(outputs[0]) == 5
    assert outputs[0] == outputs[1] == outputs[2]


def test_stages_that_release_the_gil_run_in_threads(tmp_path: Path) -> None:
    class Free(Notes):
        gil_free = True

    run(Free(str(tmp_path)))
    assert set(lines(tmp_path / "process")) == {str(os.getpid())}


@pytest.mark.parametrize("workers", [0, 1])
def test_other_stages_run_in_processes_unless_there_are_no_workers(
    tmp_path: Path, workers: int
) -> None:
    run(Notes(str(tmp_path)), workers=workers)

    assert (set(lines(tmp_path / "process")) == {str(os.getpid())}) == (workers == 0)


def test_threads_and_filters_give_what_the_calling_thread_gives(tmp_path: Path) -> None:
    source = str(write_input(tmp_path / "in", files=5, rows=20))
    found = []
    for workers in (0, 2):
        out = tmp_path / f"out{workers}"
        stages = [JsonlReader(source), ScoreFilter(WordCountFilter(2)), JsonlWriter(str(out))]
        run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=workers))
        found.append(read_output(out))

    assert found[0] == found[1]
    assert len(found[0]) == 5


def test_results_come_in_the_order_of_the_parts() -> None:
    class Slower(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            threading.Event().wait(0.05 if task.data.column("id")[0].as_py() == 0 else 0)
            return task

    assert ids_of(run(Slower(), tasks=6)) == list(range(30))


@pytest.mark.parametrize("given", [-1, 1.5, "two"])
def test_a_number_of_workers_is_a_number(given: Any) -> None:
    with pytest.raises(PlanError, match="workers"):
        LocalExecutor(workers=given)


# -- set-up ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
def test_stages_are_set_up_once_per_worker_and_once_per_node(tmp_path: Path, workers: int) -> None:
    run(Notes(str(tmp_path)), tasks=6, workers=workers)

    assert len(lines(tmp_path / "node")) == 1
    assert len(lines(tmp_path / "process")) == 6
    who = set(lines(tmp_path / "process"))
    assert sorted(lines(tmp_path / "setup")) == sorted(who)
    assert sorted(lines(tmp_path / "teardown")) == sorted(who)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stage_that_cannot_be_set_up_ends_the_run(workers: int) -> None:
    class Broken(Pass):
        def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
            raise OSError("no weights")

    with pytest.raises(StageError) as caught:
        run(Broken(), workers=workers)
    assert "no weights" in caught.value.what
    assert "Broken" in caught.value.where


def test_a_stage_that_fails_to_tear_down_does_not_undo_the_run(tmp_path: Path) -> None:
    class Sticky(Pass):
        def teardown(self) -> None:
            raise OSError("stuck")

    with pytest.warns(UserWarning, match="'Sticky': teardown: OSError: stuck"):
        result = run(Sticky(), Notes(str(tmp_path)), workers=0)
    assert ids_of(result) == list(range(20))
    assert len(lines(tmp_path / "teardown")) == 1


def test_a_stage_that_cannot_be_sent_is_named() -> None:
    class Locked(Pass):
        def __init__(self) -> None:
            self.lock = threading.Lock()

    with pytest.raises(StageError) as caught:
        run(Pass(), Locked(), workers=1)
    assert "Locked" in caught.value.where
    assert "setup()" in caught.value.todo


def test_a_stage_that_workers_cannot_load_ends_the_run() -> None:
    class Unloadable(Pass):
        def __reduce__(self) -> Any:
            return (_refuse, (os.getpid(),))

    with pytest.raises(EngineError) as caught:
        run(Unloadable(), workers=1)
    assert "not here" in caught.value.what


def _refuse(pid: int) -> ProcessingStage[Any, Any]:
    if os.getpid() != pid:
        raise ImportError("not here")
    return Pass()


# -- deaths and errors ----------------------------------------------------------------------------


def test_a_row_that_kills_its_worker_is_found_and_the_rest_survives() -> None:
    result = run(DieOn(4, signal.SIGSEGV), tasks=6, rows=3)

    assert ids_of(result) == [i for i in range(18) if i != 4]
    [entry] = quarantined(result)
    assert entry["row"] == 1
    assert "kills its worker" in entry["error"]
    assert "SIGSEGV" in entry["error"]
    assert json_of(entry) == {"id": 4, "text": "text of 4"}


def test_deaths_of_workers_and_seconds_of_processors_are_told() -> None:
    class Seen(Observer):
        def ended(self, end: RunEnd) -> None:
            self.end = end

    seen = Seen()
    run(DieOn(4, signal.SIGSEGV), tasks=6, rows=3, observer=seen)

    assert seen.end.snapshot.worker_restarts > 0
    counts = {each.stage: each for each in seen.end.snapshot.counts}
    assert all(0 < each.cpu_seconds <= each.seconds + 0.1 for each in counts.values())


def json_of(entry: dict[str, Any]) -> Any:
    return json.loads(entry["record"])


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_that_raise_go_to_quarantine(workers: int) -> None:
    result = run(RaiseOn([3, 11]), workers=workers)

    assert ids_of(result) == [i for i in range(20) if i not in (3, 11)]
    assert [json_of(entry)["id"] for entry in quarantined(result)] == [3, 11]
    assert result.quarantined == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stage_that_keeps_row_numbers_loses_only_the_rows_it_raises_on(workers: int) -> None:
    result = run(RaiseOnAny([3]), workers=workers)

    assert ids_of(result) == [i for i in range(20) if i != 3]
    assert [json_of(entry)["id"] for entry in quarantined(result)] == [3]
    assert result.quarantined == 1
    assert result.status == "complete with failures"


class Unnumbered(RaiseOn):
    """Loses the numbers of its rows."""

    rows = "any"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return DocumentBatch("set", {"id": super().process(task).data.column("id").to_pylist()})


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stage_that_loses_row_numbers_loses_the_part(workers: int) -> None:
    result = run(Unnumbered([3]), workers=workers)

    assert ids_of(result) == list(range(5, 20))
    [entry] = quarantined(result)
    assert (entry["rows"], entry["failed"]) == (5, True)
    assert "cannot digest 3" in entry["error"]
    assert result.quarantined == 5
    assert result.status == "complete with failures"


def test_a_run_whose_data_is_at_fault_has_not_failed() -> None:
    result = run(RaiseOn([3, 11], DataError), workers=0)

    assert [json_of(entry)["id"] for entry in quarantined(result)] == [3, 11]
    assert result.status == "complete"
    assert result.failures == ()


def test_memory_errors_halve_the_batch() -> None:
    result = run(TooLarge(2), workers=1)

    assert ids_of(result) == list(range(20))
    assert result.quarantined == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_on_error_raise_stops_the_run(workers: int) -> None:
    with pytest.raises(StageError) as caught:
        run(RaiseOn([3]), workers=workers, on_error="raise")
    assert "cannot digest 3" in caught.value.what
    assert "RaiseOn" in caught.value.where


# -- recycling and limits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [{"max_tasks_per_worker": 1}, {"max_worker_age_s": 1e-9}, {"max_worker_memory": 1}],
    ids=["tasks", "age", "memory"],
)
def test_worn_workers_are_replaced(tmp_path: Path, limits: dict[str, Any]) -> None:
    result = run(Notes(str(tmp_path)), tasks=2, executor=LocalExecutor(workers=1, **limits))

    assert ids_of(result) == list(range(10))
    assert len(set(lines(tmp_path / "process"))) == 2
    assert lines(tmp_path / "teardown") == lines(tmp_path / "setup")


def test_no_more_workers_than_a_stage_allows(tmp_path: Path) -> None:
    class Alone(Notes):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            mine = Path(self.folder) / "busy"
            mine.touch(exist_ok=False)
            threading.Event().wait(0.02)
            mine.unlink()
            return task

    stage = Alone(str(tmp_path)).with_(num_workers=1)

    assert ids_of(run(stage, tasks=5, max_error_rate=0)) == list(range(25))


def test_a_step_of_two_cores_has_two_workers_to_itself_and_is_not_starved(tmp_path: Path) -> None:
    folder = str(tmp_path)

    class Counting(Notes):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            self.note(f"in-{self.name}")
            threading.Event().wait(0.01)
            self.note(f"out-{self.name}")
            with open(f"{self.folder}/order", "a") as file:
                file.write(f"{self.name}\n")
            return task

    small = Counting(folder).with_(name="small")
    large = Counting(folder).with_(name="large", resources=Resources(cpus=2))
    result = run(small, large, tasks=8)

    assert ids_of(result) == list(range(40))
    order = lines(tmp_path / "order")
    assert "large" in order[:4]


def test_more_cores_than_workers_are_cut_down() -> None:
    assert ids_of(run(Pass().with_(resources=Resources(cpus=2)), workers=1)) == list(range(20))


# -- between Steps --------------------------------------------------------------------------------


class Widen(Pass):
    """Makes a table too large for a message."""

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task.with_column("wide", ["x" * 20_000] * task.num_items)


class Narrow(Pass):
    """Takes the width away again, noting what came in."""

    def process(self, task: DocumentBatch) -> DocumentBatch:
        assert task.data.nbytes > 32_768
        return task.with_data(task.data.select(["id", "__row"]))


@pytest.mark.parametrize("place", ["shared memory", "disk"])
def test_large_tables_cross_steps_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from thresher.backends import parcel, processes

    monkeypatch.setattr(processes, "scratch_folder", lambda: str(tmp_path))
    if place == "disk":
        monkeypatch.setattr(parcel, "SHARED", tmp_path / "missing")
    before = set(Path("/dev/shm").glob("thresher-*"))
    result = run(Widen(), apart(Narrow()))

    assert ids_of(result) == list(range(20))
    assert set(Path("/dev/shm").glob(f"thresher-{os.getpid()}-*")) <= before
    assert not list(tmp_path.glob("thresher-*"))


# -- the watchdog ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gil_free", [False, True])
def test_a_stuck_stage_is_named_with_its_stack(
    gil_free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "STUCK_AFTER_SECONDS", 0.3)
    heard = Listening()
    run(Hanging(1.7, gil_free), tasks=1, rows=1, workers=1, observer=heard)

    warning = heard.warnings[-1]
    assert "'Hanging'" in warning
    assert "task-000000" in warning
    assert "in wait_here" in warning


class Hanging(Pass):
    """Hangs for a while, in a function of its own."""

    def __init__(self, seconds: float, gil_free: bool) -> None:
        self.seconds = seconds
        self.gil_free = gil_free

    def process(self, task: DocumentBatch) -> DocumentBatch:
        wait_here(self.seconds)
        return task


def wait_here(seconds: float) -> None:
    threading.Event().wait(seconds)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stage_that_raises_a_keyboard_interrupt_ends_the_run(
    tmp_path: Path, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    write_input(tmp_path / "in", files=4)
    stages = [
        JsonlReader(str(tmp_path / "in")),
        RaiseOn([25], KeyboardInterrupt),
        JsonlWriter(str(tmp_path / "out")),
    ]
    for _ in range(2):
        told = Listening()
        pipeline = Pipeline("p", stages=stages)
        result = run_quietly(pipeline, LocalExecutor(workers=workers), observer=told)
        assert result.status == "interrupted"
        assert not result.failures
        [warning] = told.warnings
        assert "KeyboardInterrupt" in warning
        assert "both resume" in warning
    assert "Traceback" not in capfd.readouterr().err
    assert {"f0.jsonl", "f1.jsonl"} <= set(read_output(tmp_path / "out"))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("grouped", [1, 2])
def test_rows_have_their_place_whatever_the_fusion(
    tmp_path: Path, workers: int, grouped: int
) -> None:
    write_input(tmp_path / "in", rows=4)
    (tmp_path / "in/f0.jsonl").write_text('\n{"id": 0}\nbroken\n{"id": 2}\n{"id": 3}\n')
    found = []
    for fusion in (True, False):
        stages = [
            JsonlReader(str(tmp_path / "in"), files_per_partition=grouped),
            RaiseOn([2, 5]),
            Pass(),
            RaiseOn([6]),
            JsonlWriter(str(tmp_path / f"out-{fusion}")),
        ]
        options: dict[str, Any] = {"config": {"fusion": fusion}, "max_error_rate": 1.0}
        pipeline = Pipeline("p", stages=stages, **options)
        result = run_quietly(pipeline, LocalExecutor(workers=workers))
        found.append(sorted(quarantined(result), key=lambda entry: (entry["part"], entry["row"])))
    fused, apart = found
    assert fused == apart
    assert [(Path(e["file"]).name, e["line"]) for e in fused] == [
        ("f0.jsonl", 3), ("f0.jsonl", 4), ("f1.jsonl", 2), ("f1.jsonl", 3)
    ]  # fmt: skip


class Whole(Pass):
    whole_parts = True


class WithoutNumbers(Pass):
    rows = "any"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task.with_data(task.data.drop_columns(["__row"]))


BEHIND_A_CUT: dict[str, list[Any]] = {
    "a stage of whole parts": [Whole()],
    "Checkpoints": [Checkpoint(), Pass(), Checkpoint()],
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("between", BEHIND_A_CUT)
def test_rows_have_their_place_in_later_segments(
    tmp_path: Path, workers: int, between: str
) -> None:
    write_input(tmp_path / "in", rows=4)
    (tmp_path / "in/f0.jsonl").write_text('\n{"id": 0}\nbroken\n{"id": 2}\n{"id": 3}\n')
    stages = [
        JsonlReader(str(tmp_path / "in"), files_per_partition=2),
        *BEHIND_A_CUT[between],
        RaiseOn([2, 6]),
        JsonlWriter(str(tmp_path / "out")),
    ]
    options: dict[str, Any] = {"config": {"fusion": False}, "max_error_rate": 1.0}
    result = run_quietly(Pipeline("p", stages=stages, **options), LocalExecutor(workers=workers))
    found = sorted((Path(e["file"]).name, e["line"]) for e in quarantined(result))
    assert found == [("f0.jsonl", 3), ("f0.jsonl", 4), ("f1.jsonl", 3)]


@pytest.mark.parametrize("how", ["numbers are lost", "the source changes", "the source goes"])
def test_rows_have_no_place_that_may_be_wrong(tmp_path: Path, how: str) -> None:
    write_input(tmp_path / "in", rows=4)
    file = tmp_path / "in/f0.jsonl"

    class Changes(RaiseOn):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            if how == "the source changes":
                file.write_text('\n{"id": 7}\n')
            elif file.exists() and how == "the source goes":
                file.unlink()
            return super().process(task)

    stages = [
        JsonlReader(str(tmp_path / "in"), files_per_partition=2),
        WithoutNumbers() if how == "numbers are lost" else Pass(),
        Checkpoint(),
        Changes([2]),
        JsonlWriter(str(tmp_path / "out")),
    ]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)
    (entry,) = quarantined(run_quietly(pipeline, LocalExecutor(workers=0)))
    assert not {"file", "line", "offset"}.intersection(entry)
