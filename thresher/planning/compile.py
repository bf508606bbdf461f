# SPDX-License-Identifier: Apache-2.0
"""Compiling: from the stages asked for to a Plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from thresher.errors import PlanError, ThresherError
from thresher.planning.check import (
    check_columns,
    check_extras,
    check_machine,
    check_shape,
    check_types,
    expand,
    is_ours,
)
from thresher.planning.facts import check_facts
from thresher.planning.fingerprint import segment_fingerprint
from thresher.planning.frozen import FrozenPlan
from thresher.planning.fuse import fuse
from thresher.planning.machine import Machine
from thresher.planning.paths import check_paths
from thresher.planning.plan import Plan, Segment, Stage
from thresher.planning.source import (
    limit_parts,
    parts_of_files,
    parts_of_partitions,
    parts_of_tasks,
    sample_schema,
)
from thresher.runs.part import Part
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.reading import ReaderStage
from thresher.stages.writing import BaseWriter
from thresher.tasks import EmptyTask, Task


def compile_plan(
    name: str,
    stages: Sequence[Any],
    initial_tasks: Sequence[Task[Any]] | None = None,
    *,
    machine: Machine | None = None,
    limit: int | None = None,
    fusion: bool = True,
    frozen: FrozenPlan | None = None,
) -> Plan:
    """Make a Plan, or say everything that is wrong.

    With ``frozen`` the source is not looked at again: its parts and schema are those.

    Raises
    ------
    PlanError
        With all mistakes found, in ``mistakes``.
    """
    expanded, mistakes = expand(stages)
    if told := check_facts(expanded):
        raise PlanError.from_mistakes([*mistakes, *told])
    tasks = list(initial_tasks) if initial_tasks is not None else None
    mistakes += check_shape(expanded, tasks is not None)
    mistakes += check_types(expanded, type(tasks[0]) if tasks else EmptyTask)
    told, notes = check_machine(expanded, machine or Machine.here())
    mistakes += told
    mistakes += check_extras(expanded)
    source = _Source(expanded, tasks, frozen)
    mistakes += source.mistakes
    missing, _ = check_columns(expanded, source.schema)
    mistakes += missing
    mistakes += check_paths(expanded, source.parts)
    if mistakes:
        raise PlanError.from_mistakes(mistakes)
    parts = source.parts
    if limit is not None and frozen is None:
        if source.reader is None:
            raise PlanError("limit needs a pipeline that begins with a reader")
        parts = limit_parts(source.reader, parts, limit)
    bound, typed = _bind(source.rest, source)
    writer = bound[-1] if isinstance(bound[-1], BaseWriter) else None
    segments = _segments(bound, writer, fusion=fusion)
    fingerprints = tuple(segment_fingerprint(s.stages, [s.sink, typed]) for s in segments)
    parts = tuple(replace(part, fingerprint=_of_part(fingerprints[0], part)) for part in parts)
    return Plan(name, segments, parts, fingerprints, source.schema, writer, tuple(notes))


class _Source:
    """Where the first Segment's parts come from, and what is in them."""

    def __init__(
        self,
        stages: Sequence[Stage],
        tasks: list[Task[Any]] | None,
        frozen: FrozenPlan | None = None,
    ) -> None:
        self.mistakes: list[ThresherError] = []
        self.parts: tuple[Part, ...] = ()
        self.schema: pa.Schema | None = None
        self.reader: ReaderStage | None = None
        self.rest = tuple(stages)
        try:
            self._look(stages, tasks, frozen)
        except ThresherError as error:
            self.mistakes.append(error)

    def _look(
        self,
        stages: Sequence[Stage],
        tasks: list[Task[Any]] | None,
        frozen: FrozenPlan | None,
    ) -> None:
        if not stages:
            return
        if isinstance(stages[0], FilePartitioningStage):
            self.rest = tuple(stages[1:])
            if self.rest and isinstance(self.rest[0], ReaderStage):
                self.reader = self.rest[0]
            if frozen is not None:
                self.parts, self.schema = frozen.parts, frozen.schema
                return
            self.parts = parts_of_files(stages[0], split=self.reader is not None)
            if self.reader is not None:
                self.schema = sample_schema(self.reader, self.parts)
        elif isinstance(stages[0], PartitioningStage) and tasks is None:
            self.rest = tuple(stages[1:])
            self.parts = parts_of_partitions(stages[0]) if frozen is None else frozen.parts
        else:
            self.parts = parts_of_tasks(tasks if tasks is not None else [EmptyTask()])


