# SPDX-License-Identifier: Apache-2.0
"""Rates as real runs leave them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.toys import KeepEven, Lengths, Pass, Sleep, batch, run_quietly, write_input
from thresher.backends.local import LocalExecutor
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.planning.cost.engines import ENGINES, LOCAL
from thresher.planning.cost.model import predict
from thresher.planning.cost.rates import Rates, measured, records_of
from thresher.planning.machine import Machine
from thresher.runs.part import PartRecord
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.stats import StageCounts
from thresher.tasks import DocumentBatch

MACHINE = Machine(2, 8 * 2**30, 0)


class OnlyIds(Pass):
    """Keeps few rows."""

    rows = "subset"

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids

    def process(self, task: DocumentBatch) -> DocumentBatch:
        keep = pc.is_in(task.data.column("id"), pa.array(self.ids))
        return task.with_data(task.data.filter(keep))


class Case:
    """A pipeline over some files, and a real run of it."""

    def __init__(self, folder: Path, *stages: Any, files: int = 5, **how: Any) -> None:
        source = folder / "in"
        if not source.exists():
            write_input(source, files=files, rows=20, text="words " * 50)
        whole = [JsonlReader(str(source)), *stages, JsonlWriter(str(folder / "out"))]
        self.pipeline = Pipeline("p", stages=whole)
        self.plan = self.pipeline.plan()
        executor = LocalExecutor(workers=how.pop("workers", 0))
        self.result = run_quietly(self.pipeline, executor, **how)
        self.records = records_of(self.result.run_dir)

    @property
    def rates(self) -> Rates:
        return measured(self.plan, self.records, "here")

    def predicted(self) -> list[float]:
        """Seconds of the Steps, over all parts of the plan."""
        found = predict(self.rates, self.plan.parts, MACHINE, 1, ENGINES[LOCAL])
        return [load.seconds for load in found.loads]


def apart(stage: Any) -> Any:
    """The stage in a Step of its own."""
    return stage.with_(resources=Resources(cpus=0.5))


def test_the_work_of_the_same_parts_is_what_was_recorded(tmp_path: Path) -> None:
    case = Case(tmp_path, Lengths(), apart(Sleep(0.02)), Pass(), workers=1)
    seconds = [counts.seconds for counts in case.result.counts]

    assert [step.name for step in case.rates.steps] == [
        "jsonl_reader_stage + Lengths",
        "Sleep",
        "Pass + jsonl_writer",
    ]
    assert case.predicted() == pytest.approx([sum(seconds[:2]), seconds[2], sum(seconds[3:])])
    assert case.predicted()[1] >= 5 * 0.02


def test_bytes_between_steps_and_in_the_output_are_those_of_the_run(tmp_path: Path) -> None:
    case = Case(tmp_path, Lengths(), apart(KeepEven()), Pass())
    source = sum(part.source_bytes for part in case.plan.parts)
    counts = case.result.counts
    output = sum(path.stat().st_size for path in (tmp_path / "out").glob("*.jsonl"))

    passed = [step.passes * source for step in case.rates.steps]
    assert passed == pytest.approx([counts[2].bytes_in, counts[3].bytes_in, 0])
    assert passed[0] > passed[1] > 0
    assert case.rates.written * source == pytest.approx(output)


def test_a_limited_trial_is_measured_by_what_went_on_behind_the_reader(tmp_path: Path) -> None:
    """One file of ten and a half are wanted; a half is read for nothing."""
    case = Case(tmp_path, apart(Lengths()), Pass(), files=10, limit=30)
    reader, lengths, *_ = case.result.counts
    sizes = [part.source_bytes for part in case.plan.parts]

    assert (case.rates.rows, case.rates.parts) == (30, 2)
    assert case.predicted()[0] == pytest.approx(reader.seconds * sum(sizes) / sum(sizes[:2]))
    half = sum(sizes) / (sizes[0] + sizes[1] / 2)
    assert case.predicted()[1] == pytest.approx(lengths.seconds * half)


def test_parts_of_which_nothing_reached_a_step_count_as_well(tmp_path: Path) -> None:
    """Rows 0 and 20 of files of 20 are the only ones kept: most parts end before the last Step."""
    case = Case(tmp_path, OnlyIds([0, 20]), apart(Lengths()), Pass())
    seconds = [counts.seconds for counts in case.result.counts]

    assert case.rates.parts == 5
    assert case.predicted() == pytest.approx([sum(seconds[:2]), seconds[2], sum(seconds[3:])])


def test_segments_are_measured_each_by_the_same_source(tmp_path: Path) -> None:
    case = Case(tmp_path, KeepEven(), Checkpoint(), Lengths())
    seconds = [counts.seconds for counts in case.result.counts]

    assert [step.segment for step in case.rates.steps] == [0, 1]
    assert case.predicted() == pytest.approx([sum(seconds[:2]), sum(seconds[2:])])
    assert case.rates.written > 0


def test_a_run_of_several_drivers_is_read_whole(tmp_path: Path) -> None:
    Case(tmp_path, Lengths(), shard="0/2", wait=0.0)
    case = Case(tmp_path, Lengths(), shard="1/2", wait=0.0)

    assert case.rates.parts == 5
    assert case.rates.rows == 100


def test_initial_tasks_count_by_their_bytes(tmp_path: Path) -> None:
    pipeline = Pipeline("p", stages=[Lengths()])
    tasks = [batch(range(10)), batch(range(10, 30))]
    run_quietly(pipeline, LocalExecutor(workers=0), tasks, run_dir=tmp_path)
    rates = measured(pipeline.plan(None, tasks), records_of(str(tmp_path)), "here")

    assert (rates.unit, rates.rows, rates.parts) == ("byte", 30, 2)


def test_the_run_of_another_pipeline_is_refused(tmp_path: Path) -> None:
    case = Case(tmp_path, Lengths())
    other = Pipeline("p", stages=[JsonlReader(str(tmp_path / "in")), Pass()]).plan()

    with pytest.raises(PlanError, match=r"another pipeline.*Lengths.*Pass") as caught:
        measured(other, case.records, "a folder")
    assert caught.value.where == "a folder"
    assert "--from" in caught.value.todo
    with pytest.raises(PlanError, match="no finished part"):
        measured(case.plan, [], "a folder")


def test_other_parameters_are_told(tmp_path: Path) -> None:
    case = Case(tmp_path, Sleep(0.0))
    source, _, writer = case.pipeline.stages
    changed = Pipeline("p", stages=[source, Sleep(0.001), writer]).plan()

    assert case.rates.same
    assert not measured(changed, case.records, "here").same


def test_a_limit_changes_no_parameter(tmp_path: Path) -> None:
    assert Case(tmp_path, Lengths(), limit=30).rates.same


# -- set-up, handling and the error, from records made by hand ---------------------------------


def by_hand(tmp_path: Path, *seconds: tuple[float, float]) -> Rates:
    """Rates of parts of 1,000 bytes with (seconds in stages, seconds beside them)."""
    case = Case(tmp_path, Lengths(), files=1)
    [made] = case.records
    records: list[PartRecord] = []
    for number, (inside, beside) in enumerate(seconds):
        counts = tuple(
            StageCounts(c.stage, c.rows_in, seconds=inside / 3, metrics=c.metrics)
            for c in made.counts
        )
        named = replace(made, name=f"{number}", counts=counts, source_bytes=1000)
        records.append(replace(named, seconds=inside + beside))
    return measured(case.plan, records, "here")


def test_set_up_is_told_from_what_every_part_takes(tmp_path: Path) -> None:
    rates = by_hand(tmp_path, (3, 10.1), (3, 0.1), (3, 0.1), (3, 0.1))

    assert rates.setup_s == pytest.approx(10)
    assert rates.steps[0].handling == pytest.approx(0.1 / 1000)


def test_what_is_beside_the_stages_of_a_single_part_is_set_up(tmp_path: Path) -> None:
    rates = by_hand(tmp_path, (3, 10))

    assert (rates.setup_s, rates.steps[0].handling, rates.error) == (pytest.approx(10), 0, None)


def test_the_error_is_that_of_a_mean(tmp_path: Path) -> None:
    """Parts of the same size that take 2 and 4 s: 3 +- 1, as share 1/3."""
    assert by_hand(tmp_path, (3, 0), (3, 0)).error == pytest.approx(0)
    assert by_hand(tmp_path, (2, 0), (4, 0)).error == pytest.approx(1 / 3)
