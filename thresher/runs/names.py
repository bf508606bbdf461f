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
        self._parts = tuple(parts)
        self._by_suffix: dict[str, _Taken] = {}

    def name(self, part: str, index: int, extension: str) -> str:
        """Name of the ``index``-th file of a part."""
        suffix = f".{extension}" if extension else ""
        stem = _stem(part, suffix)
        if not index:
            return f"{stem}{suffix}"
        if suffix not in self._by_suffix:
            self._by_suffix[suffix] = _Taken(_stem(name, suffix) for name in self._parts)
        hyphens = self._by_suffix[suffix].hyphens(stem)
        return f"{stem}{'-' * hyphens}{index:04d}{suffix}"


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


def _stem(part: str, suffix: str) -> str:
    return part[: -len(suffix)] if suffix and part.endswith(suffix) else part
