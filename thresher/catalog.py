# SPDX-License-Identifier: Apache-2.0
"""An index of everything a recipe can name, read from source and imported on use.

Classes are found by parsing files, never by importing them: looking a name up stays cheap however
many models and libraries the other classes need. A class is listed when it descends from one of
``ROOTS``, is public, and leaves nothing abstract.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from thresher.errors import PlanError

KINDS = ("stage", "filter", "modifier", "executor")

ROOTS = {
    "ProcessingStage": "stage",
    "Judge": "filter",
    "DocumentModifier": "modifier",
    "BaseExecutor": "executor",
}

# A stage need not define `process` (it may define `process_batch`), so neither is abstract.
WORK = frozenset(("process", "process_batch", "decompose"))

# Where the package keeps what a recipe can name.
ROOMS = ("stages", "backends")

# Made by a decorator, never by name.
UNNAMED = frozenset(("FunctionStage",))

DECORATOR = "processing_stage"


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
def catalog(imports: tuple[str, ...] = (), folder: str = "") -> Catalog:
    """The catalog of the package, installed plug-ins and a recipe's ``imports``.

    Parameters
    ----------
    imports : tuple[str, ...]
        Modules, packages or ``.py`` files.
    folder : str
        Where ``.py`` files are looked for before the current directory.

    Raises
    ------
    PlanError
        If an import is not found or does not parse, or two public classes share a name.
    """
    sources = list(_package_sources())
    sources += [source for each in _plug_ins() for source in _module_sources(each, "plug-in")]
    for each in imports:
        if each.endswith(".py"):
            sources.append(_file_source(each, folder))
        else:
            sources += _module_sources(each, "import")
    return _Index(sources).catalog()


# -- where sources are ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    module: str
    path: Path
    own: bool = False

    @cached_property
    def tree(self) -> ast.Module | None:
        try:
            text = self.path.read_text(encoding="utf-8")
            return ast.parse(text) if "class " in text or DECORATOR in text else None
        except (OSError, SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            raise PlanError(
                f"cannot read Python source: {error}",
                where=str(self.path) + (f", line {line}" if line else ""),
                todo="mend the file",
            ) from error


def _package_sources() -> Iterator[_Source]:
    root = Path(__file__).parent
    for room in ROOMS:
        yield from _folder_sources(f"{__package__}.{room}", root / room)


def _folder_sources(package: str, folder: Path) -> Iterator[_Source]:
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).with_suffix("").parts
        names = inside[:-1] if inside[-1] == "__init__" else inside
        yield _Source(".".join((package, *names)), path)


def _plug_ins() -> list[str]:
    from importlib.metadata import entry_points

    found = entry_points(group="thresher.stages")
    return sorted({point.value.partition(":")[0].strip() for point in found})


def _module_sources(module: str, what: str) -> list[_Source]:
    """A module's source, or those of all modules in a package; nothing is imported."""
    inside = Path(*module.split("."))
    # A script's folder is on sys.path, a command's is not: "" stands for the current directory.
    for root in dict.fromkeys((*sys.path, "")):
        if (Path(root) / inside / "__init__.py").is_file():
            return list(_folder_sources(module, Path(root) / inside))
        path = (Path(root) / inside).with_suffix(".py")
        if path.is_file():
            return [_Source(module, path)]
    raise PlanError(
        f"the {what} {module!r} is not found",
        todo="name a .py file, or a module that is installed or in the current directory",
    )


def _file_source(name: str, folder: str) -> _Source:
    for place in dict.fromkeys((folder, "")):
        path = (Path(place) / name).resolve()
        if path.is_file():
            return _Source(path.stem, path, own=True)
    raise PlanError(
        f"the import {name!r} is not found",
        todo="give its path from the recipe's folder or from the current directory",
    )


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


