# SPDX-License-Identifier: Apache-2.0
"""Tasks as bytes and files: tables as Arrow IPC, everything else pickled beside them."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Sequence
from io import RawIOBase
from typing import IO, Any

import pyarrow as pa

from thresher.tasks import FileGroupTask, Task

_KEY = b"thresher:task"
_SOURCE = b"thresher:source"
_MAIN = b"__main__"


def pickled(task: Task[Any]) -> bytes:
    """The task pickled; by value where its classes are of the user's main module.

    Workers do not import that module, and so would not find them.
    """
    try:
        data = pickle.dumps(task, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        data = _MAIN
    if _MAIN not in data:
        return data
    import cloudpickle

    by_value: bytes = cloudpickle.dumps(task, protocol=5)
    return by_value


def write_task(
    task: Task[Any], file: IO[bytes] | RawIOBase, source: FileGroupTask | None = None
) -> int:
    """Write a task to an open file; returns its items, rows for tables.

    ``source`` is what its rows were read from, if their numbers are still those of the reader.
    """
    if isinstance(task.data, pa.Table):
        table = task.data
        rest = pickled(_without_data(task))
        metadata = {**(table.schema.metadata or {}), _KEY: rest}
        if source is not None:
            metadata[_SOURCE] = pickled(source)
        tagged = table.replace_schema_metadata(metadata)
        with pa.ipc.new_file(file, tagged.schema) as writer:
            writer.write_table(tagged)
        return int(table.num_rows)
    file.write(pickled(task))
    return task.num_items


def count_items(path: str) -> int:
    """Items of a task in a closed file, rows for tables, counted from the file itself."""
    if not _is_table(path):
        return read_task(path).num_items
    with pa.memory_map(os.fsencode(path)) as source:
        batches = pa.ipc.open_file(source)
        return sum(batches.get_batch(i).num_rows for i in range(batches.num_record_batches))


def read_task(path: str) -> Task[Any]:
    """Read a task from a file; tables are memory-mapped, not copied."""
    if not _is_table(path):
        with open(path, "rb") as file:
            task = pickle.load(file)
        assert isinstance(task, Task)
        return task
    with pa.memory_map(os.fsencode(path)) as source:
        return _from_table(pa.ipc.open_file(source).read_all())


def read_source(paths: Sequence[str]) -> FileGroupTask | None:
    """What the rows of written tasks were read from, if it is known and the same for all."""
    found = [_source_in(path) for path in paths]
    slices = {() if source is None else source.slices for source in found}
    return found[0] if len(slices) == 1 else None


def _source_in(path: str) -> FileGroupTask | None:
    if not _is_table(path):
        return None
    with pa.memory_map(os.fsencode(path)) as file:
        stored = (pa.ipc.open_file(file).schema.metadata or {}).get(_SOURCE)
    source = None if stored is None else pickle.loads(stored)
    assert isinstance(source, FileGroupTask | None)
    return source


def read_table(path: str, rest: bytes) -> Task[Any]:
    """A task whose table is in a file of its own and everything else in ``rest``."""
    task: Task[Any] = pickle.loads(rest)
    with pa.memory_map(os.fsencode(path)) as source:
        task.__dict__["data"] = pa.ipc.open_file(source).read_all()
    return task


def without_data(task: Task[Any], **changes: Any) -> bytes:
    """Everything of a task but its data, pickled, with some fields changed."""
    bare = _without_data(task)
    bare.__dict__.update(changes)
    return pickled(bare)


def to_bytes(task: Task[Any]) -> bytes:
    """A task as bytes, for messages and ledger records."""
    buffer = io.BytesIO()
    write_task(task, buffer)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Task[Any]:
    """The inverse of :func:`to_bytes`."""
    if data[:6] == b"ARROW1":
        return _from_table(pa.ipc.open_file(pa.py_buffer(data)).read_all())
    task = pickle.loads(data)
    assert isinstance(task, Task)
    return task


def _is_table(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(6) == b"ARROW1"


def _without_data(task: Task[Any]) -> Task[Any]:
    bare: Task[Any] = object.__new__(type(task))
    bare.__dict__.update(task.__dict__, data=None)
    return bare


def _from_table(table: pa.Table) -> Task[Any]:
    metadata = dict(table.schema.metadata or {})
    task: Task[Any] = pickle.loads(metadata.pop(_KEY))
    metadata.pop(_SOURCE, None)
    task.__dict__["data"] = table.replace_schema_metadata(metadata or None)
    return task
