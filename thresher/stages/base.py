# SPDX-License-Identifier: Apache-2.0
"""Stage: turns one task into one, several or none, and declares facts about itself."""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any, ClassVar, Generic, Literal, TypeVar

from thresher.errors import PlanError, StageError
from thresher.stages.parameters import Parametrised
from thresher.stages.resources import Resources
from thresher.tasks import Task

X = TypeVar("X", bound=Task[Any])
Y = TypeVar("Y", bound=Task[Any])
Self = TypeVar("Self", bound="ProcessingStage[Any, Any]")
Composite = TypeVar("Composite", bound="CompositeStage[Any, Any]")

Rows = Literal["same", "subset", "expand", "merge", "any"]
Determinism = Literal["exact", "rounded", "none"]
Columns = tuple[list[str], list[str]]

TEXT, NUMBER = "text", "number"
"""What a stage may declare of a column it reads; see :meth:`ProcessingStage.input_kinds`."""

ROW_WISE = frozenset(("same", "subset", "expand"))
_KEEP: Any = object()
_PLACEMENT = ("name", "resources", "batch_size", "runtime_env")


@dataclass(frozen=True)
class NodeInfo:
    """The machine a worker runs on."""

    node_id: str = ""


@dataclass(frozen=True)
class Collective:
    """A worker's place among those that run a stage together.

    Parameters
    ----------
    rank : int
        From 0; what rank 0 answers counts.
    world_size : int
        How many there are.
    address : str
        ``host:port`` of rank 0, free for a store such as torch's ``tcp://`` rendezvous.
    """

    rank: int
    world_size: int
    address: str


@dataclass(frozen=True)
class WorkerMetadata:
    """The worker a stage is set up in; ``collective`` is None unless the stage asks for it."""

    worker_id: str = ""
    allocation: Any = None
    collective: Collective | None = None


