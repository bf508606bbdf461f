# SPDX-License-Identifier: Apache-2.0
"""Summaries of the statistics that tasks carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from thresher.errors import StageError
from thresher.stats import StagePerfStats
from thresher.tasks.task import Task


class TaskPerfUtils:
    """Summaries over tasks, a run's result, or a mapping of pipeline name to tasks."""

    @staticmethod
    def collect_stage_metrics(tasks: Any) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
        """Values per stage and metric, float64[n_calls]; shared statistics count once."""
        collected: dict[str, dict[str, list[float]]] = {}
        seen: set[int] = set()
        for _, group in _groups(tasks):
            for stats in _stats(group):
                if id(stats) in seen:
                    continue
                seen.add(id(stats))
                metrics = collected.setdefault(stats.stage_name, {})
                for name, value in stats.items():
                    metrics.setdefault(name, []).append(float(value))
        return {
            stage: {name: np.asarray(values, dtype=np.float64) for name, values in metrics.items()}
            for stage, metrics in collected.items()
        }

    @staticmethod
    def aggregate_task_metrics(tasks: Any, prefix: str | None = None) -> dict[str, float]:
        """Sum, mean and population standard deviation of every metric, as a flat dict.

        Keys are ``[<prefix>_][<pipeline>_]<stage>_<metric>_{sum,mean,std}``.
        """
        groups = _groups(tasks)
        result: dict[str, float] = {}
        for pipeline, group in groups:
            parts = [prefix] if prefix else []
            if pipeline and (prefix or len(groups) > 1):
                parts.append(pipeline)
            for stage, metrics in TaskPerfUtils.collect_stage_metrics(group).items():
                for metric, values in metrics.items():
                    key = "_".join([*parts, stage, metric])
                    result[f"{key}_sum"] = float(values.sum())
                    result[f"{key}_mean"] = float(values.mean()) if values.size else 0.0
                    result[f"{key}_std"] = float(values.std()) if values.size else 0.0
        return result

    @staticmethod
    def get_aggregated_stage_stat(tasks: Any, stage_prefix: str, stat: str) -> float:
        """Sum of ``stat`` over the stages whose name begins with ``stage_prefix``; 0.0 if none."""
        return sum(
            float(metrics[stat].sum())
            for stage, metrics in TaskPerfUtils.collect_stage_metrics(tasks).items()
            if stage.startswith(stage_prefix) and stat in metrics
        )


def _groups(tasks: Any) -> list[tuple[str, list[Task[Any]]]]:
    """(pipeline name, tasks) pairs from any of the accepted inputs."""
    if tasks is None:
        return []
    pipelines = getattr(tasks, "pipeline_tasks", None)
    if pipelines is None and isinstance(tasks, Mapping):
        pipelines = tasks.get("pipeline_tasks", tasks)
    if isinstance(pipelines, Mapping):
        return [(str(name), _task_list(group)) for name, group in pipelines.items()]
    return [("", _task_list(tasks))]


def _task_list(tasks: Any) -> list[Task[Any]]:
    if tasks is None:
        return []
    if isinstance(tasks, Iterable) and not isinstance(tasks, str | bytes):
        found = list(tasks)
        if all(isinstance(task, Task) for task in found):
            return found
    raise StageError(
        f"cannot read task statistics from a {type(tasks).__name__}",
        todo="give a list of tasks, a run's result, or a mapping of pipeline name to tasks",
    )


def _stats(tasks: list[Task[Any]]) -> Iterable[StagePerfStats]:
    for task in tasks:
        yield from task._stage_perf
