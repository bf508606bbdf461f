# SPDX-License-Identifier: Apache-2.0
"""Where sources are: files of the package, of plug-ins and of a recipe's imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from thresher.errors import PlanError

DECORATOR = "processing_stage"

# Where the package keeps what a recipe can name.
ROOMS = ("stages", "backends")

PACKAGE = "thresher"
ENTRY_POINTS = "thresher.stages"

_HEADER = re.compile(r"^class (\w+)\s*\(([^)]*)", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Source:
    """A file, parsed when it is asked for."""

    module: str
    path: Path
    own: bool = False

    @cached_property
    def text(self) -> str:
        """The whole file."""
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise PlanError(
                f"cannot read Python source: {error}", where=str(self.path), todo="mend the file"
            ) from error

    @cached_property
    def headers(self) -> dict[str, frozenset[str]]:
        """The words between the brackets of each class at the left margin."""
        found = _HEADER.findall(self.text)
        return {name: frozenset(_WORD.findall(bases)) for name, bases in found}

    @property
    def class_names(self) -> frozenset[str]:
        """The classes at the left margin that have bases."""
        return frozenset(self.headers)

    @cached_property
    def tree(self) -> ast.Module:
        """The parse tree."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            raise PlanError(
                f"cannot read Python source: {error}",
                where=str(self.path) + (f", line {line}" if line else ""),
                todo="mend the file",
            ) from error


def package_sources() -> Iterator[Source]:
    """The package's own files that may hold something to name."""
    root = Path(__file__).parent.parent
    for room in ROOMS:
        yield from _folder_sources(f"{PACKAGE}.{room}", root / room)


def _folder_sources(package: str, folder: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).with_suffix("").parts
        names = inside[:-1] if inside[-1] == "__init__" else inside
        yield Source(".".join((package, *names)), path)


def plug_in_sources() -> Iterator[Source]:
    """The files of installed plug-ins."""
    from importlib.metadata import entry_points

    found = entry_points(group=ENTRY_POINTS)
    for module in sorted({point.value.partition(":")[0].strip() for point in found}):
        yield from _module_sources(module, "plug-in")


def _module_sources(module: str, what: str) -> list[Source]:
    """A module's source, or those of all modules in a package; nothing is imported."""
    inside = Path(*module.split("."))
    # A script's folder is on sys.path, a command's is not: "" stands for the current directory.
    for root in dict.fromkeys((*sys.path, "")):
        if (Path(root) / inside / "__init__.py").is_file():
            return list(_folder_sources(module, Path(root) / inside))
        path = (Path(root) / inside).with_suffix(".py")
        if path.is_file():
            return [Source(module, path)]
    raise PlanError(
        f"the {what} {module!r} is not found",
        todo="name a .py file, or a module that is installed or in the current directory",
    )


def _file_source(name: str, folder: str) -> Source:
    for place in dict.fromkeys((folder, "")):
        path = (Path(place) / name).resolve()
        if path.is_file():
            return Source(path.stem, path, own=True)
    raise PlanError(
        f"the import {name!r} is not found",
        todo="give its path from the recipe's folder or from the current directory",
    )


def import_sources(name: str, folder: str = "") -> list[Source]:
    """The sources of a module, package or ``.py`` file that a recipe imports.

    Raises
    ------
    PlanError
        If it is not found.
    """
    return [_file_source(name, folder)] if name.endswith(".py") else _module_sources(name, "import")
