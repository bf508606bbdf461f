# SPDX-License-Identifier: Apache-2.0
"""``thresher list`` and ``thresher show``."""

from __future__ import annotations

import inspect
import json
import textwrap
from typing import Any

from thresher.catalog import KINDS, Entry, catalog
from thresher.errors import PlanError
from thresher.runs.report.figures import counted

EXECUTOR = "executor"


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


def show_entry(name: str, as_json: bool) -> None:
    """Print what one entry does, its parameters and an example."""
    from thresher.config.signatures import signature_of

    entry = catalog().find(name)
    made = entry.load()
    signature = signature_of(made)
    if as_json:
        print(
            json.dumps(
                {
                    "name": entry.name,
                    "kind": entry.kind,
                    "module": entry.module,
                    "description": inspect.getdoc(made) or "",
                    "parameters": [
                        {
                            "name": p.name,
                            "type": p.type_text,
                            "required": p.required,
                            **({} if p.required else {"default": _jsonable(p.default)}),
                        }
                        for p in signature.parameters.values()
                    ],
                },
                indent=2,
            )
        )
        return
    print(f"{entry.name} ({entry.kind}, {entry.module})\n")
    print(_unmarked(inspect.getdoc(made) or entry.summary))
    print("\nparameters and defaults")
    rows = [
        (p.name, "required" if p.required else f"= {p.default!r}", p.type_text)
        for p in signature.parameters.values()
    ]
    print(_aligned(rows) if rows else "  none")
    print("\nin a recipe\n")
    print(textwrap.indent(_example(entry, signature.parameters.values()), "  "))


def _kind(given: str) -> str:
    """A kind, in the singular or the plural."""
    kind = given.lower().removesuffix("s")
    if kind not in KINDS:
        raise PlanError(
            f"there is no kind {given!r}", "--kind", f"the kinds are {', '.join(KINDS)}"
        )
    return kind


def _example(entry: Entry, parameters: Any) -> str:
    from thresher.config.examples import example_of

    head = "executor:\n  " if entry.kind == EXECUTOR else "stages:\n  - "
    given = example_of(parameters)
    if not given:
        return f"{head}{entry.name}"
    indent = " " * (4 if entry.kind == EXECUTOR else 6)
    return f"{head}{entry.name}:\n" + "\n".join(f"{indent}{k}: {v}" for k, v in given)


def _aligned(rows: list[tuple[str, str, str]]) -> str:
    names, defaults, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        f"  {name:<{names}}  {default:<{min(defaults, 24)}}  {kind}" for name, default, kind in rows
    )


def _unmarked(text: str) -> str:
    """Docstring text without its markup for code."""
    return text.replace("``", "")


def _jsonable(value: Any) -> Any:
    plain = value is None or isinstance(value, str | int | float | bool | list | dict)
    return value if plain else repr(value)
