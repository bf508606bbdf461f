# SPDX-License-Identifier: Apache-2.0
"""Newcomers' mistakes get errors that say what, where and what to do; docs/mistakes.md shows them.

``THRESHER_UPDATE_DOCS=1 pytest tests/docs`` writes the page anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.mistakes import CHAPTERS, Mistake
from thresher.backends.local import LocalExecutor
from thresher.cli.exit_codes import text_of
from thresher.config import load_recipe
from thresher.errors import PlanError, ThresherError
from thresher.planning.machine import Machine
from thresher.runs.report.plain import SilentView

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"
RECIPE = "recipe.yaml"
ALL = [mistake for chapter in CHAPTERS.values() for mistake in chapter]

HEAD = """\
# Mistakes, and what is said about them

Nothing is run before a recipe and its plan are found to be right, and all mistakes are told at
once. Every message says what is wrong, where, and what to do.

*This page is made by `tests/docs/test_mistakes.py`, which makes each of these mistakes.*
"""


@pytest.fixture
def meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Mistake], ThresherError]:
    """Makes a mistake in a folder of its own, and gives the error."""

    # The page must not depend on the machine that made it.
    monkeypatch.setattr(Machine, "here", lambda: Machine(cpus=2, memory=2**34, gpus=0))

    def met(mistake: Mistake) -> ThresherError:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, text in {**mistake.files, RECIPE: mistake.recipe}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(folder)
        with pytest.raises(ThresherError) as caught:
            run()
        error = caught.value
        for each in [error, *getattr(error, "mistakes", ())]:
            each.what, each.where, each.todo = (
                text.replace(f"{folder}/", "") for text in (each.what, each.where, each.todo)
            )
        return error

    return met


def run() -> None:
    recipe = load_recipe(RECIPE, env={}, trust=True)
    try:
        recipe.pipeline.run(LocalExecutor(workers=0), observer=SilentView())
    except ThresherError as error:
        raise recipe.located(error) from error


@pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.title)
def test_the_error_says_what_where_and_what_to_do(
    mistake: Mistake, meet: Callable[[Mistake], ThresherError]
) -> None:
    error = meet(mistake)
    first = error.mistakes[0] if isinstance(error, PlanError) and error.mistakes else error
    assert isinstance(first, mistake.error)
    assert first.what
    assert first.todo
    assert mistake.what in first.what
    assert mistake.where in first.where
    assert mistake.todo in first.todo


def test_the_page_shows_what_is_said(meet: Callable[[Mistake], ThresherError]) -> None:
    page = HEAD
    number = 0
    for title, mistakes in CHAPTERS.items():
        page += f"\n## {title}\n\n| | Mistake | Message |\n|--:|---|---|\n"
        for mistake in mistakes:
            number += 1
            page += f"| {number} | {_shown(mistake)} | {_message(meet(mistake))} |\n"
    assert number >= 20
    if os.environ.get("THRESHER_UPDATE_DOCS"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "THRESHER_UPDATE_DOCS=1 pytest tests/docs writes it anew"


def _shown(mistake: Mistake) -> str:
    pieces = mistake.telling.replace("&nbsp;", " ").split("<br>")
    return f"{mistake.title}<br>" + "<br>".join(f"`{_cell(piece)}`" for piece in pieces)


def _message(error: ThresherError) -> str:
    lines = [line for line in text_of(error).splitlines() if line.strip()]
    first, *rest = [_cell(line.strip()) for line in lines]
    return "<br>".join((first.removeprefix("error: "), *rest))


def _cell(text: str) -> str:
    """Text that a cell of a table shows to the letter."""
    return text.replace("|", "\\|")
