# SPDX-License-Identifier: Apache-2.0
"""What sources define: classes by their bases, told apart by kind."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from thresher.catalog.entries import PART, Catalog, Entry
from thresher.catalog.sources import DECORATOR, Source
from thresher.errors import PlanError

ROOTS = {
    "ProcessingStage": "stage",
    "Judge": "filter",
    "DocumentModifier": "modifier",
    "BaseExecutor": "executor",
    "URLGenerator": PART,
    "DocumentDownloader": PART,
    "DocumentIterator": PART,
    "DocumentExtractor": PART,
}

# A stage need not define `process` (it may define `process_batch`), so neither is abstract.
WORK = frozenset(("process", "process_batch", "decompose"))

# Made by a decorator, never by name.
UNNAMED = frozenset(("FunctionStage",))


@dataclass(frozen=True)
class _Class:
    """What the parse tree tells of one class."""

    source: Source
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


class Index:
    """All classes of all sources, by name."""

    def __init__(self, sources: Iterable[Source]) -> None:
        sources = list(sources)
        descendants = _descendants(sources)
        self.classes: dict[str, list[_Class]] = {}
        self.functions: list[tuple[Source, ast.FunctionDef]] = []
        for source in sources:
            # Parsing takes most of the time, so files without a class of ours are not parsed.
            if not (source.own or source.class_names & descendants or DECORATOR in source.text):
                continue
            for node in source.tree.body:
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


def _descendants(sources: list[Source]) -> frozenset[str]:
    """Names of all classes that may descend from a root, as far as their headers' words tell."""
    found: set[str] = set(ROOTS)
    size = 0
    while len(found) > size:
        size = len(found)
        for source in sources:
            found |= {name for name, words in source.headers.items() if words & found}
    return frozenset(found)


def _entry(
    source: Source,
    node: ast.ClassDef | ast.FunctionDef,
    kind: str,
    missing: tuple[str, ...] = (),
) -> Entry:
    summary = (ast.get_docstring(node) or "").partition("\n")[0].strip()
    file = str(source.path)
    return Entry(node.name, kind, source.module, file, node.lineno, summary, source.own, missing)


def _is_decorated(node: ast.FunctionDef) -> bool:
    return any(DECORATOR in ast.unparse(decorator) for decorator in node.decorator_list)
