# SPDX-License-Identifier: Apache-2.0
"""Checks of where a pipeline reads and writes."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.errors import PlanError, ThresherError
from thresher.planning.plan import Stage
from thresher.runs.part import Part, output_name
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.writing import BaseWriter
from thresher.storage import absolute, base_of
from thresher.tasks import FileGroupTask


def check_paths(stages: Sequence[Stage], parts: Sequence[Part]) -> list[ThresherError]:
    """The output is not inside the input, nor the other way round, and names are unique."""
    mistakes: list[ThresherError] = []
    writers = [stage for stage in stages if isinstance(stage, BaseWriter)]
    for writer in writers:
        output = absolute(writer.path).rstrip("/")
        for entry in _entries(stages):
            base = absolute(base_of(entry)).rstrip("/")
            inside = _is_below(output, base) or any(
                _is_below(absolute(path), output) for path in _paths(parts)
            )
            if inside:
                mistakes.append(
                    PlanError(
                        f"the output {writer.path!r} and the input {entry!r} are one inside the "
                        "other",
                        f"stage {writer.name!r}",
                        "write to a folder of its own beside the input",
                    )
                )
                break
        mistakes += _colliding(writer, parts)
    places = [absolute(writer.path).rstrip("/") for writer in writers]
    if len(set(places)) < len(places):
        mistakes.append(
            PlanError("two writers write to one place", todo="give each a folder of its own")
        )
    return mistakes


def _colliding(writer: BaseWriter, parts: Sequence[Part]) -> list[ThresherError]:
    seen: dict[str, str] = {}
    for part in parts:
        name = output_name(part.name, 0, writer.file_extension)
        if name in seen:
            return [
                PlanError(
                    f"{seen[name]!r} and {part.name!r} would both be written to {name!r}",
                    f"stage {writer.name!r}",
                    "give the inputs names: file_paths={'a': ..., 'b': ...}",
                )
            ]
        seen[name] = part.name
    return []


def _entries(stages: Sequence[Stage]) -> list[str]:
    if not stages or not isinstance(stages[0], FilePartitioningStage):
        return []
    return [entry for _, entry in stages[0].entries]


def _paths(parts: Sequence[Part]) -> list[str]:
    return [
        path for part in parts if isinstance(part.task, FileGroupTask) for path in part.task.data
    ]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
