# SPDX-License-Identifier: Apache-2.0
"""``thresher show``."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from thresher.catalog import Entry, catalog
from thresher.cli.docstring import Explanation, explanation_of
from thresher.config.examples import example_of
from thresher.config.signatures import Parameter, signature_of

EXECUTOR = "executor"


def show_entry(name: str, as_json: bool) -> None:
    """Print what one entry does, its parameters and an example."""
    entry = catalog().find(name)
    made = entry.load()
    parameters = signature_of(made).public
    explained = explanation_of(made)
    if as_json:
        print(json.dumps(_as_json(entry, explained, parameters), indent=2))
        return
    print(f"{entry.name} ({entry.kind}, {entry.module})\n")
    print(explained.text or entry.summary)
    print("\nparameters\n" + (_table(parameters, explained) or "  none"))
    print("\nin a recipe\n\n" + textwrap.indent(_example(entry, parameters), "  "))


def _as_json(entry: Entry, explained: Explanation, parameters: list[Parameter]) -> dict[str, Any]:
    described = [
        {
            "name": p.name,
            "type": p.type_text,
            "required": p.required,
            **({} if p.required else {"default": _jsonable(p.default)}),
            "description": explained.parameters.get(p.name, ""),
        }
        for p in parameters
    ]
    return {
        "name": entry.name,
        "kind": entry.kind,
        "module": entry.module,
        "description": explained.text,
        "parameters": described,
    }


def _table(parameters: list[Parameter], explained: Explanation) -> str:
    """Each parameter with default and type, and what it is for below."""
    if not parameters:
        return ""
    defaults = ["required" if p.required else f"= {p.default!r}" for p in parameters]
    names = max(len(p.name) for p in parameters)
    width = min(max(map(len, defaults)), 16)
    lines = []
    for parameter, default in zip(parameters, defaults, strict=True):
        lines.append(f"  {parameter.name:<{names}}  {default:<{width}}  {parameter.type_text}")
        if told := explained.parameters.get(parameter.name):
            lines.append(textwrap.indent(told, " " * 6))
    return "\n".join(lines)


def _example(entry: Entry, parameters: list[Parameter]) -> str:
    head = "executor:\n  " if entry.kind == EXECUTOR else "stages:\n  - "
    given = example_of(entry.name, parameters)
    if not given:
        return f"{head}{entry.name}"
    indent = " " * (4 if entry.kind == EXECUTOR else 6)
    return f"{head}{entry.name}:\n" + "\n".join(f"{indent}{k}: {v}" for k, v in given)


def _jsonable(value: Any) -> Any:
    plain = value is None or isinstance(value, str | int | float | bool | list | dict)
    return value if plain else repr(value)
