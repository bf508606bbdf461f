# SPDX-License-Identifier: Apache-2.0
"""Parcels in Ray's object store; the driver owns them, so they outlive their worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from thresher.backends.parcel import INLINE_BYTES, Handed, Parcel
from thresher.runs.task_file import to_bytes
from thresher.tasks import DocumentBatch, Task


@dataclass(frozen=True)
class StoredParcel(Parcel):
    """A task in the object store: ``ref`` is its reference, ``node`` where it lies.

    In a worker's answer ``ref`` is the number of the object among those it has yielded.
    """

    ref: Any = None
    node: str = ""

    def open(self) -> Task[Any]:
        """The task inside, without copying where the object lies on this node."""
        from thresher.backends.ray.cluster import engine

        found: Task[Any] = engine("ray").get(self.ref)
        return found


class Yielding:
    """The packer of a worker: large tasks are kept for the generator that yields them."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.kept: list[Task[Any]] = []

    def pack(self, task: Task[Any]) -> Parcel:
        """Small tasks go with the answer, large ones into the object store."""
        size = task.data.nbytes if isinstance(task, DocumentBatch) else 0
        if size <= INLINE_BYTES:
            data = to_bytes(task)
            return Parcel(data=data, size=len(data))
        self.kept.append(task)
        return StoredParcel(ref=len(self.kept) - 1, size=size, node=self.node)

    def pack_joined(self, tasks: Iterable[Task[Any]], most: int) -> Iterator[Parcel]:
        """Join neighbouring batches first, into few objects."""
        for parcel in Handed().pack_joined(tasks, most):
            assert parcel.task is not None
            yield self.pack(parcel.task)

    def take(self) -> list[Task[Any]]:
        """What was kept since the last time."""
        kept, self.kept = self.kept, []
        return kept
