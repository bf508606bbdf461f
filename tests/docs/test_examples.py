# SPDX-License-Identifier: Apache-2.0
"""Every example runs: each fenced block of the documentation, and each file in ``examples``.

``run_page.py`` says what is done with blocks of which language; there is none that is left out
silently.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks_of, pages

RUNNER = Path(__file__).with_name("run_page.py")
LANGUAGES = {"python", "pycon", "yaml", "toml", "console", "text"}
REFERENCE = ROOT / "docs" / "reference"

EXAMPLES = ROOT / "examples"
PIPELINES = sorted((*EXAMPLES.glob("*.yaml"), *EXAMPLES.glob("*.py")))
BUILDER = EXAMPLES / "build_corpus.py"
"""Needs a Debian package that is not at hand: only its arguments are looked at."""


def groups() -> dict[str, list[Path]]:
    """Pages that one interpreter runs; those without anything to run are left out."""
    found: dict[str, list[Path]] = {}
    for page in pages():
        if any(block.language != "text" for block in blocks_of(page)):
            name = "reference" if page.parent == REFERENCE else page.stem
            found.setdefault(name, []).append(page)
    return found


GROUPS = groups()
ENGINE = {"ray"}
"""Pages that start Ray."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where examples are run: an empty folder with the examples beside."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    return tmp_path


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_block_says_what_it_is() -> None:
    odd = [b.place for page in pages() for b in blocks_of(page) if b.language not in LANGUAGES]

    assert odd == [], "what is not to be run is fenced as text"


@pytest.mark.parametrize(
    "group",
    [pytest.param(g, marks=pytest.mark.engine) if g in ENGINE else g for g in GROUPS],
)
def test_every_block_runs(group: str, folder: Path) -> None:
    ran = run(folder, RUNNER, *GROUPS[group])

    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("example", [p for p in PIPELINES if p != BUILDER], ids=lambda p: p.name)
def test_every_example_runs_and_then_has_nothing_to_do(example: Path, folder: Path) -> None:
    name = example.relative_to(ROOT)
    arguments = [name] if example.suffix == ".py" else ["-m", "thresher", "run", name]
    if example.suffix == ".yaml" and "\nimports:" in example.read_text():
        arguments.append("--trust")

    first, second = run(folder, *arguments), run(folder, *arguments)

    assert first.returncode == 0, first.stderr
    assert "every row is accounted for" in first.stdout + first.stderr
    assert second.returncode == 0, second.stderr
    assert "Nothing to do" in second.stdout + second.stderr


def test_the_builder_of_the_corpus_says_what_it_needs(folder: Path) -> None:
    assert run(folder, BUILDER, "--help").returncode == 0


def test_a_block_that_is_wrong_is_told_with_its_line(folder: Path) -> None:
    page = folder / "wrong.md"
    wrong = {
        "python": "undefined_name\n",
        "pycon": ">>> 1 + 1\n3\n",
        "yaml": "- WordCounter: {min_words: 80}\n",
        "console": "$ thresher show Nothing\n",
        "toml": "[\n",
        "bash": "ls\n",
        "": "anything\n",
    }
    text = "# Wrong\n" + "".join(f"\n```{name}\n{body}```\n" for name, body in wrong.items())
    page.write_text(text)

    ran = run(folder, RUNNER, page)

    assert ran.returncode == 1
    for block in blocks_of(page):
        assert f"wrong.md:{block.line}: " in ran.stderr
