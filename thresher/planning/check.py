# SPDX-License-Identifier: Apache-2.0
"""Checks of a pipeline before any work is done: all mistakes at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from thresher.errors import PlanError, ThresherError, missing_extra
from thresher.planning.machine import Machine
from thresher.planning.plan import Stage
from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.reading import ReaderStage
from thresher.stages.writing import BaseWriter
from thresher.tasks import HIDDEN, EmptyTask, Task


def expand(stages: Sequence[Any]) -> tuple[list[Stage], list[ThresherError]]:
    """Simple stages in order: composites opened, filters and modifiers made stages."""
    expanded: list[Stage] = []
    mistakes: list[ThresherError] = []
    for number, given in enumerate(stages, 1):
        as_stage = getattr(given, "as_stage", None)
        if isinstance(given, type) or as_stage is None:
            what = (
                f"{given!r} is not a stage"
                if not isinstance(given, type)
                else (f"{given.__name__} is a class, not a stage")
            )
            todo = "write it with its arguments: " + (
                f"{given.__name__}(...)" if isinstance(given, type) else "SomeStage(...)"
            )
            mistakes.append(PlanError(what, where=f"stage {number}", todo=todo))
            continue
        try:
            stage = as_stage()
            expanded += stage.expand() if isinstance(stage, CompositeStage) else [stage]
        except ThresherError as error:
            mistakes.append(error)
    return expanded, mistakes


def check_shape(stages: Sequence[Stage], has_tasks: bool) -> list[ThresherError]:
    """Sources first, one writer last, every stage with work to do."""
    mistakes: list[ThresherError] = []
    if not stages:
        return [
            PlanError("the pipeline has no stages", todo="add_stage(...) a reader, then others")
        ]
    for number, stage in enumerate(stages, 1):
        where = f"stage {number}, {stage.name!r}"
        if isinstance(stage, FilePartitioningStage) and number > 1:
            mistakes.append(PlanError("a reader must come first", where, "move it to the front"))
        elif isinstance(stage, ReaderStage) and number == 1 and not has_tasks:
            mistakes.append(
                PlanError(
                    f"{type(stage).__name__} reads file groups, and nothing makes them",
                    where,
                    f"use {type(stage).__name__.removesuffix('Stage')}(file_paths=...) instead",
                )
            )
        elif isinstance(stage, BaseWriter) and number < len(stages):
            after = stages[number].name
            mistakes.append(
                PlanError(
                    f"a writer must come last, and {after!r} follows it",
                    where,
                    "move the writer to the end; use Checkpoint() to keep rows midway",
                )
            )
        if stage.collective and stage.num_workers() is None:
            mistakes.append(
                PlanError(
                    "its workers start together, and it does not say how many",
                    where,
                    "say .with_(num_workers=...)",
                )
            )
        mistakes += _check_python(stage, where)
        if _has_no_work(stage):
            mistakes.append(
                PlanError(
                    f"{type(stage).__name__} defines neither process nor process_batch",
                    where,
                    "define process(self, task)",
                )
            )
    if has_tasks and isinstance(stages[0], FilePartitioningStage):
        mistakes.append(
            PlanError(
                "initial tasks are given to a pipeline that begins with a reader",
                f"stage 1, {stages[0].name!r}",
                "leave one of them out",
            )
        )
    return mistakes


def _check_python(stage: Stage, where: str) -> list[ThresherError]:
    """An interpreter is named by its path, and its processes know nothing of one another."""
    wanted = (stage.runtime_env or {}).get("py_executable", "")
    if not isinstance(wanted, str):
        return [PlanError(f"py_executable={wanted!r} is not a path", where, "name an interpreter")]
    if wanted and stage.collective:
        what = "its workers start together, and it asks for another Python"
        return [PlanError(what, where, "leave collective or py_executable out")]
    return []


def check_types(stages: Sequence[Stage], first: type[Task[Any]] | None) -> list[ThresherError]:
    """Every stage gets the kind of task it takes, as far as classes are declared."""
    mistakes: list[ThresherError] = []
    given = first
    for number, stage in enumerate(stages, 1):
        takes, gives = stage.task_types()
        if isinstance(stage, FilePartitioningStage):  # in the wrong place? check_shape says so
            takes = None
        if takes is not None and given is not None and not _fits(given, takes):
            mistakes.append(
                PlanError(
                    f"takes {takes.__name__} and is given {given.__name__}",
                    f"stage {number}, {stage.name!r}",
                    f"put a stage that makes {takes.__name__} before it",
                )
            )
        if isinstance(stage, BaseWriter):
            given = None
        elif not isinstance(stage, Checkpoint):
            given = gives if gives is not Task else None
    return mistakes


def check_machine(
    stages: Sequence[Stage], machine: Machine
) -> tuple[list[ThresherError], list[str]]:
    """No stage asks for GPUs or memory that no node has; CPUs beyond a node are scaled down."""
    mistakes: list[ThresherError] = []
    notes: list[str] = []
    for number, stage in enumerate(stages, 1):
        needs, where = stage.resources, f"stage {number}, {stage.name!r}"
        if (needs.requires_gpu and needs.gpus > machine.gpus) or (
            needs.gpu_memory_gb and not machine.gpus
        ):
            wanted = (
                f"{needs.gpus:g} GPUs" if needs.gpus else f"{needs.gpu_memory_gb:g} GiB of a GPU"
            )
            mistakes.append(
                PlanError(
                    f"needs {wanted}; {machine.name} has {machine.gpus:g}",
                    where,
                    "run it where there are GPUs, or say .with_(resources=Resources(cpus=1))",
                )
            )
        if needs.memory_gb * 2**30 > machine.memory:
            mistakes.append(
                PlanError(
                    f"needs {needs.memory_gb:g} GiB of memory; "
                    f"{machine.name} has {machine.memory / 2**30:.1f}",
                    where,
                    "lower Resources(memory_gb=...), or run it on a larger machine",
                )
            )
        if needs.cpus > machine.cpus:
            notes.append(
                f"stage {stage.name!r} asks for {needs.cpus:g} CPUs; it gets the {machine.cpus} "
                "that there are"
            )
    return mistakes, notes


def check_extras(stages: Sequence[Stage]) -> list[ThresherError]:
    """Packages and models that stages, or the filters and modifiers inside them, lack.

    A class names packages in ``requires``, and may define ``plan_mistakes()``, which gives the
    errors that can be foreseen cheaply.
    """
    mistakes: list[ThresherError] = []
    for stage in stages:
        for holder in [stage, *_inside(stage)]:
            for package, extra in getattr(holder, "requires", ()):
                if find_spec(package) is None:
                    mistakes.append(missing_extra(type(holder).__name__, package, extra))
            try:
                mistakes += getattr(holder, "plan_mistakes", list)()
            except ThresherError as error:
                mistakes.append(error)
    return mistakes


def did_you_mean(name: str, known: Iterable[str], listing: str) -> str:
    """Advice: the nearest known name, or all of them when there are few."""
    names = sorted(set(known) - HIDDEN)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"{listing} {', '.join(names[:20])}" + (", ..." if len(names) > 20 else "")


def is_close(name: str, known: Iterable[str]) -> bool:
    """Whether a name is likely to be one of those known, misspelt."""
    for other in known:
        if name.lower() == other.lower():
            return True
        length = max(len(name), len(other))
        if length >= 4 and _edits(name, other) <= (1 if length < 8 else 2):
            return True
    return False


def _edits(left: str, right: str) -> int:
    """Characters inserted, left out, replaced, or swapped with their neighbour (optimal string
    alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]


def is_ours(stage: Stage) -> bool:
    """Whether a stage's declarations are ours, and so to be trusted."""
    return type(stage).__module__.startswith("thresher.") and not hasattr(stage, "function")


def _fits(given: type, takes: type) -> bool:
    return given is EmptyTask or issubclass(given, takes) or issubclass(takes, given)


def _has_no_work(stage: Stage) -> bool:
    own = type(stage)
    return (
        own.process is ProcessingStage.process
        and own.process_batch is ProcessingStage.process_batch
    )


def _inside(stage: Stage) -> list[Any]:
    """Filters and modifiers among a stage's arguments."""
    found: list[Any] = []
    for value in stage.parameters().values():
        found += value if isinstance(value, list | tuple) else [value]
    return found
