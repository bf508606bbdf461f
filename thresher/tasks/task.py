# SPDX-License-Identifier: Apache-2.0
"""Task: an immutable payload and where it came from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from thresher.errors import StageError
from thresher.stats import StagePerfStats

T = TypeVar("T")
Self = TypeVar("Self", bound="Task[Any]")


@dataclass(frozen=True, eq=False)
class Task(ABC, Generic[T]):
    """A payload on its way through a pipeline.

    Parameters
    ----------
    dataset_name : str
        The data set it belongs to; for files the name of their folder.
    data : T
        The payload. Never changed in place: see :meth:`with_data`.

    Notes
    -----
    ``task_id`` is set by the runner: the name of the part the task descends from and, after a
    fan-out, its place in the part's tree. Stages do not set it.
    """

    dataset_name: str
    data: T
    _stage_perf: list[StagePerfStats] = field(default_factory=list, repr=False)
    _metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    task_id: str = field(default="", init=False)

    @property
    @abstractmethod
    def num_items(self) -> int:
        """How many items (rows, files, images) the payload holds."""

    def validate(self) -> bool:
        """Whether the payload is what its class promises."""
        return True

    def with_data(self: Self, data: Any) -> Self:
        """A copy with another payload; metadata, statistics and id are kept."""
        return self.evolve(data=data)

    def evolve(self: Self, **changes: Any) -> Self:
        """A shallow copy with some fields replaced; unknown names are refused."""
        known = {*self.__dataclass_fields__, *self.__dict__}
        unknown = [name for name in changes if name not in known]
        if unknown:
            raise StageError(f"{type(self).__name__} has no field {unknown[0]!r}")
        copy = object.__new__(type(self))
        perf = list(self._stage_perf)  # what is added to the copy is not added to the original
        copy.__dict__.update(self.__dict__, **{"_stage_perf": perf, **changes})
        normalise = getattr(copy, "_normalise", None)
        if normalise is not None and "data" in changes:
            normalise()
        return copy

    def add_stage_perf(self, stats: StagePerfStats) -> None:
        """Append one stage's statistics."""
        self._stage_perf.append(stats)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(task_id={self.task_id!r}, dataset_name={self.dataset_name!r})"
        )


class EmptyTask(Task[None]):
    """The task a pipeline without inputs starts from."""

    def __init__(self) -> None:
        super().__init__(dataset_name="empty", data=None)
        object.__setattr__(self, "task_id", "0")

    @property
    def num_items(self) -> int:
        """Always 0."""
        return 0
