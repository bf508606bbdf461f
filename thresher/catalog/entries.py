# SPDX-License-Identifier: Apache-2.0
"""Entry and Catalog: what a recipe can name, and how it is found by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

from thresher.errors import PlanError

KINDS = ("stage", "filter", "modifier", "executor")

PART = "part"
"""The kind of what stages are made of, and that is only named inside them."""


@dataclass(frozen=True)
class Entry:
    """Something a recipe can name.

    Parameters
    ----------
    kind : str
        One of ``KINDS``, or ``PART``.
    module : str
        What to import, unless ``file`` is a recipe's own.
    summary : str
        First line of its docstring.
    own : bool
        Whether it comes from a single file that the recipe imports.
    missing : tuple[str, ...]
        Methods it leaves abstract; empty for all that are listed.
    """

    name: str
    kind: str
    module: str
    file: str
    line: int
    summary: str
    own: bool = False
    missing: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import it: a class, or a stage made by ``@processing_stage``."""
        if not self.own:
            return getattr(import_module(self.module), self.name)
        made = getattr(_import_file(self.module, self.file), self.name)
        return made if isinstance(made, type) else _detached(made)


@dataclass(frozen=True)
class Catalog:
    """Entries by name; ``unfinished`` are those that cannot be used for want of a method."""

    entries: Mapping[str, Entry]
    unfinished: Mapping[str, Entry] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def find(self, name: str, kinds: Iterable[str] = KINDS) -> Entry:
        """The entry of that name.

        Raises
        ------
        PlanError
            If there is none, with the nearest name of the ``kinds`` wanted.
        """
        if name in self.entries:
            return self.entries[name]
        if name in self.unfinished:
            entry = self.unfinished[name]
            raise PlanError(
                f"{name} cannot be used: it does not define {' or '.join(entry.missing)}",
                where=f"{entry.file}, line {entry.line}",
                todo=f"define {entry.missing[0]}",
            )
        wanted = tuple(kinds)
        known = {entry.name.lower(): entry.name for entry in self if entry.kind in wanted}
        near = get_close_matches(name.lower(), known, n=1)
        listing = f"`thresher list` shows every {_alternatives(wanted)} there is"
        raise PlanError(
            f"there is no {_alternatives(wanted)} called {name!r}",
            todo=f"did you mean {known[near[0]]}? {listing}" if near else listing,
        )

    def of_kind(self, *kinds: str) -> list[Entry]:
        """The entries of some kinds, by name."""
        return sorted((e for e in self if e.kind in kinds), key=lambda entry: entry.name)


_own_modules: dict[str, tuple[str, int]] = {}
"""Modules imported from single files: the file, and when it was changed last."""


def _import_file(module: str, file: str) -> Any:
    """Import a single file, or import it anew if it has changed.

    Workers get what it defines by value: they cannot find the file.
    """
    from importlib.util import module_from_spec, spec_from_file_location

    import cloudpickle

    state = (file, Path(file).stat().st_mtime_ns)
    if _own_modules.get(module) == state:
        return sys.modules[module]
    if module not in _own_modules:
        _refuse_other_module(module, file)
    spec = spec_from_file_location(module, file)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[module] = made
    try:
        spec.loader.exec_module(made)
    except BaseException:
        del sys.modules[module]
        raise
    cloudpickle.register_pickle_by_value(made)
    _own_modules[module] = state
    return made


def own_file(module: str) -> str | None:
    """The single file that a recipe imported as ``module``; None for all other modules."""
    return _own_modules.get(module, (None, 0))[0]


def _detached(stage: Any) -> Any:
    """A stage made of a function, with a function that no module holds.

    It would otherwise travel as the name of a module that workers cannot import.
    """
    there = stage.function
    code, scope, name = there.__code__, there.__globals__, there.__name__
    function = FunctionType(code, scope, name, there.__defaults__, there.__closure__)
    function.__dict__.update(there.__dict__, __module__=there.__module__)
    return stage.copy(function=function)


def _refuse_other_module(module: str, file: str) -> None:
    """A file must not stand in for a module that others import."""
    from importlib.util import find_spec

    there = sys.modules.get(module)
    spec = getattr(there, "__spec__", None) if there is not None else find_spec(module)
    origin = getattr(there, "__file__", None) or getattr(spec, "origin", None)
    if origin is not None and origin != file:
        raise PlanError(
            f"the file would be imported as {module!r}, which is another module",
            where=file,
            todo="rename the file",
        )


def _alternatives(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
