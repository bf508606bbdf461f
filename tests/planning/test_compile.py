# SPDX-License-Identifier: Apache-2.0
"""What is found before a run: every mistake at once, Segments, notes."""

from pathlib import Path
from typing import Any

import pytest

from tests.decorated import halves
from tests.toys import KeepEven, Lengths, Pass, batch, write_input
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.planning.compile import compile_plan
from thresher.planning.machine import Machine
from thresher.planning.plan import Plan
from thresher.stages.base import ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter, ParquetWriter
from thresher.tasks import DocumentBatch, FileGroupTask

MACHINE = Machine(cpus=4, memory=8 * 2**30, gpus=0)


class Files(ProcessingStage[FileGroupTask, DocumentBatch]):
    def process(self, task: FileGroupTask) -> DocumentBatch:
        return batch(range(len(task.data)))


class Needs(Pass):
    def __init__(self, *columns: str) -> None:
        self.columns = list(columns)

    def inputs(self) -> tuple[list[str], list[str]]:
        return [], self.columns


@pytest.fixture
def source(tmp_path: Path) -> JsonlReader:
    return JsonlReader(str(write_input(tmp_path / "in")))


def mistakes_of(stages: list[Any], **options: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        compile_plan("p", stages, machine=MACHINE, **options)
    error = caught.value
    return [str(mistake) for mistake in error.mistakes or [error]]


def names_of(plan: Plan) -> list[str]:
    """The stages behind the reader."""
    return [stage.name for stage in plan.stages[1:]]


def test_all_mistakes_are_told_at_once(source: JsonlReader, tmp_path: Path) -> None:
    told = mistakes_of(
        [
            source,
            Needs("txet"),
            Files(),
            Pass().with_(resources=Resources(gpus=1)),
            Pass().with_(resources=Resources(memory_gb=100)),
            JsonlWriter(str(tmp_path / "in" / "out")),
            Pass,
            Pass(),
        ]
    )
    for words in ("'txet'", "FileGroupTask", "GPUs", "memory", "one inside", "class", "last"):
        assert any(words in line for line in told), words
    assert len(told) == 7


def test_a_missing_column_comes_with_the_nearest_name(source: JsonlReader) -> None:
    [near] = mistakes_of([source, Needs("txet")])
    [far] = mistakes_of([source, Needs("language")])

    assert "stage 3, 'Needs'" in near
    assert "did you mean 'text'?" in near
    assert "id, text" in far


def test_columns_are_followed_through_the_stages(source: JsonlReader) -> None:
    plan = compile_plan("p", [source, Lengths(), KeepEven(), Needs("length", "text")])
    [told] = mistakes_of([source, KeepEven(), Needs("length"), Lengths()])

    assert names_of(plan) == ["Lengths", "KeepEven", "Needs"]
    assert "'length'" in told
    assert "stage 4, 'Needs'" in told


def test_a_stage_that_declares_nothing_may_add_any_column(source: JsonlReader) -> None:
    plan = compile_plan("p", [source, Pass(), Needs("length")])

    assert names_of(plan) == ["Pass", "Needs"]
    [told] = mistakes_of([source, Needs("length"), Pass()])  # here nothing can have added it
    assert "'length'" in told


def test_task_types_have_to_fit(source: JsonlReader) -> None:
    [told] = mistakes_of([source, Files()])

    assert "takes FileGroupTask and is given DocumentBatch" in told
    [told] = mistakes_of([Pass()], initial_tasks=[FileGroupTask("set", ["a"])])
    assert "takes DocumentBatch and is given FileGroupTask" in told


def test_a_decorated_stage_takes_what_it_is_given(source: JsonlReader) -> None:
    plan = compile_plan("p", [source, halves, Lengths()])

    assert plan.stages[1] == halves
    assert names_of(plan) == [halves.name, "Lengths"]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (Resources(gpus=0.25), "0.25 GPUs"),
        (Resources(gpu_memory_gb=10), "10 GiB of a GPU"),
        (Resources(memory_gb=9), "9 GiB of memory"),
    ],
)
def test_what_no_machine_has_is_a_mistake(
    source: JsonlReader, needs: Resources, words: str
) -> None:
    [told] = mistakes_of([source, Pass().with_(resources=needs)])

    assert words in told
    assert "stage 3, 'Pass'" in told


def test_too_many_cores_are_scaled_down_and_announced(source: JsonlReader) -> None:
    stage = Pass().with_(resources=Resources(cpus=64))
    plan = compile_plan("p", [source, stage], machine=MACHINE)

    [note] = plan.notes
    assert "64 CPUs" in note
    assert "4" in note


def test_gpus_suffice_where_there_are_some(source: JsonlReader) -> None:
    stage = Pass().with_(resources=Resources(gpu_memory_gb=10))

    plan = compile_plan("p", [source, stage], machine=Machine(4, 2**40, 1))

    assert plan.notes == ()
    assert plan.stages[1].resources == Resources(gpu_memory_gb=10)
    [told] = mistakes_of([source, stage])
    assert "10 GiB of a GPU" in told


