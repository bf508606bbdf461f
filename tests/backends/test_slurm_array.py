# SPDX-License-Identifier: Apache-2.0
"""Which driver a task of a Slurm array is, and what has to be submitted again."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runs.test_shards import committed, pages
from tests.toys import KeepEven, Pass, RaiseOn, write_input
from thresher.backends.local import LocalExecutor
from thresher.backends.slurm_array import (
    SlurmArrayConfig,
    SlurmArrayRetryPlan,
    build_slurm_array_retry_submissions,
    find_slurm_array_retries,
    format_slurm_array_indices,
    is_slurm_array_driver_process,
    slurm_array_shard_for_task,
)
from thresher.errors import PlanError, StageError
from thresher.pipeline import Pipeline
from thresher.runs.marks import Marks
from thresher.runs.report import Observer
from thresher.runs.shard import Shard
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.storage import store_for
from thresher.tasks import EmptyTask, FileGroupTask

ARRAY = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}
OURS = "THRESHER_SLURM_ARRAY_"


# -- the environment --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, SlurmArrayConfig(2, 4)),
        ({f"{OURS}ENABLED": "Yes"}, SlurmArrayConfig(2, 4)),
        ({f"{OURS}TOTAL_SHARDS": "8"}, SlurmArrayConfig(2, 8)),
        ({f"{OURS}SHARD_INDEX": " 3 "}, SlurmArrayConfig(3, 4)),
        ({f"{OURS}MINIMUM_SHARD_INDEX": "1"}, SlurmArrayConfig(2, 4, 1)),
        ({f"{OURS}ENABLED": "off"}, None),
        ({f"{OURS}ENABLED": "0", "SLURM_ARRAY_TASK_ID": "x"}, None),
        ({"SLURM_ARRAY_TASK_ID": "", "SLURM_ARRAY_TASK_COUNT": ""}, None),
    ],
)
def test_a_task_is_told_by_its_environment(
    more: dict[str, str], found: SlurmArrayConfig | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SlurmArrayConfig.from_env({**ARRAY, **more}) == found
    for name, value in {**ARRAY, **more}.items():
        monkeypatch.setenv(name, value)
    assert SlurmArrayConfig.from_env() == found


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SLURM_ARRAY_TASK_ID": "2"}, "SLURM_ARRAY_TASK_COUNT is not set"),
        ({"SLURM_ARRAY_TASK_COUNT": "2"}, "SLURM_ARRAY_TASK_ID is not set"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "two"}, "'two' is no number"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "²"}, "is no number"),
        ({**ARRAY, f"{OURS}TOTAL_SHARDS": "-8"}, "'-8' is no number"),
        ({**ARRAY, f"{OURS}ENABLED": "maybe"}, "'maybe' is neither"),
        ({**ARRAY, "SLURM_ARRAY_TASK_ID": "4"}, "none of 4 shards from 0 on"),
        ({**ARRAY, f"{OURS}MINIMUM_SHARD_INDEX": "3"}, "none of 4 shards from 3 on"),
        ({**ARRAY, f"{OURS}TOTAL_SHARDS": "0"}, "none of 0 shards"),
    ],
)
def test_an_environment_that_makes_no_sense_is_a_value_error(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        SlurmArrayConfig.from_env(environment)
    with pytest.raises(PlanError, match=named):
        Shard.of("slurm", environment)


def test_the_command_line_asks_the_same() -> None:
    retry = {**ARRAY, f"{OURS}TOTAL_SHARDS": "8", f"{OURS}MINIMUM_SHARD_INDEX": "1"}
    for environment in (ARRAY, retry):
        assert Shard.of(SlurmArrayConfig.from_env(environment), {}) == Shard.of(
            "slurm", environment
        )
    assert Shard.of(SlurmArrayConfig(2, 8, 1), {}) == Shard(1, 8)
    for environment in ({}, {**ARRAY, f"{OURS}ENABLED": "no"}):
        with pytest.raises(PlanError, match="no task of a Slurm array"):
            Shard.of("slurm", environment)


def test_the_first_node_of_a_task_is_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_NODEID", raising=False)
    assert is_slurm_array_driver_process()
    for node, is_driver in (("0", True), ("1", False), ("10", False)):
        monkeypatch.setenv("SLURM_NODEID", node)
        assert is_slurm_array_driver_process() is is_driver


# -- runs -------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_input(tmp_path / "in", 12, 3)
    return tmp_path / "in"


def run(
    source: Path, shard: Any, *between: Any, name: str = "out", **options: Any
) -> tuple[str, Path]:
    """One driver, to where it waits for others; its status, and the run directory."""
    output = source.parent / name
    stages = [JsonlReader(str(source)), *between, JsonlWriter(str(output))]
    options = {"wait": 0.0, "observer": Observer(), **options}
    result = Pipeline("job", stages=stages).run(LocalExecutor(workers=0), shard=shard, **options)
    return result.status, output / "_thresher" / "job"


def missing(run_dir: Path) -> tuple[int, ...]:
    plan = find_slurm_array_retries(run_dir)
    assert plan is None or (plan.total_shards, plan.minimum_shard_index) == (3, 0)
    return () if plan is None else plan.shard_indices


def test_a_source_goes_to_the_driver_that_is_told(source: Path) -> None:
    names: dict[int, set[str]] = {}
    for index in (5, 6, 7):
        config = SlurmArrayConfig(index, 3, 5)
        run(source, config)
        names[index] = set(committed(source.parent / "out", str(index - 5)))
    told: dict[int, set[str]] = {5: set(), 6: set(), 7: set()}
    for name in set.union(*names.values()):
        task = FileGroupTask("in", [name]).evolve(task_id=name)
        told[slurm_array_shard_for_task(task, SlurmArrayConfig(6, 3, 5))].add(name)
    assert told == names
    assert all(names.values())


def test_a_task_without_an_id_has_no_driver() -> None:
    with pytest.raises(PlanError, match="without an id"):
        slurm_array_shard_for_task(FileGroupTask("in", ["f"]), SlurmArrayConfig(0, 2))
    assert slurm_array_shard_for_task(EmptyTask(), SlurmArrayConfig(0, 1)) == 0


def test_shards_that_are_not_done_are_found(source: Path) -> None:
    assert run(source, (1, 3))[0] == "waiting"
    run_dir = source.parent / "out" / "_thresher" / "job"
    assert missing(run_dir) == (0, 2)
    run(source, (0, 3))
    assert missing(run_dir) == (2,)
    assert run(source, (2, 3))[0] == "complete"
    assert missing(run_dir) == ()
    assert run(source, (2, 3), KeepEven())[0] == "waiting"  # a second generation
    assert missing(run_dir) == (0, 1)


def test_all_are_missing_until_the_last_segment(source: Path) -> None:
    stages = (Pass(), Checkpoint(), KeepEven())
    for shard in (0, 1):
        status, run_dir = run(source, (shard, 3), *stages)
        assert status == "waiting"
        assert missing(run_dir) == (0, 1, 2)  # what 0 and 1 have ended is not the last one
    run(source, (2, 3), *stages)
    assert missing(run_dir) == (0, 1)
    assert run(source, (0, 3), *stages)[0] == "waiting"
    assert run(source, (1, 3), *stages)[0] == "complete"
    assert missing(run_dir) == ()


def test_all_are_missing_before_there_is_a_plan(source: Path) -> None:
    _, run_dir = run(source, (0, 3))
    (run_dir / "plans" / "1.json").unlink()  # as if the first had died before it wrote one
    assert missing(run_dir) == (0, 1, 2)


def test_one_publishes_where_all_are_done(source: Path) -> None:
    _, run_dir = run(source, (0, 3))
    run(source, (1, 3))
    # As if the third had died between its mark and publication.
    before = shutil.copytree(run_dir, source.parent / "before")
    run(source, (2, 3))
    Marks(store_for(str(before)), str(before), 1, 3).write(0, "2")
    assert missing(before) == (0,)
    assert missing(run_dir) == ()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_running_what_is_missing_ends_the_run(source: Path, n: int) -> None:
    stages = (Pass(), Checkpoint(), KeepEven())
    _, run_dir = run(source, (n - 1, n), *stages)
    for _ in range(3):
        plan = find_slurm_array_retries(str(run_dir))
        if plan is None:
            break
        for submission in build_slurm_array_retry_submissions(plan, 2):
            for index in submission.array_indices:
                shard = index + submission.shard_index_offset
                run(source, SlurmArrayConfig(shard, plan.total_shards), *stages)
    assert (run_dir / "manifest.json").exists()
    assert find_slurm_array_retries(run_dir) is None


def test_one_driver_alone_is_missing_until_it_is_done(source: Path) -> None:
    with pytest.raises(StageError):
        run(source, (0, 1), RaiseOn([1]))
    run_dir = source.parent / "out" / "_thresher" / "job"
    assert find_slurm_array_retries(run_dir) == SlurmArrayRetryPlan((0,), 1)
    run(source, (0, 1), RaiseOn([]))
    assert find_slurm_array_retries(run_dir) is None


def test_where_nothing_was_run_nothing_is_found(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run here"):
        find_slurm_array_retries(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_nothing(source: Path) -> None:
    _, run_dir = run(source, (0, 3))
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    find_slurm_array_retries(run_dir)
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before
    assert pages(source.parent / "out", "final")


# -- arrays -----------------------------------------------------------------------------------


def expanded(text: str) -> list[int]:
    """What ``sbatch --array`` makes of it."""
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@given(st.sets(st.integers(0, 60), min_size=1).flatmap(lambda s: st.permutations(sorted(s))))
@settings(max_examples=100, deadline=None)
def test_indices_come_back_sorted(indices: list[int]) -> None:
    text = format_slurm_array_indices(indices)
    assert expanded(text) == sorted(indices)
    assert all(a + 1 < b for a, b in _neighbours(text))  # nothing that could be one range


def _neighbours(text: str) -> list[tuple[int, int]]:
    ends = [(expanded(piece)[0], expanded(piece)[-1]) for piece in text.split(",")]
    return [(a[1], b[0]) for a, b in pairwise(ends)]


def test_indices_as_sbatch_takes_them() -> None:
    assert format_slurm_array_indices([1, 2, 5]) == "1-2,5"
    assert format_slurm_array_indices(iter([7, 5, 6])) == "5-7"
    assert format_slurm_array_indices([5, 5]) == "5"
    assert format_slurm_array_indices((0,)) == "0"


@pytest.mark.parametrize("wrong", [[1.0], ["1"], [True], [None]])
def test_what_is_no_number_is_a_type_error(wrong: list[Any]) -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        format_slurm_array_indices(wrong)


@pytest.mark.parametrize("wrong", [[], [-1], [3, -2]])
def test_what_is_no_array_is_a_value_error(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="no indices of an array"):
        format_slurm_array_indices(wrong)


@given(
    st.sets(st.integers(0, 3000), min_size=1, max_size=60),
    st.one_of(st.none(), st.integers(1, 1200)),
)
@settings(max_examples=100, deadline=None)
def test_every_shard_is_submitted_once(shards: set[int], most: int | None) -> None:
    plan = SlurmArrayRetryPlan(tuple(shards), 3001)
    submissions = build_slurm_array_retry_submissions(plan, most)
    run_again = [i + one.shard_index_offset for one in submissions for i in one.array_indices]
    assert run_again == sorted(shards)
    offsets = [one.shard_index_offset for one in submissions]
    assert len(set(offsets)) == len(offsets)
    if most is None:
        assert offsets == [0]
    for one in submissions:
        assert one.array_indices
        assert min(one.array_indices) >= 0
        assert most is None or max(one.array_indices) < most


def test_an_array_has_room_for_one() -> None:
    with pytest.raises(ValueError, match="max_array_size=0"):
        build_slurm_array_retry_submissions(SlurmArrayRetryPlan((1,), 2), 0)
