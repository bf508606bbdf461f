# SPDX-License-Identifier: Apache-2.0
"""``thresher list``."""

from __future__ import annotations

import json

from thresher.catalog import KINDS, catalog
from thresher.errors import PlanError
from thresher.runs.report.figures import counted


def list_entries(kind: str | None, as_json: bool) -> None:
    """Print names and first lines, kind by kind."""
    kinds = KINDS if kind is None else (_kind(kind),)
    known = catalog()
    if as_json:
        entries = [
            {"name": e.name, "kind": e.kind, "module": e.module, "summary": e.summary}
            for e in known.of_kind(*kinds)
        ]
        print(json.dumps(entries, indent=2))
        return
    width = max(len(entry.name) for entry in known)
    blocks = []
    for each in kinds:
        entries_of_kind = known.of_kind(each)
        lines = [f"  {e.name:<{width}}  {_unmarked(e.summary)}" for e in entries_of_kind]
        blocks.append("\n".join((counted(len(lines), each), *lines)))
    print("\n\n".join(blocks))


def _kind(given: str) -> str:
    """A kind, in the singular or the plural."""
    kind = given.lower().removesuffix("s")
    if kind not in KINDS:
        raise PlanError(
            f"there is no kind {given!r}", "--kind", f"the kinds are {', '.join(KINDS)}"
        )
    return kind


def _unmarked(text: str) -> str:
    """Docstring text without its markup for code."""
    return text.replace("``", "")
