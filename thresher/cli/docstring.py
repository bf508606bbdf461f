# SPDX-License-Identifier: Apache-2.0
"""Docstrings for a terminal: sections apart, markup off."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(\w[\w, ]*?)(?: : .*)?$")


@dataclass(frozen=True)
class Explanation:
    """What a docstring says: in general, and of each parameter."""

    text: str
    parameters: dict[str, str] = field(default_factory=dict)


def explanation_of(made: object) -> Explanation:
    """The docstring of a class or stage, its ``Parameters`` section taken apart."""
    doc = (inspect.getdoc(made) or "").replace("``", "")
    pieces = _SECTION.split(doc)
    kept = [pieces[0].strip()]
    parameters: dict[str, str] = {}
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Parameters":
            parameters = _entries(body)
        else:
            kept.append(f"{title.lower()}\n{_indented(body)}")
    return Explanation("\n\n".join(kept), parameters)


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
