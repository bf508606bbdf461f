# SPDX-License-Identifier: Apache-2.0
"""Sources: the parts of the first Segment."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import xxhash

from thresher.errors import ThresherError
from thresher.runs.part import Part
from thresher.runs.task_file import to_bytes
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.reading import ReaderStage, ReadReport
from thresher.tasks import DocumentBatch, EmptyTask, FileGroupTask, FileSlice, Task

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


def limit_parts(reader: ReaderStage, parts: Sequence[Part], limit: int) -> tuple[Part, ...]:
    """The parts that hold the first ``limit`` records, the last one cut short."""
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        assert isinstance(part.task, FileGroupTask)
        report = ReadReport()
        with suppress(ThresherError):  # told when the part is run
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
    size = sum(piece.n_bytes for piece in task.slices)
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
