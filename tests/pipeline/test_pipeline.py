# SPDX-License-Identifier: Apache-2.0
"""What a user holds: Pipeline, its run and its result."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toys import (
    KeepEven,
    Lengths,
    Notes,
    Pass,
    RaiseOn,
    Twice,
    batch,
    ids_of,
    quarantined,
    read_output,
    records_of,
    run_quietly,
    write_input,
)
from thresher.backends.local import LocalExecutor
from thresher.errors import DataError, PlanError, StageError, ThresherError
from thresher.pipeline import Pipeline, RunResult
from thresher.stages.base import ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.resources import Resources
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch, EmptyTask, FileGroupTask
from thresher.tasks.utils import TaskPerfUtils


class Place:
    """An input folder, an output folder, and runs from the one to the other."""

    def __init__(self, folder: Path) -> None:
        self.source = write_input(folder / "in", files=3)
        self.output = folder / "out"

    def pipeline(self, *stages: Any, mode: str = "ignore", **options: Any) -> Pipeline:
        reader, writer = JsonlReader(str(self.source)), JsonlWriter(str(self.output), mode=mode)
        return Pipeline("p", stages=[reader, *stages, writer], **options)

    def run(self, *stages: Any, run: Any = None, **options: Any) -> RunResult:
        return run_quietly(self.pipeline(*stages, **options), LocalExecutor(workers=0), **run or {})

    def ids(self) -> list[int]:
        return [record["id"] for record in records_of(self.output)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def worked(folder: Path) -> int:
    """How many batches ``Notes`` has seen since it was last asked."""
    path = folder / "process"
    n = len(path.read_text().splitlines()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return n


# -- building -------------------------------------------------------------------------------------


def test_stages_are_added_one_by_one_or_all_at_once() -> None:
    one = Pipeline("p").add_stage(Pass("a")).add_stage(Lengths())
    other = Pipeline("p", stages=[Pass("a"), Lengths()])

    assert one.stages == other.stages
    assert repr(one) == "Pipeline(name='p', stages=[Pass(Pass), Lengths(Lengths)])"


@pytest.mark.parametrize("wrong", [Pass, 7, None, "Pass", lambda task: task])
def test_what_is_no_stage_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match="not a stage") as caught:
        Pipeline("p", stages=[Pass()]).add_stage(wrong)
    assert isinstance(caught.value, PlanError)
    assert "stage 2" in caught.value.where


@pytest.mark.parametrize(
    "options",
    [{"name": " "}, {"on_error": "ignore"}, {"max_error_rate": 2}, {"max_error_rate": -0.1}],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        Pipeline(**{"name": "p", **options})


def test_a_description_names_needs_and_columns_of_every_stage() -> None:
    class Wrong(Pass):
        def inputs(self) -> tuple[list[str], list[str]]:
            raise AttributeError("not yet")

    text = Pipeline(
        "tidy",
        "Tidies.",
        [
            JsonlReader("in"),
            Lengths().with_(resources=Resources(cpus=4, gpus=0.5), batch_size=8),
            WordCountFilter(),
            Wrong(),
        ],
    ).describe()

    assert text.startswith("Pipeline: tidy\nDescription: Tidies.\nStages: 4\n")
    for line in (
        "Stage 2: Lengths",
        "  Resources: 4 CPUs",
        "  Batch size: 8",
        "    Required columns: text",
        "    Output columns: length",
    ):
        assert line in text
    assert "0.5 GPUs" in text
    assert "Stage 4: error: not yet" in text
    assert "No description provided" in Pipeline("p").describe()


def test_running_does_not_change_a_pipeline(place: Place) -> None:
    pipeline = place.pipeline(Lengths())
    before = [repr(stage) for stage in pipeline.stages]
    run_quietly(pipeline, LocalExecutor(workers=0))

    assert [repr(stage) for stage in pipeline.stages] == before


# -- running --------------------------------------------------------------------------------------


def test_a_run_writes_what_is_kept_under_the_names_of_the_input(place: Place) -> None:
    result = place.run(Lengths(), KeepEven())

    assert sorted(read_output(place.output)) == ["f0.jsonl", "f1.jsonl", "f2.jsonl"]
    assert place.ids() == list(range(0, 30, 2))
    assert records_of(place.output)[0] == {"id": 0, "text": "some words 0", "length": 12}
    assert result.status == "complete"
    manifest = json.loads(Path(result.manifest_path).read_text())
    assert (manifest["rows"], manifest["parts"]) == (15, 3)


def test_a_result_is_a_sequence_of_tasks(place: Place) -> None:
    result = place.run(KeepEven())

    assert len(result) == 3
    assert [type(task) for task in result] == [FileGroupTask] * 3
    assert result[0].data == [str(place.output / "f0.jsonl")]
    assert result[-1].task_id == "f2.jsonl"
    assert [task.task_id for task in result[:2]] == ["f0.jsonl", "f1.jsonl"]
    with pytest.raises(IndexError):
        result[3]
    assert "rows=15" in repr(result)
    assert "KeepEven" in result.report()


def test_without_a_writer_the_result_holds_the_tasks_in_order() -> None:
    tasks = [batch(range(n * 3, n * 3 + 3)) for n in range(4)]
    result = run_quietly(Pipeline("p", stages=[Twice()]), LocalExecutor(workers=2), tasks)

    assert ids_of(result) == [i for i in range(12) for _ in range(2)]
    assert [task.task_id for task in result] == [f"task-00000{n}" for n in range(4)]
    folder = Path(result.run_dir)
    assert folder.is_dir()
    del result
    assert not folder.exists()


def test_large_and_small_results_come_out_alike() -> None:
    tasks = [batch(range(3)), batch(range(3), wide=["x" * 9_000] * 3), batch([7])]
    result = run_quietly(Pipeline("p", stages=[Pass()]), LocalExecutor(workers=0), tasks)

    assert [task.data.drop_columns(["__row"]).to_pylist() for task in result] == [
        task.data.to_pylist() for task in tasks
    ]


def test_a_pipeline_may_begin_with_a_stage_that_makes_its_own_tasks() -> None:
    class Source(ProcessingStage[EmptyTask, DocumentBatch]):
        def process(self, task: EmptyTask) -> list[DocumentBatch]:
            return [batch([1, 2]), batch([3])]

    result = run_quietly(Pipeline("p", stages=[Source(), Lengths()]), LocalExecutor(workers=0))

    assert ids_of(result) == [1, 2, 3]


def test_a_stage_may_choose_the_files_a_reader_reads(place: Place) -> None:
    from thresher.stages.file_partitioning import FilePartitioningStage
    from thresher.stages.text.io.jsonl import JsonlReaderStage

    class Last(ProcessingStage[FileGroupTask, FileGroupTask]):
        def process(self, task: FileGroupTask) -> FileGroupTask:
            return task.with_data(task.data[-1:])

    partitioning = FilePartitioningStage(str(place.source), files_per_partition=2)
    stages = [partitioning, Last(), JsonlReaderStage()]
    result = run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=0))

    assert ids_of(result) == list(range(10, 30))


def test_no_initial_tasks_are_nothing_to_do() -> None:
    result = run_quietly(Pipeline("p", stages=[Pass()]), LocalExecutor(workers=0), [])

    assert (len(result), result.status) == (0, "complete")


# -- again ----------------------------------------------------------------------------------------


def test_a_second_run_has_nothing_to_do(place: Place, tmp_path: Path) -> None:
    place.run(Notes(str(tmp_path)))
    before = read_output(place.output)
    assert worked(tmp_path) == 3
    result = place.run(Notes(str(tmp_path)))

    assert result.status == "nothing to do"
    assert worked(tmp_path) == 0
    assert len(result) == 3
    assert [counts.rows_out for counts in result.counts] == [30, 30, 30]
    assert read_output(place.output) == before


def test_only_what_is_new_or_changed_is_done_again(place: Place, tmp_path: Path) -> None:
    place.run(Notes(str(tmp_path)))
    worked(tmp_path)
    (place.source / "f1.jsonl").write_text('{"id": 100, "text": "x"}\n')
    (place.source / "f3.jsonl").write_text('{"id": 200, "text": "x"}\n')
    (place.source / "f2.jsonl").unlink()
    place.run(Notes(str(tmp_path)))

    assert worked(tmp_path) == 2
    assert place.ids() == [*range(10), 100, 200]
    assert sorted(read_output(place.output)) == ["f0.jsonl", "f1.jsonl", "f3.jsonl"]


def test_a_touched_file_is_not_done_again(place: Place, tmp_path: Path) -> None:
    place.run(Notes(str(tmp_path)))
    worked(tmp_path)
    path = place.source / "f1.jsonl"
    path.write_bytes(path.read_bytes())
    place.run(Notes(str(tmp_path)))

    assert worked(tmp_path) == 0


def test_a_changed_recipe_does_everything_again_and_leaves_nothing_behind(place: Place) -> None:
    place.run(KeepEven())
    place.run(RaiseOn([]), Lengths())

    assert place.ids() == list(range(30))
    assert all("length" in record for record in records_of(place.output))
    manifest = json.loads((place.output / "_thresher/p/manifest.json").read_text())
    assert manifest["generation"] == 2


def test_fresh_does_everything_again(place: Place, tmp_path: Path) -> None:
    place.run(Notes(str(tmp_path)))
    before = read_output(place.output)
    worked(tmp_path)
    place.run(Notes(str(tmp_path)), run={"resume": False})

    assert worked(tmp_path) == 3
    assert read_output(place.output) == before


def test_work_before_a_checkpoint_is_kept_when_what_follows_changes(
    place: Place, tmp_path: Path
) -> None:
    place.run(Notes(str(tmp_path)), Checkpoint(), KeepEven())
    assert worked(tmp_path) == 3
    place.run(Notes(str(tmp_path)), Checkpoint(), Lengths())

    assert worked(tmp_path) == 0
    assert place.ids() == list(range(30))


def test_fresh_from_goes_back_to_the_checkpoint_before(place: Place, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    stages = [Notes(str(first)).with_(name="one"), Checkpoint(), Notes(str(second))]
    place.run(*stages)
    assert (worked(first), worked(second)) == (3, 3)
    place.run(*stages, run={"fresh_from": "Notes"})
    assert (worked(first), worked(second)) == (3, 3)
    place.run(*stages, run={"fresh_from": "jsonl_writer"})
    assert (worked(first), worked(second)) == (0, 3)
    with pytest.raises(PlanError) as caught:
        place.run(*stages, run={"fresh_from": "none"})
    assert "one" in caught.value.todo


def test_a_limit_takes_the_first_records(place: Place) -> None:
    result = place.run(Lengths(), run={"limit": 14})

    assert place.ids() == list(range(14))
    assert result.counts[0].dropped == {"limit": 6}
    place.run(Lengths())
    assert place.ids() == list(range(30))


def test_a_run_can_be_kept_elsewhere(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "state"
    result = place.run(KeepEven(), run={"run_dir": elsewhere})

    assert result.manifest_path == f"{elsewhere}/manifest.json"
    assert Path(result.manifest_path).exists()
    assert place.run(KeepEven(), run={"checkpoint_path": elsewhere}).status == "nothing to do"
    with pytest.raises(PlanError, match="two names"):
        place.run(KeepEven(), run={"run_dir": elsewhere, "checkpoint_path": elsewhere})


def test_a_run_dir_makes_a_run_without_a_writer_resumable(tmp_path: Path) -> None:
    pipeline = Pipeline("p", stages=[Notes(str(tmp_path))])
    tasks = [batch([1]), batch(range(500))]
    for expected in (2, 0):
        result = run_quietly(pipeline, LocalExecutor(workers=0), tasks, run_dir=tmp_path / "run")
        assert worked(tmp_path) == expected
        assert ids_of(result) == [1, *range(500)]


# -- errors ---------------------------------------------------------------------------------------


def test_failing_rows_go_to_quarantine_and_the_run_completes(place: Place) -> None:
    result = place.run(RaiseOn([3, 17]), max_error_rate=0.1)

    assert place.ids() == [i for i in range(30) if i not in (3, 17)]
    first, second = quarantined(result)
    assert (first["file"], first["line"]) == (str(place.source / "f0.jsonl"), 4)
    assert (second["file"], second["line"]) == (str(place.source / "f1.jsonl"), 8)
    assert json.loads(first["record"]) == {"id": 3, "text": "some words 3"}


def test_too_many_failing_rows_stop_the_run(place: Place) -> None:
    with pytest.raises(StageError) as caught:
        place.run(RaiseOn([3, 17]), max_error_rate=0.05)
    assert "2 of 30" in caught.value.what
    assert not (place.output / "_thresher/p/manifest.json").exists()


def test_on_error_raise_stops_at_once_and_what_is_done_stays(place: Place, tmp_path: Path) -> None:
    notes = Notes(str(tmp_path))
    with pytest.raises(StageError) as caught:
        place.run(notes, RaiseOn([17]), on_error="raise")
    assert "cannot digest 17" in caught.value.what
    assert "f1.jsonl" in caught.value.where
    assert worked(tmp_path) == 2
    (place.source / "f1.jsonl").write_text('{"id": 100, "text": "x"}\n')
    place.run(notes, RaiseOn([17]), on_error="raise")
    assert worked(tmp_path) == 2
    assert place.ids() == [*range(10), 100, *range(20, 30)]


def test_a_broken_record_stops_a_run_that_raises(place: Place) -> None:
    (place.source / "f1.jsonl").write_text('{"id": 10, "text": "x"}\n{"id": \n')
    with pytest.raises(ThresherError) as caught:
        place.run(Pass(), on_error="raise")
    assert "line 2" in str(caught.value)
    assert isinstance(caught.value, DataError | StageError)


# -- statistics -----------------------------------------------------------------------------------


def test_results_carry_the_statistics_of_every_stage() -> None:
    class Measuring(Pass):
        def process(self, task: DocumentBatch) -> list[DocumentBatch]:  # type: ignore[override]
            self._log_metric("hits", 2)
            half = task.num_items // 2
            return [task.with_data(task.data.slice(0, half)), task.with_data(task.data.slice(half))]

    tasks = [batch(range(10)), batch(range(6))]
    pipeline = Pipeline("p", stages=[Lengths(), Measuring()])
    result = run_quietly(pipeline, LocalExecutor(workers=0), tasks)

    assert [[s.stage_name for s in task._stage_perf] for task in result] == [
        ["Lengths", "Measuring"]
    ] * 4
    figures = TaskPerfUtils.aggregate_task_metrics(result)
    assert figures["Lengths_num_items_processed_sum"] == 16
    assert figures["Measuring_custom.hits_sum"] == 4
    assert figures["Lengths_process_time_sum"] > 0
    assert figures["Lengths_input_data_size_mb_sum"] > 0
    assert TaskPerfUtils.get_aggregated_stage_stat(list(result), "Meas", "custom.hits") == 4
