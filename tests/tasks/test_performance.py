# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from typing import Any

import pytest

from thresher.errors import StageError
from thresher.stats import StagePerfStats
from thresher.tasks import DocumentBatch, Task
from thresher.tasks.utils import TaskPerfUtils


def task_with(*stats: StagePerfStats) -> Task[Any]:
    task = DocumentBatch("set", {"text": ["a"]})
    for entry in stats:
        task.add_stage_perf(entry)
    return task


@pytest.fixture
def tasks() -> list[Task[Any]]:
    shared = StagePerfStats("read", 1.0, num_items_processed=4)
    return [
        task_with(shared, StagePerfStats("judge", 2.0, custom_metrics={"hits": 3.0})),
        task_with(shared, StagePerfStats("judge", 4.0)),
    ]


def test_shared_statistics_count_once(tasks: list[Task[Any]]) -> None:
    metrics = TaskPerfUtils.collect_stage_metrics(tasks)

    assert metrics["read"]["process_time"].tolist() == [1.0]
    assert metrics["judge"]["process_time"].tolist() == [2.0, 4.0]
    assert metrics["judge"]["custom.hits"].tolist() == [3.0]


def test_aggregates_are_sum_mean_and_population_deviation(tasks: list[Task[Any]]) -> None:
    figures = TaskPerfUtils.aggregate_task_metrics(tasks, prefix="run")

    assert figures["run_judge_process_time_sum"] == 6.0
    assert figures["run_judge_process_time_mean"] == 3.0
    assert figures["run_judge_process_time_std"] == 1.0


def test_several_pipelines_are_told_apart(tasks: list[Task[Any]]) -> None:
    mapping = {"one": tasks[:1], "two": tasks[1:]}
    expected = {"one_judge_process_time_sum": 2.0, "two_judge_process_time_sum": 4.0}

    for given in (mapping, {"pipeline_tasks": mapping}, SimpleNamespace(pipeline_tasks=mapping)):
        figures = TaskPerfUtils.aggregate_task_metrics(given)
        assert {key: figures[key] for key in expected} == expected
    assert "judge_process_time_sum" in TaskPerfUtils.aggregate_task_metrics({"one": tasks})


def test_one_figure_over_the_stages_of_a_prefix(tasks: list[Task[Any]]) -> None:
    assert TaskPerfUtils.get_aggregated_stage_stat(tasks, "jud", "process_time") == 6.0
    assert TaskPerfUtils.get_aggregated_stage_stat(tasks, "none", "process_time") == 0.0


def test_nothing_gives_nothing() -> None:
    assert TaskPerfUtils.collect_stage_metrics(None) == {}
    assert TaskPerfUtils.aggregate_task_metrics([]) == {}


@pytest.mark.parametrize("given", [7, "tasks", [1, 2]])
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(StageError):
        TaskPerfUtils.collect_stage_metrics(given)
