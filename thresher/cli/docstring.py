# SPDX-License-Identifier: Apache-2.0
"""Docstrings taken apart: for a terminal and for the pages of the reference."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ROLE = re.compile(r":\w+:`([^`]+)`")
_ENTRY = re.compile(r"^(\w[\w, ]*?)(?: : .*)?$")


@dataclass(frozen=True)
class Explanation:
    """What a docstring says: in general, of each parameter, and in its other sections."""

    general: str
    parameters: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All but the parameters, for a terminal."""
        told = [f"{title.lower()}\n{_indented(body)}" for title, body in self.sections.items()]
        return "\n\n".join((self.general, *told))


def explanation_of(made: object, code: str = "") -> Explanation:
    """The docstring of a class or stage; ``code`` is what is put around names and values."""
    doc = _ROLE.sub(r"``\1``", inspect.getdoc(made) or "").replace("``", code)
    general, *pieces = _SECTION.split(doc)
    sections = dict(zip(pieces[::2], pieces[1::2], strict=True))
    parameters = _entries(sections.pop("Parameters", ""))
    return Explanation(general.strip(), parameters, sections)


def _entries(body: str) -> dict[str, str]:
    """``name : type`` lines and the indented lines below each."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in body.splitlines():
        entry = _ENTRY.match(line)
        if entry:
            names = [name.strip() for name in entry.group(1).split(",")]
            found |= {name: [] for name in names}
        else:
            for name in names:
                found[name].append(line.strip())
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def _indented(body: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in body.strip().splitlines())
