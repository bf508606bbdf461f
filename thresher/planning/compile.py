# SPDX-License-Identifier: Apache-2.0
"""Compiling: from the stages asked for to a Plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from thresher.errors import PlanError, ThresherError
from thresher.planning.check import (
    check_extras,
    check_machine,
    check_shape,
    check_types,
    expand,
    is_ours,
)
from thresher.planning.columns import (
    ColumnUse,
    check_names,
    columns_of,
    folder_notes,
    mixed_notes,
    use_of,
)
from thresher.planning.columns import check_types as check_column_types
from thresher.planning.facts import check_facts
from thresher.planning.fingerprint import segment_fingerprint
from thresher.planning.frozen import FrozenPlan
from thresher.planning.fuse import fuse
from thresher.planning.machine import Machine
from thresher.planning.paths import check_paths
from thresher.planning.plan import Plan, Segment, SourceColumns, Stage
from thresher.planning.source import (
    limit_parts,
    parts_of_files,
    parts_of_partitions,
    parts_of_tasks,
)
from thresher.runs.part import Part
from thresher.stages.base import NUMBER, TEXT
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.reading import ReaderStage, ReadPlan
from thresher.stages.writing import BaseWriter, WritePlan
from thresher.tasks import EmptyTask, Task
from thresher.tasks.types import JSON_TEXT, NOTHING, ColumnType


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
    told, more = source.check(expanded)
    mistakes += told
    notes += [*source.notes, *more]
    mistakes += check_paths(expanded, source.parts)
    if mistakes:
        raise PlanError.from_mistakes(mistakes)
    parts = source.parts
    if limit is not None and frozen is None:
        if source.reader is None:
            raise PlanError("limit needs a pipeline that begins with a reader")
        parts = limit_parts(source.reader, parts, limit)
    bound = _bind(source)
    writer = bound[-1] if isinstance(bound[-1], BaseWriter) else None
    segments = _segments(bound, writer, fusion=fusion)
    fingerprints = tuple(segment_fingerprint(s.stages, [s.sink]) for s in segments)
    parts = tuple(replace(part, fingerprint=_of_part(fingerprints[0], part)) for part in parts)
    return Plan(
        name,
        segments,
        parts,
        fingerprints,
        source.columns,
        writer,
        tuple(notes),
        last_names=_made(bound[1:]) if source.reader is not None else _made(bound),
    )


class _Source:
    """Where the first Segment's parts come from, and what is in them."""

    def __init__(
        self,
        stages: Sequence[Stage],
        tasks: list[Task[Any]] | None,
        frozen: FrozenPlan | None = None,
    ) -> None:
        self.mistakes: list[ThresherError] = []
        self.notes: list[str] = []
        self.parts: tuple[Part, ...] = ()
        self.columns: SourceColumns | None = None
        self.reader: ReaderStage | None = None
        self.rest = tuple(stages)
        try:
            self._look(stages, tasks, frozen)
        except ThresherError as error:
            self.mistakes.append(error)
        behind = self.rest[1:] if self.reader is not None else ()
        self.use = use_of(behind, len(stages) - len(behind) + 1)
        self.mistakes += self.use.mistakes

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
                self.parts, self.columns = frozen.parts, frozen.columns
                return
            self.parts = parts_of_files(stages[0], split=self.reader is not None)
            self.notes += stages[0].notes()
            if self.reader is not None:
                self.columns = columns_of(self.reader, self.parts)
        elif isinstance(stages[0], PartitioningStage) and tasks is None:
            self.rest = tuple(stages[1:])
            self.parts = parts_of_partitions(stages[0]) if frozen is None else frozen.parts
        else:
            self.parts = parts_of_tasks(tasks if tasks is not None else [EmptyTask()])

    @property
    def carries(self) -> bool:
        """Whether records travel as they were read: same format in and out, all fields.

        Not where rows are multiplied or merged, as they have no record of their own then.
        """
        if self.reader is None or any(stage.rows in ("expand", "merge") for stage in self.rest):
            return False
        own, writer = self.reader.raw_format, self.rest[-1]
        return bool(own) and isinstance(writer, BaseWriter) and writer.raw_format == own

    def likely_type(self, name: str) -> ColumnType:
        """The type that a column of the source is likely to have in the output."""
        assert self.columns is not None
        pinned = self.reader.pinned_types() if self.reader is not None else {}
        found = pinned.get(name, self.columns.types[name])
        if found.is_json and name not in pinned:
            wanted = {TEXT: JSON_TEXT, NUMBER: pa.float64()}.get(self.use.kinds.get(name, ""))
            found = found if wanted is None else ColumnType(wanted)
        return found

    def check(self, stages: Sequence[Stage]) -> tuple[list[ThresherError], list[str]]:
        """Mistakes and notes about columns."""
        known, reader = self.columns, self.reader
        if known is None or reader is None:
            return [], []
        mistakes, notes = check_names(stages, known, reader)
        mistakes += check_column_types(known, self.use, self.rest[-1], reader)
        fields = reader.wanted_names()
        reserved = [name for name in known.reserved if fields is None or name in fields]
        if reserved and not self.carries:
            mistakes.append(
                PlanError(
                    f"the source has a column {reserved[0]!r}, which is the name of a "
                    "column of Thresher's own",
                    f"stage 2, {reader.name!r}",
                    "rename it, or read the columns you need with fields=[...]",
                )
            )
        decided = {*_made(self.rest[1:]), *self.use.kinds, *reader.pinned_types()}
        notes += folder_notes(known, self.parts)
        return mistakes, [*notes, *mixed_notes(known, self.rest[-1], decided)]