class ProcessingStage(Parametrised, ABC, Generic[X, Y]):
    """One step of work on tasks.

    Subclasses define :meth:`process` (or :meth:`process_batch`) and declare what is true of them:

    - ``rows``: what happens to rows. ``"same"`` keeps every row in order, ``"subset"`` drops some,
      ``"expand"`` makes several of one, ``"merge"`` one of several, ``"any"`` promises nothing.
      The first three work row by row: an error is narrowed down to the row that raised it, and
      tasks that are made of one may be joined again.
    - ``determinism``: ``"exact"``, ``"rounded"`` (float models) or ``"none"`` (network, LLM).
    - ``version``: raised when behaviour changes, so that resuming re-runs what it must.
    - ``gil_free``: true if the work releases the GIL, so that threads serve it.
    - ``whole_parts``: true if it must be given all batches of a part at once, joined into one.
    - ``isolation``: ``"process"`` runs the stage where a crash cannot take anything else along.
    - ``collective``: true if its ``num_workers()`` workers work on every task together. They start
      together, :meth:`setup` tells each its :class:`Collective`, all are given the same tasks, and
      the answers of rank 0 count.

    Constructors validate and store and do nothing else; models load in :meth:`setup`.
    """

    name: str = ""
    resources: Resources = Resources(cpus=1.0)
    batch_size: int | None = 1
    runtime_env: dict[str, Any] | None = None
    _num_workers: int | None

    rows: ClassVar[Rows] = "any"
    determinism: ClassVar[Determinism] = "exact"
    version: ClassVar[str] = "1"
    gil_free: ClassVar[bool] = False
    whole_parts: ClassVar[bool] = False
    isolation: ClassVar[Literal["process", "none"]] = "none"
    collective: ClassVar[bool] = False
    is_source_stage: ClassVar[bool] = False
    is_sink_stage: ClassVar[bool] = False
    is_resumable: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for attribute in _PLACEMENT:
            if isinstance(cls.__dict__.get(attribute), property):
                raise TypeError(
                    f"{cls.__name__}.{attribute} is a property; make it a class attribute, or set "
                    f"it in __init__, so that with_({attribute}=...) can change it"
                )
        own = cls.__dict__.get("num_workers")
        if own is not None and not callable(own):
            raise TypeError(
                f"{cls.__name__}.num_workers is an attribute; it is a method: def num_workers(self)"
            )
        if own is not None:
            type.__setattr__(cls, "num_workers", _unless_chosen(own))
        if not cls.__dict__.get("name") and "name" not in cls.__dict__:
            cls.name = cls.__name__

    # -- work ---------------------------------------------------------------------------------

    def process(self, task: X) -> Y | list[Y] | None:
        """Turn one task into one, several (a list) or none (``None``)."""
        raise StageError(
            f"{type(self).__name__} defines neither process nor process_batch",
            where=f"stage {self.name!r}",
            todo="define process(self, task)",
        )

    def process_batch(self, tasks: list[X]) -> Sequence[Y | list[Y] | None]:
        """Turn up to ``batch_size`` tasks into one answer each, in the same order."""
        return [self.process(task) for task in tasks]

    def setup_on_node(
        self, node_info: NodeInfo | None = None, worker_metadata: WorkerMetadata | None = None
    ) -> None:
        """Prepare a machine, once: fetch weights, unpack archives."""

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Prepare a worker, once: load models."""

    def teardown(self) -> None:
        """Release what :meth:`setup` took."""

    # -- facts --------------------------------------------------------------------------------

    def inputs(self) -> Columns:
        """(task attributes, columns) the stage needs; no columns named means all may be read."""
        return [], []

    def outputs(self) -> Columns:
        """(task attributes, columns) the stage adds or changes."""
        return [], []

    def input_kinds(self) -> dict[str, str]:
        """Which of its input columns hold nothing but ``"text"``, or nothing but ``"number"``.

        A record with another value there is set aside as it is read; null is fine.
        """
        return {}

    def num_workers(self) -> int | None:
        """How many workers to run; ``None`` lets the executor decide."""
        chosen: int | None = self.__dict__.get("_num_workers")
        return chosen

    def ray_stage_spec(self) -> dict[str, Any]:
        """Options for Ray executors."""
        return dict(self.__dict__.get("_ray_stage_spec", {}))

    def xenna_stage_spec(self) -> dict[str, Any]:
        """Options for the Xenna executor."""
        return dict(self.__dict__.get("_xenna_stage_spec", {}))

    def supports_batch_processing(self) -> bool:
        """Whether the class defines :meth:`process_batch` itself."""
        return type(self).process_batch is not ProcessingStage.process_batch

    def kernels(self) -> Sequence[str]:
        """Modules of :mod:`thresher.kernels` that it calls, to be compiled before they are."""
        return ()

    def task_types(self) -> tuple[type[Task[Any]] | None, type[Task[Any]] | None]:
        """(input, output) task classes named in ``ProcessingStage[X, Y]``; None where unknown."""
        for base in type(self).__mro__:
            for origin in base.__dict__.get("__orig_bases__", ()):
                kind, arguments = typing.get_origin(origin), typing.get_args(origin)
                if isinstance(kind, type) and issubclass(kind, ProcessingStage):
                    takes, gives = arguments
                    return _task_type(takes), _task_type(gives)
        return None, None

    def as_stage(self) -> ProcessingStage[Any, Any]:
        """The stage itself: what a pipeline calls on everything it is given."""
        return self

    # -- placement ----------------------------------------------------------------------------

    def with_(
        self: Self,
        name: str | None = None,
        resources: Resources | None = None,
        batch_size: int | None = None,
        runtime_env: dict[str, Any] | None = None,
        ray_stage_spec: dict[str, Any] | None = None,
        xenna_stage_spec: dict[str, Any] | None = None,
        num_workers: int | None = _KEEP,
    ) -> Self:
        """A shallow copy placed or named differently; ``None`` keeps what is there.

        ``num_workers=None`` resets to "the executor decides". The two spec dicts are merged into
        those the stage has.
        """
        if xenna_stage_spec and "num_workers" in xenna_stage_spec:
            raise PlanError(
                "xenna_stage_spec has no key 'num_workers'",
                where=f"stage {self.name!r}",
                todo="use with_(num_workers=...)",
            )
        given = dict(zip(_PLACEMENT, (name, resources, batch_size, runtime_env), strict=True))
        changed: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        if batch_size is not None and batch_size < 1:
            raise PlanError(
                f"batch_size={batch_size} is not 1 or more", where=f"stage {self.name!r}"
            )
        if ray_stage_spec is not None:
            changed["_ray_stage_spec"] = {**self.ray_stage_spec(), **ray_stage_spec}
        if xenna_stage_spec is not None:
            changed["_xenna_stage_spec"] = {**self.xenna_stage_spec(), **xenna_stage_spec}
        if num_workers is not _KEEP:
            changed["_num_workers"] = num_workers
        earlier: dict[str, Any] = self.__dict__.get("_changes", {})
        told = {key.lstrip("_"): value for key, value in changed.items()}
        return self.copy(**changed, _changes={**earlier, **told})

    def changes(self) -> dict[str, Any]:
        """What ``with_`` changed, by name."""
        return dict(self.__dict__.get("_changes", {}))

    # -- metrics ------------------------------------------------------------------------------

    def _log_metric(self, name: str, value: float) -> None:
        """Add ``value`` to the metric ``name`` of the running call."""
        metrics: dict[str, float] = self.__dict__.setdefault("_metrics", {})
        metrics[name] = metrics.get(name, 0.0) + float(value)

    def _log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add several metrics."""
        for name, value in metrics.items():
            self._log_metric(name, value)

    @contextmanager
    def _time_metric(self, name: str) -> Iterator[None]:
        """Add the seconds the block takes to the metric ``name``."""
        start = perf_counter()
        try:
            yield
        finally:
            self._log_metric(name, perf_counter() - start)

    def _still_working(self) -> None:
        """Tell the run that a call goes on; for stages whose calls take minutes."""
        tell: Callable[[], None] | None = self.__dict__.get("_tell")
        if tell is not None:
            tell()

    @contextmanager
    def _reporting(self, tell: Callable[[], None]) -> Iterator[None]:
        """While the block runs, :meth:`_still_working` calls ``tell``; set by the runner."""
        self.__dict__["_tell"] = tell
        try:
            yield
        finally:
            self.__dict__.pop("_tell", None)

    def _consume_custom_metrics(self) -> dict[str, float]:
        """Return and forget the metrics logged so far; called by the runner."""
        metrics: dict[str, float] = self.__dict__.pop("_metrics", {})
        return metrics


