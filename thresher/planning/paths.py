# SPDX-License-Identifier: Apache-2.0
"""Checks of where a pipeline reads and writes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from thresher.errors import PlanError, StorageError, ThresherError
from thresher.planning.plan import Stage
from thresher.runs.names import OutputNames
from thresher.runs.part import Part
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.writing import BaseWriter
from thresher.storage import Places, absolute, base_of, is_local
from thresher.tasks import FileGroupTask


def check_paths(stages: Sequence[Stage], parts: Sequence[Part]) -> list[ThresherError]:
    """The output is not inside the input, nor the other way round, and names are unique."""
    mistakes: list[ThresherError] = []
    places = Places()
    writers = [stage for stage in stages if isinstance(stage, BaseWriter)]
    inputs = _Inputs(stages, parts, places)
    for writer in writers:
        if "\0" in writer.path:
            told = f"the output {writer.path!r} has a NUL in it"
            return [PlanError(told, f"stage {writer.name!r}", "name a folder")]
        touched = inputs.touched_by(writer.path)
        if touched is not None:
            mistakes.append(
                PlanError(
                    f"the output {writer.path!r} and the input {touched!r} are one inside the "
                    "other",
                    f"stage {writer.name!r}",
                    "write to a folder of its own beside the input",
                )
            )
        elif is_local(writer.path) and _is_file(absolute(writer.path)):
            mistakes.append(
                PlanError(
                    f"the output {writer.path!r} is a file, not a folder",
                    f"stage {writer.name!r}",
                    "name a folder, which is made if need be, or move the file away",
                )
            )
        mistakes += _colliding(writer, parts)
    outputs = [writer.path for writer in writers]
    if any(
        places.is_same_or_below(one, other) and places.is_same_or_below(other, one)
        for i, one in enumerate(outputs)
        for other in outputs[:i]
    ):
        mistakes.append(
            PlanError("two writers write to one place", todo="give each a folder of its own")
        )
    return mistakes


def _is_file(path: str) -> bool:
    return os.path.exists(path) and not os.path.isdir(path)


def check_run_dir(stages: Sequence[Stage], parts: Sequence[Part], run_dir: str) -> None:
    """Refuse a run directory inside the input: its files would be read as data.

    Raises
    ------
    PlanError
        With the input that it lies in.
    """
    if "\0" in run_dir:
        raise PlanError(f"the run directory {run_dir!r} has a NUL in it", todo="name a folder")
    entry = _Inputs(stages, parts, Places()).around(run_dir)
    if entry is not None:
        raise PlanError(
            f"the run directory {run_dir!r} lies in the input {entry!r}",
            todo="give another one (run_dir=, --run-dir), beside the input",
        )


class _Inputs:
    """The places that a pipeline reads, to compare outputs with."""

    def __init__(self, stages: Sequence[Stage], parts: Sequence[Part], places: Places) -> None:
        self._places = places
        self._bases = dict(_bases(stages))
        paths = {absolute(path) for path in _paths(parts)} if self._bases else set()
        self._walked = _walked({_parent(path) for path in paths}, set(self._bases.values()))
        if stages and isinstance(stages[0], FilePartitioningStage):
            self._walked.update(stages[0].linked())  # no file may be in them yet
        # Links and the files they lead to: a folder may hold either.
        self._folders = {_parent(path) for path in paths}
        self._folders |= {_parent(places.resolved(path)) for path in paths}

    def touched_by(self, output: str) -> str | None:
        """An input that lies in an output, or that the output lies in."""
        lies_in = self._places.is_same_or_below
        for entry, base in self._bases.items():
            if lies_in(output, base) or lies_in(base, output):
                return entry
        for folder in sorted(self._folders):
            if lies_in(folder, output):
                return folder
        return self._walked_around(output)

    def around(self, place: str) -> str | None:
        """An input that a place lies in."""
        for entry, base in self._bases.items():
            if self._places.is_same_or_below(place, base):
                return entry
        return self._walked_around(place)

    def _walked_around(self, place: str) -> str | None:
        lies_in = self._places.is_same_or_below
        return next((folder for folder in sorted(self._walked) if lies_in(place, folder)), None)


def _bases(stages: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    """(entry, the place that its names are counted from) of what a pipeline reads."""
    if not stages or not isinstance(stages[0], FilePartitioningStage):
        return
    for _, entry in stages[0].entries:
        try:
            yield entry, base_of(entry, stages[0].storage_options)
        except StorageError:  # it has been told of already, where the files were listed
            continue


def _walked(folders: set[str], bases: set[str]) -> set[str]:
    """Folders between the files that were found and the entries, where links may be."""
    walked: set[str] = set()
    for folder in folders:
        above: list[str] = []
        while folder not in walked and folder not in bases and "/" in folder:
            above.append(folder)
            folder = _parent(folder)
        if folder in bases or folder in walked:
            walked.update(above)
    return walked


def _colliding(writer: BaseWriter, parts: Sequence[Part]) -> list[ThresherError]:
    names = OutputNames()
    seen: dict[str, str] = {}
    for part in parts:
        name = names.name(part.name, 0, writer.file_extension)
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


def _paths(parts: Sequence[Part]) -> list[str]:
    return [
        path for part in parts if isinstance(part.task, FileGroupTask) for path in part.task.data
    ]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
