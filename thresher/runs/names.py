# SPDX-License-Identifier: Apache-2.0
"""Names of the files that parts make: readable, and never the name of another part's file."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FURTHER = re.compile(r"(.*?)(-+)(\d+)", re.DOTALL)


class OutputNames:
    """Names of output files, given the names of all parts.

    A part's first file has the part's name, further ones ``-0001`` and so on behind it; with more
    hyphens where that could be another part's file.
    """

    def __init__(self, parts: Iterable[str] = ()) -> None:
        self._parts = dict.fromkeys(parts)
        self._by_suffix: dict[str, _Taken] = {}

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def name(self, part: str, index: int, extension: str) -> str:
        """Name of the ``index``-th file of a part."""
        suffix = f".{extension}" if extension else ""
        stem = _stem(part, suffix)
        if not index:
            return f"{stem}{suffix}"
        hyphens = self._taken(suffix).hyphens(stem)
        return f"{stem}{'-' * hyphens}{index:04d}{suffix}"

    def is_of_another(self, name: str, part: str, extension: str) -> bool:
        """Whether a file of another part than ``part`` is, or may come to be, called so."""
        suffix = f".{extension}" if extension else ""
        owner = self._taken(suffix).owner(_stem(name, suffix)) if name.endswith(suffix) else None
        return owner is not None and owner != _stem(part, suffix)

    def _taken(self, suffix: str) -> _Taken:
        if suffix not in self._by_suffix:
            self._by_suffix[suffix] = _Taken(_stem(name, suffix) for name in self._parts)
        return self._by_suffix[suffix]


class _Taken:
    """Stems of names that parts have.

    Stems that differ in hyphens at their end only get the same number of further ones, and so keep
    differing.
    """

    def __init__(self, stems: Iterable[str]) -> None:
        self._ends: dict[str, set[int]] = {}
        self._numbered: set[tuple[str, int]] = set()
        for stem in stems:
            base = stem.rstrip("-")
            self._ends.setdefault(base, set()).add(len(stem) - len(base))
            if match := _FURTHER.fullmatch(stem):
                self._numbered.add((match[1], len(match[2])))

    def hyphens(self, stem: str) -> int:
        """How many stand before the number of a further file."""
        base = stem.rstrip("-")
        ends = self._ends.get(base, set()) | {len(stem) - len(base)}
        count = 1
        while any((base, end + count) in self._numbered for end in ends):
            count += 1
        return count

    def owner(self, stem: str) -> str | None:
        """The stem of the part whose first or further file has this stem."""
        base = stem.rstrip("-")
        if len(stem) - len(base) in self._ends.get(base, ()):
            return stem
        match = _FURTHER.fullmatch(stem)
        if match is None or not int(match[3]) or match[3] != f"{int(match[3]):04d}":
            return None
        for end in self._ends.get(match[1], ()):
            owner = match[1] + "-" * end
            if end + self.hyphens(owner) == len(match[2]):
                return owner
        return None


def _stem(part: str, suffix: str) -> str:
    return part[: -len(suffix)] if suffix and part.endswith(suffix) else part
