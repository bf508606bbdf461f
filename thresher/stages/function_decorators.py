# SPDX-License-Identifier: Apache-2.0
"""@processing_stage: a function as a stage."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from thresher.errors import PlanError
from thresher.stages.base import Determinism, ProcessingStage, Rows
from thresher.stages.resources import Resources
from thresher.tasks import Task

Function = Callable[[Any], Any]


class FunctionStage(ProcessingStage[Any, Any]):
    """A stage whose work is one function of one task."""

    placement_parameters = frozenset(("resources", "batch_size"))

    def __init__(
        self,
        function: Function,
        name: str,
        resources: Resources,
        batch_size: int | None,
        rows: Rows,
        determinism: Determinism,
    ) -> None:
        self.function = function
        self.name = name
        self.resources = resources
        self.batch_size = batch_size
        self.__dict__["rows"] = rows
        self.__dict__["determinism"] = determinism
        self.__doc__ = function.__doc__

    def process(self, task: Task[Any]) -> Any:
        """Call the function; ``None`` filters the task out."""
        return self.function(task)

    def __call__(self, task: Task[Any]) -> Any:
        """Call the function as it was written; handy in tests."""
        return self.function(task)

    def __reduce__(self) -> Any:
        # The decorated name is bound to this stage, so the plain function cannot be pickled by
        # reference; the stage as a whole can.
        module = inspect.getmodule(self.function)
        qualname = getattr(self.function, "__qualname__", "")
        bound = getattr(module, qualname, None) if module is not None else None
        importable = module is not None and module.__name__ != "__main__"
        if importable and isinstance(bound, FunctionStage) and bound.function is self.function:
            assert module is not None
            return (_restore, (module.__name__, qualname, self.changes()))
        return super().__reduce__()


def _restore(module: str, qualname: str, changes: dict[str, Any]) -> FunctionStage:
    """Find a decorated stage again by the name it is bound to."""
    from importlib import import_module

    stage = getattr(import_module(module), qualname)
    assert isinstance(stage, FunctionStage)
    return stage.with_(**changes) if changes else stage


def processing_stage(
    *,
    name: str,
    resources: Resources | dict[str, Any] | None = None,
    batch_size: int | None = None,
    rows: Rows = "any",
    determinism: Determinism = "exact",
) -> Callable[[Function], FunctionStage]:
    """Make a stage of a function of one task that returns a task, a list of tasks or None.

    Parameters
    ----------
    name : str
        The stage's name.
    resources : Resources | dict | None
        What a worker needs; one CPU when not given.
    batch_size : int | None
        Tasks per call; the executor decides when not given.
    rows, determinism
        Facts about the function; see :class:`ProcessingStage`.

    Raises
    ------
    PlanError
        If the function does not take exactly one argument.
    """
    needs = Resources(**resources) if isinstance(resources, dict) else resources or Resources()

    def decorate(function: Function) -> FunctionStage:
        parameters = inspect.signature(function).parameters
        if len(parameters) != 1:
            raise PlanError(
                f"{function.__name__} takes {len(parameters)} arguments; a stage's function takes "
                "exactly one, the task",
                where=f"@processing_stage(name={name!r})",
                todo="give other values through a closure or a ProcessingStage subclass",
            )
        return FunctionStage(function, name, needs, batch_size, rows, determinism)

    return decorate
