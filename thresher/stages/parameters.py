# SPDX-License-Identifier: Apache-2.0
"""Objects that remember the arguments they were made with.

Stages, filters and modifiers compare, print and are fingerprinted by these arguments; that is why
their constructors validate and store, and do nothing else.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, ClassVar, TypeVar

from thresher.secrets import masked

Self = TypeVar("Self", bound="Parametrised")

_ARGUMENTS = "_arguments"


class _Remembering:
    """Stands above :class:`Parametrised` so that signatures are those of constructors."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        taken = tuple(map(_taken, args)), {name: _taken(value) for name, value in kwargs.items()}
        instance.__dict__[_ARGUMENTS] = taken
        return instance


class Parametrised(_Remembering):
    """Base of classes whose instances compare and print as their constructor arguments.

    ``placement_parameters`` names those that say where, not what: work done stays good when they
    change.
    """

    placement_parameters: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        """Take no arguments; a subclass that takes some says so."""

    def parameters(self) -> dict[str, Any]:
        """Constructor arguments by name, as given; defaults are left out."""
        args, kwargs = self.__dict__.get(_ARGUMENTS, ((), {}))
        if not args:
            return dict(kwargs)
        try:
            bound = inspect.signature(type(self)).bind(*args, **kwargs)
        except (TypeError, ValueError):
            return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
        return dict(bound.arguments)

    def changes(self) -> dict[str, Any]:
        """What ``with_`` changed since construction, by name."""
        return {}

    def copy(self: Self, **attributes: Any) -> Self:
        """A shallow copy with some attributes set; constructor and pickling hooks are not run."""
        clone: Self = object.__new__(type(self))
        clone.__dict__.update(self.__dict__, **attributes)
        return clone

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Parametrised)
        return (self.parameters(), self.changes()) == (other.parameters(), other.changes())

    def __hash__(self) -> int:
        return hash(type(self).__qualname__)

    def __repr__(self) -> str:
        given = self.parameters().items()
        arguments = ", ".join(f"{name}={masked(value, name)!r}" for name, value in given)
        text = f"{type(self).__name__}({arguments})"
        changes = self.changes().items()
        changed = ", ".join(f"{name}={masked(value, name)!r}" for name, value in changes)
        return f"{text}.with_({changed})" if changed else text


def _taken(value: Any) -> Any:
    """The argument as it is now: the caller may go on using his list."""
    return copy.copy(value) if type(value) in (list, dict, set) else value