def _bind(stages: Sequence[Stage], source: _Source) -> tuple[list[Stage], pa.Schema | None]:
    """Tell the reader which columns to parse, and the writer which schema to hold to.

    Returns the stages, and the types the output depends on: where all columns are parsed and the
    records travel as they are, a column more in one file makes no difference to the others.
    """
    bound = list(stages)
    if not bound:
        raise PlanError("the pipeline has no stages after its reader", todo="add some")
    reader, writer, schema = source.reader, bound[-1], source.schema
    if reader is None or schema is None:
        return bound, None
    carry = _carries(bound, writer)
    columns = _columns_used(bound[1:], schema) if carry else None
    bound[0] = reader.bind(schema, columns, carry)
    if isinstance(writer, BaseWriter):
        changed = {name for stage in bound[1:] for name in stage.outputs()[1]}
        bound[-1] = writer.with_schema(pa.schema([f for f in schema if f.name not in changed]))
    if not carry:
        return bound, schema
    return bound, None if columns is None else pa.schema([schema.field(c) for c in columns])


def _carries(stages: Sequence[Stage], writer: Stage) -> bool:
    """Whether records travel as they were read: same format in and out, all fields.

    Not where rows are multiplied or merged, as they have no record of their own then.
    """
    reader = stages[0]
    assert isinstance(reader, ReaderStage)
    own = reader.raw_format
    if any(stage.rows in ("expand", "merge") for stage in stages):
        return False
    return bool(own) and isinstance(writer, BaseWriter) and writer.raw_format == own


def _columns_used(stages: Sequence[Stage], schema: pa.Schema) -> list[str] | None:
    """Columns that have to be parsed; None for all.

    A stage that names no input columns reads all, writers apart: what they do not get parsed they
    take from the raw record.
    """
    used: set[str] = set()
    for stage in stages:
        if isinstance(stage, BaseWriter | Checkpoint):
            continue
        named = set(stage.inputs()[1])
        if not named and not (is_ours(stage) and stage.outputs()[1]):
            return None
        used |= named | (set(stage.outputs()[1]) & set(schema.names))
    return [name for name in schema.names if name in used]


def _segments(
    stages: Sequence[Stage], writer: BaseWriter | None, *, fusion: bool
) -> tuple[Segment, ...]:
    """Cut at every Checkpoint, and where a whole part has to come together."""
    groups: list[list[Stage]] = [[]]
    for stage in stages:
        if isinstance(stage, Checkpoint):
            groups.append([])
        else:
            groups[-1].append(stage)
    if not groups[-1]:
        raise PlanError("Checkpoint() is the last stage", todo="put something after it, or drop it")
    groups = [part for group in groups if group for part in _cut_to_gather(group, fusion=fusion)]
    last = len(groups) - 1
    end = "out" if writer is not None else "result"
    return tuple(
        Segment(index, fuse(group, fusion=fusion), end if index == last else "spill")
        for index, group in enumerate(groups)
    )


def _cut_to_gather(stages: Sequence[Stage], *, fusion: bool) -> list[list[Stage]]:
    """Cut before Steps with a stage that sees whole parts, unless the part comes to them whole.

    The first Step of a Segment is called once for a part, later ones for every task made before.
    """
    groups: list[list[Stage]] = []
    for step in fuse(stages, fusion=fusion):
        if not groups or any(stage.whole_parts for stage in step.stages):
            groups.append([])
        groups[-1] += step.stages
    return groups


def _of_part(fingerprint: str, part: Part) -> str:
    """A part cut short is another piece of work than the whole part."""
    return f"{fingerprint}+{part.rows}" if part.cut else fingerprint