def test_a_reader_comes_first_and_a_writer_last(source: JsonlReader, tmp_path: Path) -> None:
    writer = JsonlWriter(str(tmp_path / "out"))

    assert any("last" in told for told in mistakes_of([source, writer, Pass()]))
    assert any("first" in told for told in mistakes_of([source, source]))


def test_two_writers_do_not_write_to_one_place(source: JsonlReader, tmp_path: Path) -> None:
    one, other = JsonlWriter(str(tmp_path / "out")), ParquetWriter(str(tmp_path / "out" / "."))

    assert any("two writers" in told for told in mistakes_of([source, one, other]))


@pytest.mark.parametrize("output", ["in", "in/out", "."])
def test_output_and_input_lie_apart(source: JsonlReader, tmp_path: Path, output: str) -> None:
    [told] = mistakes_of([source, JsonlWriter(str(tmp_path / output))])

    assert "one inside the other" in told


def test_an_empty_pipeline_and_an_idle_stage_are_mistakes(source: JsonlReader) -> None:
    class Idle(ProcessingStage[DocumentBatch, DocumentBatch]):
        pass

    assert "no stages" in mistakes_of([])[0]
    assert "neither process nor process_batch" in mistakes_of([source, Idle()])[0]


def test_a_reader_and_initial_tasks_exclude_one_another(source: JsonlReader) -> None:
    [told] = mistakes_of([source, Pass()], initial_tasks=[batch([1])])

    assert "initial tasks" in told


def test_a_missing_input_is_one_mistake_among_others(tmp_path: Path) -> None:
    told = mistakes_of([JsonlReader(str(tmp_path / "none")), Pass, Pass()])

    assert len(told) == 2
    assert any(str(tmp_path / "none") in line for line in told)


def test_filters_and_modifiers_stand_for_their_stages(source: JsonlReader) -> None:
    plan = compile_plan("p", [source, WordCountFilter(min_words=2)])

    assert isinstance(plan.stages[-1], ScoreFilter)


def test_whole_files_go_to_stages_that_mind_no_slices(tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=200)
    partitioning = FilePartitioningStage(str(tmp_path / "in"), blocksize=1000)

    assert len(compile_plan("p", [partitioning, Files()]).parts) == 1
    assert len(compile_plan("p", [JsonlReader(str(tmp_path / "in"), blocksize=1000)]).parts) > 1


# -- Segments -------------------------------------------------------------------------------------


def test_a_checkpoint_cuts_the_pipeline_into_segments(source: JsonlReader, tmp_path: Path) -> None:
    stages = [source, Lengths(), Checkpoint(), KeepEven(), JsonlWriter(str(tmp_path / "out"))]
    plan = compile_plan("p", stages)

    assert [[s.name for s in segment.stages] for segment in plan.segments] == [
        ["jsonl_reader_stage", "Lengths"],
        ["KeepEven", "jsonl_writer"],
    ]
    assert [segment.sink for segment in plan.segments] == ["spill", "out"]


def test_checkpoints_in_a_row_are_one_and_the_last_stage_is_none(source: JsonlReader) -> None:
    assert len(compile_plan("p", [source, Checkpoint(), Checkpoint(), Pass()]).segments) == 2
    assert len(compile_plan("p", [source, Pass()]).segments) == 1
    assert "last" in mistakes_of([source, Pass(), Checkpoint()])[0]


def test_types_are_followed_through_a_checkpoint(source: JsonlReader) -> None:
    compile_plan("p", [source, Checkpoint(), Lengths()])
    [told] = mistakes_of([source, Checkpoint(), Files()])
    assert "FileGroupTask" in told


# -- parts ----------------------------------------------------------------------------------------


def test_parts_are_named_after_their_files(source: JsonlReader) -> None:
    assert [part.name for part in compile_plan("p", [source]).parts] == ["f0.jsonl", "f1.jsonl"]


def test_initial_tasks_are_parts_of_their_own() -> None:
    plan = compile_plan("p", [Pass()], [batch([1]), batch([1, 2])])

    assert [(part.name, part.rows) for part in plan.parts] == [
        ("task-000000", 1),
        ("task-000001", 2),
    ]


def test_a_limit_takes_the_first_records_of_the_first_parts(source: JsonlReader) -> None:
    plan = compile_plan("p", [source], limit=12)

    assert [(part.name, part.rows, part.cut) for part in plan.parts] == [
        ("f0.jsonl", 10, True),
        ("f1.jsonl", 2, True),
    ]
    assert [part.name for part in compile_plan("p", [source], limit=3).parts] == ["f0.jsonl"]
    with pytest.raises(PlanError, match="limit"):
        compile_plan("p", [Pass()], [batch([1])], limit=3)


def test_planning_changes_nothing(source: JsonlReader) -> None:
    pipeline = Pipeline("p", stages=[source, Lengths()])
    before = [repr(stage) for stage in pipeline.stages]
    first, second = pipeline.plan(), pipeline.plan()

    assert first.fingerprints == second.fingerprints
    assert [part.fingerprint for part in first.parts] == [p.fingerprint for p in second.parts]
    assert [repr(stage) for stage in pipeline.stages] == before