def _task_type(declared: Any) -> type[Task[Any]] | None:
    kind = typing.get_origin(declared) or declared
    return kind if isinstance(kind, type) and issubclass(kind, Task) else None


def _unless_chosen(own: Callable[[Any], int | None]) -> Callable[[Any], int | None]:
    """A class's own ``num_workers``, which gives way to ``with_(num_workers=...)``."""

    @wraps(own)
    def num_workers(self: ProcessingStage[Any, Any]) -> int | None:
        return self._num_workers if "_num_workers" in self.__dict__ else own(self)

    return num_workers


class CompositeStage(ProcessingStage[X, Y]):
    """A stage made of others; composites may hold composites."""

    @abstractmethod
    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        """The stages this one stands for."""

    def inputs(self) -> Columns:
        """What the first substage needs."""
        return self.decompose()[0].inputs()

    def outputs(self) -> Columns:
        """What the last substage gives."""
        return self.decompose()[-1].outputs()

    def get_description(self) -> str:
        """One line about what the composite does."""
        return (type(self).__doc__ or type(self).__name__).strip().partition("\n")[0]

    def with_(self: Composite, *args: Any, **kwargs: Any) -> Composite:
        """A copy with another ``name``; everything else belongs to a substage."""
        changed = super().with_(*args, **kwargs)
        refused = sorted(set(changed.changes()) - {"name", "substages"})
        if refused:
            names = ", ".join(stage.name for stage in self.decompose())
            raise PlanError(
                f"{type(self).__name__} is made of others and has no {refused[0]} of its own",
                where=f"stage {self.name!r}",
                todo=f"use with_substages({{name: {{{refused[0]!r}: ...}}}}) with one of {names}",
            )
        return changed

    def with_substages(self: Composite, changes: Mapping[str, Mapping[str, Any]]) -> Composite:
        """A copy whose substages, named by their ``name``, are changed by ``with_(**kwargs)``."""
        earlier: dict[str, dict[str, Any]] = self.__dict__.get("_substage_changes", {})
        merged = {name: dict(kwargs) for name, kwargs in earlier.items()}
        for name, kwargs in changes.items():
            merged[name] = {**merged.get(name, {}), **kwargs}
        told = {**self.changes(), "substages": merged}
        return self.copy(_substage_changes=merged, _changes=told)

    def expand(self) -> list[ProcessingStage[Any, Any]]:
        """All simple stages inside, in order, with the changes to them applied."""
        changes: dict[str, dict[str, Any]] = self.__dict__.get("_substage_changes", {})
        substages = [part.as_stage() for part in self.decompose()]
        names = [substage.name for substage in substages]
        for name in changes:
            if names.count(name) != 1:
                raise PlanError(
                    f"{type(self).__name__} has {names.count(name)} substages named {name!r}",
                    where=f"stage {self.name!r}",
                    todo=f"its substages are {', '.join(names)}",
                )
        expanded: list[ProcessingStage[Any, Any]] = []
        for substage in substages:
            changed = (
                substage.with_(**changes[substage.name]) if substage.name in changes else substage
            )
            if isinstance(changed, CompositeStage):
                expanded += changed.expand()
            else:
                expanded.append(changed)
        return expanded