# -- what sources define -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Class:
    """What the parse tree tells of one class."""

    source: _Source
    node: ast.ClassDef

    @property
    def bases(self) -> list[str]:
        """Base classes by their last name: ``a.Base[X, Y]`` is ``Base``."""
        nodes = [b.value if isinstance(b, ast.Subscript) else b for b in self.node.bases]
        return [
            n.attr if isinstance(n, ast.Attribute) else n.id
            for n in nodes
            if isinstance(n, ast.Attribute | ast.Name)
        ]

    @cached_property
    def methods(self) -> dict[str, bool]:
        """Names the body defines, and whether each is abstract."""
        defined: dict[str, bool] = {}
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                defined[node.name] = any("abstract" in ast.unparse(d) for d in node.decorator_list)
            elif isinstance(node, ast.Assign):
                defined |= {t.id: False for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                # Without a value it only tells a type.
                defined |= {node.target.id: False} if node.value is not None else {}
        return defined


class _Index:
    """All classes of all sources, by name."""

    def __init__(self, sources: Iterable[_Source]) -> None:
        self.classes: dict[str, list[_Class]] = {}
        self.functions: list[tuple[_Source, ast.FunctionDef]] = []
        for source in sources:
            for node in source.tree.body if source.tree else ():
                if isinstance(node, ast.ClassDef):
                    self.classes.setdefault(node.name, []).append(_Class(source, node))
                elif isinstance(node, ast.FunctionDef) and _is_decorated(node):
                    self.functions.append((source, node))

    def catalog(self) -> Catalog:
        """The public entries; names are unique."""
        entries: dict[str, Entry] = {}
        unfinished: dict[str, Entry] = {}
        for entry in self._entries():
            target = unfinished if entry.missing else entries
            other = target.setdefault(entry.name, entry)
            if other is not entry and (other.file, other.line) != (entry.file, entry.line):
                raise PlanError(
                    f"two classes are called {entry.name!r}",
                    where=f"{other.file}, line {other.line} and {entry.file}, line {entry.line}",
                    todo="rename one of them",
                )
        return Catalog(entries, unfinished)

    def _entries(self) -> Iterator[Entry]:
        for source, function in self.functions:
            yield _entry(source, function, "stage")
        for classes in self.classes.values():
            for each in classes:
                name = each.node.name
                if name.startswith("_") or name in ROOTS or name in UNNAMED:
                    continue
                line = list(self._ancestry(each))
                kind = next((k for c in line for b in c.bases if (k := ROOTS.get(b))), None)
                if kind is not None:
                    yield _entry(each.source, each.node, kind, self._missing(line, kind))

    def _ancestry(self, each: _Class) -> Iterator[_Class]:
        """The class and its bases, nearest first; the roots' bases are of no interest."""
        seen: set[tuple[str, str]] = set()
        waiting = [each]
        while waiting:
            here = waiting.pop(0)
            key = (here.source.module, here.node.name)
            if key in seen:
                continue
            seen.add(key)
            yield here
            for base in here.bases:
                known = self.classes.get(base, [])
                beside = [c for c in known if c.source.module == here.source.module]
                waiting += (beside or known)[:1]

    def _missing(self, line: list[_Class], kind: str) -> tuple[str, ...]:
        """What a class leaves undefined."""
        defined: set[str] = set()
        abstract: list[str] = []
        for each in line:
            for name, is_abstract in each.methods.items():
                if is_abstract and name not in defined:
                    abstract.append(name)
                elif not is_abstract and each.node.name not in ROOTS:
                    defined.add(name)
        works = kind != "stage" or WORK & defined
        return tuple(dict.fromkeys(abstract)) if works or abstract else ("process", "process_batch")


def _entry(
    source: _Source,
    node: ast.ClassDef | ast.FunctionDef,
    kind: str,
    missing: tuple[str, ...] = (),
) -> Entry:
    summary = (ast.get_docstring(node) or "").partition("\n")[0].strip()
    file = str(source.path)
    return Entry(node.name, kind, source.module, file, node.lineno, summary, source.own, missing)


def _is_decorated(node: ast.FunctionDef) -> bool:
    return any(DECORATOR in ast.unparse(decorator) for decorator in node.decorator_list)


def _alternatives(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
