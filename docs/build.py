# SPDX-License-Identifier: Apache-2.0
"""Write the generated pages: ``docs/reference/`` from the catalog, and ``docs/mistakes.md``.

This is what ``make docs`` runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.filter_examples import documents, outcome, speed_of
from thresher.catalog import KINDS, Entry, catalog
from thresher.cli.docstring import explanation_of
from thresher.config.examples import example_of
from thresher.config.signatures import Parameter, signature_of
from thresher.stages.text.filters import DocumentFilter

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"

INTRODUCTIONS = {
    "stage": "What a pipeline is made of. Below `stages:` each can be named as it is.",
    "filter": (
        "A filter scores a document and says which scores are kept. Named where a stage is "
        "expected, it stands for `ScoreFilter(it)`, which drops the other documents."
    ),
    "modifier": (
        "A modifier changes a text. Named where a stage is expected, it stands for `Modify(it)`, "
        "which changes the column `text`."
    ),
    "executor": "What carries a pipeline out. It goes below `executor:`, or into `Pipeline.run`.",
}
assert set(INTRODUCTIONS) == set(KINDS)

MADE = "*Made by `make docs` from the docstrings. `thresher show NAME` tells the same.*"


def reference() -> dict[str, str]:
    """Every page of the reference, by its name."""
    pages = {f"{kind}s.md": page_of(kind) for kind in KINDS if kind != "filter"}
    filters = catalog().of_kind("filter")
    pages["filters/index.md"] = filter_index(filters)
    return pages | {f"filters/{entry.name}.md": filter_page(entry) for entry in filters}


def filter_index(entries: list[Entry]) -> str:
    """The table of all filters, with their measured speed, and the documents of their examples."""
    rows = [
        f"| [{e.name}]({e.name}.md) | {_marked(e.summary)} | {speed_of(e.name)} |" for e in entries
    ]
    parts = [
        "# Filters",
        INTRODUCTIONS["filter"],
        MADE,
        "\n".join(("| Name | What it does | MB/s |", "|---|---|---|", *rows)),
        "MB/s: megabytes of text per processor second, alone, measured by "
        "`python -m benchmarks.text_filters.speeds`. Neighbouring filters share work and take "
        "less than the sum.",
        "## The example documents",
        documents(),
    ]
    return "\n\n".join(parts) + "\n"


def filter_page(entry: Entry) -> str:
    """One filter, and what it makes of the example documents."""
    page = section_of(entry).replace(f"## {entry.name}", f"# {entry.name}", 1)
    made = entry.load()
    example = outcome(made) if issubclass(made, DocumentFilter) else ""
    return "\n\n".join(part for part in (page, example, MADE) if part) + "\n"


def page_of(kind: str) -> str:
    """All entries of one kind: a table of them, then each."""
    entries = catalog().of_kind(kind)
    rows = [f"| [{e.name}](#{e.name.lower()}) | {_marked(e.summary)} |" for e in entries]
    parts = [
        f"# {kind.capitalize()}s",
        INTRODUCTIONS[kind],
        MADE,
        "\n".join(("| Name | What it does |", "|---|---|", *rows)),
        *(section_of(entry) for entry in entries),
    ]
    return "\n\n".join(parts) + "\n"


def section_of(entry: Entry) -> str:
    """One entry: where it lives, what it does, its parameters and an example."""
    made = entry.load()
    parameters = signature_of(made).public
    explained = explanation_of(made, code="`")
    address = f"from {address_of(entry, made)} import {entry.name}"
    parts = [
        f"## {entry.name}",
        f"`{address}`",
        _with_doctests(explained.general, address),
        _table(parameters, explained.parameters),
        *(f"{title}:\n\n{_listed(body)}" for title, body in explained.sections.items()),
        f"```yaml\n{_example(entry, parameters)}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


def address_of(entry: Entry, made: Any) -> str:
    """The shortest address below the front door that leads to a class."""
    names = entry.module.split(".")
    addresses = (".".join(names[:n]) for n in range(2, len(names)))
    doors = (each for each in addresses if getattr(import_module(each), entry.name, None) is made)
    return next(doors, entry.module)


def _table(parameters: list[Parameter], told: dict[str, str]) -> str:
    if not parameters:
        return ""
    rows = []
    for each in parameters:
        default = "required" if each.required else f"`{each.default!r}`"
        text = " ".join(told.get(each.name, "").split())
        cells = (f"`{each.name}`", f"`{each.type_text}`", default, text)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(("| Parameter | Type | Default | |", "|---|---|---|---|", *rows))


def _example(entry: Entry, parameters: list[Parameter]) -> str:
    given = example_of(entry.name, parameters)
    values = "".join(f"\n    {key}: {value}" for key, value in given)
    if entry.kind == "executor":
        return f"executor:\n  {entry.name}" + (f":{values}" if given else ": {}")
    return f"- {entry.name}" + (f":{values}" if given else "")


def _with_doctests(text: str, address: str) -> str:
    """Paragraphs that begin with ``>>>`` are fenced, and import what they show."""
    return "\n\n".join(
        f"```pycon\n{_imports(address, paragraph)}{paragraph}\n```"
        if paragraph.startswith(">>>")
        else paragraph
        for paragraph in text.split("\n\n")
    )


def _imports(address: str, example: str) -> str:
    batch = ">>> from thresher.tasks import DocumentBatch\n"
    return f">>> {address}\n" + (batch if "DocumentBatch(" in example else "")


def _listed(body: str) -> str:
    """``Name`` lines with indented text below as a list; other text as it is."""
    entries = textwrap.dedent(body).strip().split("\n")
    if not any(line.startswith(" ") for line in entries):
        return "\n".join(entries)
    return "\n".join(
        f"  {line.strip()}" if line.startswith(" ") else f"- `{line}`:" for line in entries
    )


def _marked(text: str) -> str:
    """A docstring's line as a cell of a table."""
    return text.replace("``", "`").replace("|", "\\|")


def main() -> int:
    """Write all generated pages; returns the exit code."""
    (REFERENCE / "filters").mkdir(parents=True, exist_ok=True)
    pages = reference()
    for old in set(REFERENCE.rglob("*.md")) - {REFERENCE / name for name in pages}:
        old.unlink()
    for name, text in pages.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    test = DOCS.parent / "tests" / "docs" / "test_mistakes.py"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "test_the_page", str(test)],
        env={**os.environ, "THRESHER_UPDATE_DOCS": "1"},
        cwd=DOCS.parent,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
