# SPDX-License-Identifier: Apache-2.0
"""Entry and Catalog: what a recipe can name, and how it is found by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from thresher.errors import PlanError

KINDS = ("stage", "filter", "modifier", "executor")


@dataclass(frozen=True)
class Entry:
    """Something a recipe can name.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
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
        module = _import_file(self.module, self.file) if self.own else import_module(self.module)
        return getattr(module, self.name)


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


@cache
def _import_file(module: str, file: str) -> Any:
    """Import a single file. Workers get what it defines by value: they cannot find the file."""
    from importlib.util import module_from_spec, spec_from_file_location

    import cloudpickle

    if getattr(sys.modules.get(module), "__file__", file) != file:
        raise PlanError(
            f"the file would be imported as {module!r}, which is another module",
            where=file,
            todo="rename the file",
        )
    if module in sys.modules:
        return sys.modules[module]
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
    return made


def _alternatives(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
