# SPDX-License-Identifier: Apache-2.0
"""Plan: what will run. A frozen value that one can print, compare and serialise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thresher.runs.part import Part
from thresher.stages.base import ROW_WISE, ProcessingStage
from thresher.stages.reading import ReaderStage
from thresher.stages.resources import Resources
from thresher.stages.writing import BaseWriter
from thresher.tasks.types import ColumnType, Types

Stage = ProcessingStage[Any, Any]


@dataclass(frozen=True)
class Conflict:
    """A column whose types in two files cannot be united without loss."""

    left: ColumnType
    left_path: str
    right: ColumnType
    right_path: str


@dataclass(frozen=True)
class SourceColumns:
    """What is known of a source's columns.

    Parameters
    ----------
    types : dict[str, ColumnType]
        By a sample, or united over all files where these tell their types.
    first_names : tuple[str, ...]
        Columns of the first record, in order.
    is_whole : bool
        Whether there can be no others.
    are_facts : bool
        Whether the types are those of all files.
    conflicts : dict[str, Conflict]
        Columns of which there is no type that all files' values have.
    reserved : tuple[str, ...]
        Columns named like those of Thresher's own.
    varying : frozenset[str]
        Columns that JSONL would have otherwise if the values of all files were of one type.
    """

    types: Types = field(default_factory=dict)
    first_names: tuple[str, ...] = ()
    is_whole: bool = False
    are_facts: bool = False
    conflicts: dict[str, Conflict] = field(default_factory=dict)
    reserved: tuple[str, ...] = ()
    varying: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """Neighbouring stages that run in one worker call."""

    index: int
    stages: tuple[Stage, ...]

    @property
    def streamed(self) -> bool:
        """Whether it may be fed small batches: it works row by row, so no stage can tell."""
        first, *rest = self.stages
        row_wise = all(s.rows in ROW_WISE or isinstance(s, BaseWriter) for s in rest)
        return row_wise and (isinstance(first, ReaderStage | BaseWriter) or first.rows in ROW_WISE)

    @property
    def name(self) -> str:
        """The names of its stages."""
        return " + ".join(stage.name for stage in self.stages)

    @property
    def gil_free(self) -> bool:
        """Whether threads serve it."""
        return all(stage.gil_free and stage.isolation == "none" for stage in self.stages)

    @property
    def python(self) -> str:
        """The interpreter its stages ask for; empty if it is that of the workers."""
        found = (stage.runtime_env for stage in self.stages if stage.runtime_env)
        return str(next((env["py_executable"] for env in found if "py_executable" in env), ""))

    @property
    def collective(self) -> bool:
        """Whether its workers run every task together."""
        return self.stages[0].collective

    @property
    def resources(self) -> Resources:
        """What one worker needs."""
        return self.stages[0].resources

    @property
    def max_workers(self) -> int | None:
        """The most workers its stages allow at a time; None if they leave it to the executor."""
        limits = [n for stage in self.stages if (n := stage.num_workers()) is not None]
        return min(limits) if limits else None

    @property
    def workers_per_node(self) -> int | None:
        """The most workers its stages allow on each node; None if they do not say."""
        specs = (stage.xenna_stage_spec() for stage in self.stages)
        limits = [n for spec in specs if (n := spec.get("num_workers_per_node")) is not None]
        return min(limits) if limits else None

    def workers_on(self, nodes: int) -> int | None:
        """The most workers at a time on so many nodes; None if its stages do not say."""
        each = self.workers_per_node
        limits = [self.max_workers, None if each is None else each * nodes]
        return min((n for n in limits if n is not None), default=None)


@dataclass(frozen=True)
class Segment:
    """The Steps between two barriers.

    ``sink`` is what becomes of its last tasks: ``"out"`` (a writer's files), ``"result"`` (kept
    for the run's result) or ``"spill"`` (the next Segment's input).
    """

    index: int
    steps: tuple[Step, ...]
    sink: str

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, in order."""
        return tuple(stage for step in self.steps for stage in step.stages)

    @property
    def row_wise(self) -> bool:
        """Whether a source row can be left out without touching the others."""
        return not any(stage.rows == "merge" or stage.whole_parts for stage in self.stages)


@dataclass(frozen=True)
class Plan:
    """What will run, and over what.

    Parameters
    ----------
    parts : tuple[Part, ...]
        Of the first Segment; later Segments get theirs from what the earlier ones commit.
    columns : SourceColumns | None
        What is known of the source's columns.
    notes : tuple[str, ...]
        What the planner decided that a reader of the plan should know.
    last_names : tuple[str, ...]
        Columns that stages add or change, in order.
    """

    name: str
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    fingerprints: tuple[str, ...]
    columns: SourceColumns | None = None
    writer: BaseWriter | None = None
    notes: tuple[str, ...] = ()
    last_names: tuple[str, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages that run, in order."""
        return tuple(stage for segment in self.segments for stage in segment.stages)

    @property
    def reader(self) -> ReaderStage | None:
        """The stage that reads the source; None for a pipeline that is given tasks."""
        return next((stage for stage in self.stages if isinstance(stage, ReaderStage)), None)
