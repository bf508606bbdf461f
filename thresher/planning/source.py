# SPDX-License-Identifier: Apache-2.0
"""Sources: the parts of the first Segment, and the schema seen in a sample of them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import xxhash

from thresher.errors import PlanError, ThresherError
from thresher.runs.part import Part
from thresher.runs.task_file import to_bytes
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.reading import ReaderStage, ReadReport
from thresher.tasks import DocumentBatch, EmptyTask, FileGroupTask, FileSlice, Task

MAX_SAMPLED_SOURCES = 200
SAMPLED_RECORDS = 100
MEMORY_PER_SOURCE_BYTE = 4
"""Rows with their raw record, parsed columns and a copy while they are filtered."""


def parts_of_files(partitioning: FilePartitioningStage, *, split: bool) -> tuple[Part, ...]:
    """One part per group of files; big files are split where a reader follows that minds slices."""
    return tuple(_file_part(name, task) for name, task in partitioning.partitions(split))


def parts_of_partitions(partitioning: PartitioningStage) -> tuple[Part, ...]:
    """One part per partition."""
    return tuple(_file_part(name, task) for name, task in partitioning.partitions())


def parts_of_tasks(tasks: Sequence[Task[Any]]) -> tuple[Part, ...]:
    """One part per initial task, ``task-000000`` and so on."""
    return tuple(_task_part(f"task-{index:06d}", task) for index, task in enumerate(tasks))


def sample_schema(reader: ReaderStage, parts: Sequence[Part]) -> pa.Schema | None:
    """Columns and types of the first records of at most 200 sources spread over the list.

    Sources that cannot be read say so when they are; None if no source tells anything.
    """
    schemas = []
    for part in _spread(parts, MAX_SAMPLED_SOURCES):
        assert isinstance(part.task, FileGroupTask)
        try:
            schemas.append(reader.infer_schema(part.task, SAMPLED_RECORDS))
        except PlanError:
            raise
        except ThresherError:
            continue
    seen = [schema for schema in schemas if len(schema)]
    return unite(seen) if seen else None


def unite(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Schemas united by name; numbers widen, and types that clash become JSON text."""
    merged: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            known = merged.get(field.name)
            merged[field.name] = field if known is None else _unite_fields(known, field)
    return pa.schema(list(merged.values()))


def limit_parts(reader: ReaderStage, parts: Sequence[Part], limit: int) -> tuple[Part, ...]:
    """The parts that hold the first ``limit`` records, the last one cut short."""
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        assert isinstance(part.task, FileGroupTask)
        report = ReadReport()
        for _ in reader.read(part.task, report):
            pass
        take = min(report.found, limit)
        limit -= take
        kept.append(Part(**{**vars(part), "rows": take, "cut": True}))
    return tuple(kept)


def source_version(slices: Sequence[FileSlice]) -> str:
    """Sizes and versions of a part's sources, as they were listed."""
    return json.dumps([[s.start, s.stop, s.size, s.version] for s in slices])


def _file_part(name: str, task: FileGroupTask) -> Part:
    size = sum(_slice_bytes(piece) for piece in task.slices)
    return Part(
        0,
        name,
        task,
        version=source_version(task.slices),
        estimate=size * MEMORY_PER_SOURCE_BYTE,
        source_bytes=size,
    )


def _task_part(name: str, task: Task[Any]) -> Part:
    size, rows = 0, None
    if isinstance(task, DocumentBatch):
        size, rows = task.size_bytes, task.num_items
    if isinstance(task, EmptyTask):
        return Part(0, name, task)
    if isinstance(task, FileGroupTask):
        return _file_part(name, task)
    version = xxhash.xxh3_128_hexdigest(_bytes_of(task))
    return Part(0, name, task, version=version, estimate=size * 2, rows=rows, source_bytes=size)


def _bytes_of(task: Task[Any]) -> bytes:
    """The task as bytes that are the same in every process, where that can be had."""
    try:
        return pickle.dumps(task, protocol=5)
    except Exception:  # by value: resuming will not know it again
        return to_bytes(task)


def _slice_bytes(piece: FileSlice) -> int:
    if piece.unit != "bytes":
        return piece.weight or max(piece.size, 0)
    stop = piece.size if piece.stop is None else piece.stop
    return max(stop - piece.start, 0)


def _spread(parts: Sequence[Part], n: int) -> Iterator[Part]:
    """At most ``n`` parts, evenly spread, the first and the last among them."""
    if len(parts) <= n:
        yield from parts
        return
    for index in range(n):
        yield parts[index * (len(parts) - 1) // (n - 1)]


def _unite_fields(left: pa.Field, right: pa.Field) -> pa.Field:
    if left.type == right.type:
        return left if left.metadata else right
    if pa.types.is_null(left.type):
        return right
    if pa.types.is_null(right.type):
        return left
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if all(any(kind(f.type) for kind in numbers) for f in (left, right)):
        return pa.field(left.name, pa.float64())
    for field in (left, right):
        if field.metadata and b"thresher:json" in field.metadata:
            return field
    try:
        return pa.unify_schemas(
            [pa.schema([left]), pa.schema([right])], promote_options="default"
        ).field(0)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.field(left.name, pa.string(), metadata={b"thresher:json": b"1"})