def _bind(source: _Source) -> list[Stage]:
    """Tell the reader which columns to parse, and the writer which to expect."""
    bound = list(source.rest)
    if not bound:
        raise PlanError("the pipeline has no stages after its reader", todo="add some")
    reader, writer = source.reader, bound[-1]
    known = source.columns or SourceColumns()
    if reader is not None:
        use, carry, fields = source.use, source.carries, reader.wanted_names()
        columns = tuple(fields) if fields is not None else None
        if fields is not None:
            always = dict.fromkeys(fields)
        else:
            columns = _columns_used(bound[1:], reader.pinned_types()) if carry else None
            always = dict.fromkeys(use.users)
        own = {*known.conflicts, *(() if _needs_one_type(use, writer) else known.varying)}
        expected = {n: NOTHING if n in own else kind for n, kind in known.types.items()}
        shown = tuple(known.types) if use.sees_tables and fields is None else ()
        plan = ReadPlan(columns, use.kinds, carry, expected, tuple(always), shown)
        bound[0] = reader.bind(plan)
    if isinstance(writer, BaseWriter):
        made = _made(bound[1:])
        expected = {name: source.likely_type(name) for name in known.types if name not in made}
        fields = reader.wanted_names() if reader is not None else None
        first = known.first_names if fields is None else tuple(fields)
        bound[-1] = writer.bind(WritePlan(expected, first, made))
    return bound


def _needs_one_type(use: ColumnUse, writer: Stage) -> bool:
    """Whether each column is to have the type that holds the values of all files."""
    return use.sees_tables or not isinstance(writer, BaseWriter) or writer.typed


def _made(stages: Sequence[Stage]) -> tuple[str, ...]:
    """Columns that stages say they add or change, in order."""
    return tuple(dict.fromkeys(name for stage in stages for name in stage.outputs()[1]))


def _columns_used(stages: Sequence[Stage], pinned: Iterable[str]) -> tuple[str, ...] | None:
    """Columns that have to be parsed, ``pinned`` ones among them; None for all.

    A stage that names no input columns reads all, writers apart: what they do not get parsed they
    take from the raw record.
    """
    used: dict[str, None] = dict.fromkeys(pinned)
    for stage in stages:
        if isinstance(stage, BaseWriter | Checkpoint):
            continue
        named = stage.inputs()[1]
        if not named and not (is_ours(stage) and stage.outputs()[1]):
            return None
        used |= dict.fromkeys([*named, *stage.outputs()[1]])
    return tuple(used)


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
