# SPDX-License-Identifier: Apache-2.0
import dataclasses
import pickle

import pytest

from thresher.errors import StageError
from thresher.stats import StagePerfStats
from thresher.tasks import DocumentBatch, EmptyTask, FileGroupTask, FileSlice


def test_tasks_are_frozen() -> None:
    task = DocumentBatch("set", {"text": ["a"]})

    with pytest.raises(dataclasses.FrozenInstanceError):
        task.data = None  # type: ignore[misc]


def test_stages_cannot_set_the_id() -> None:
    with pytest.raises(TypeError):
        FileGroupTask("set", ["a"], task_id="mine")  # type: ignore[call-arg]


def test_a_copy_keeps_all_that_is_not_replaced() -> None:
    task = DocumentBatch("set", {"text": ["a"]}, _metadata={"k": 1}).evolve(task_id="part")
    copy = task.with_data({"text": ["b", "c"]})

    assert (copy.task_id, copy.dataset_name, copy._metadata) == ("part", "set", {"k": 1})
    assert (task.num_items, copy.num_items) == (1, 2)


def test_statistics_added_to_a_copy_stay_out_of_the_original() -> None:
    task = DocumentBatch("set", {"text": ["a"]})
    task.add_stage_perf(StagePerfStats("first"))
    copy = task.with_data({"text": ["b"]})
    copy.add_stage_perf(StagePerfStats("second"))

    assert [s.stage_name for s in task._stage_perf] == ["first"]
    assert [s.stage_name for s in copy._stage_perf] == ["first", "second"]


@pytest.mark.parametrize("name", ["colour", "num_items", "validate"])
def test_unknown_fields_are_refused(name: str) -> None:
    with pytest.raises(StageError, match=name):
        DocumentBatch("set").evolve(**{name: 1})


def test_the_empty_task_has_nothing() -> None:
    task = pickle.loads(pickle.dumps(EmptyTask()))

    assert (task.data, task.num_items, task.task_id, task.dataset_name) == (None, 0, "0", "empty")
    assert task.validate()


def test_a_file_group_covers_whole_files_unless_told() -> None:
    task = FileGroupTask("set", ["a", "b"])

    assert task.slices == (FileSlice("a"), FileSlice("b"))
    assert task.num_items == 2
    assert not FileGroupTask("set", []).validate()


def test_a_file_group_with_other_paths_reads_those() -> None:
    task = FileGroupTask("set", ["a", "b"], slices=(FileSlice("a", 5, 9), FileSlice("b")))

    assert task.with_data(["b", "c"]).slices == (FileSlice("b"), FileSlice("c"))
    assert task.with_data(["a"]).slices == (FileSlice("a", 5, 9),)


def test_a_file_group_takes_a_list() -> None:
    with pytest.raises(StageError, match="str"):
        FileGroupTask("set", "a.jsonl")  # type: ignore[arg-type]


def test_tasks_show_what_they_are() -> None:
    assert repr(EmptyTask()) == "EmptyTask(task_id='0', dataset_name='empty')"
