# SPDX-License-Identifier: Apache-2.0
"""The page on the command line names every command and option there is, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer

from tests.docs.pages import ROOT
from thresher.cli import exit_codes
from thresher.cli.main import app

PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
OPTION = re.compile(r"--[a-z][a-z-]*")


def commands(group: typer.core.TyperGroup, *above: str) -> Iterator[tuple[str, set[str]]]:
    """Every command by its full name, with its long options."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, *above, name)
        else:
            options = [o for one in command.params for o in (*one.opts, *one.secondary_opts)]
            yield " ".join((*above, name)), {each for each in options if OPTION.fullmatch(each)}


def sections() -> dict[str, str]:
    """The page's text by heading; what stands before the first one is called ``""``."""
    first, *others = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return {"": first} | {text.partition("\n")[0]: text.partition("\n")[2] for text in others}


TREE = typer.main.get_command(app)
assert isinstance(TREE, typer.core.TyperGroup)
COMMANDS = dict(commands(TREE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_is_on_the_page(command: str) -> None:
    family, _, member = command.partition(" ")
    assert re.search(rf"`thresher {family}\b", sections()[""])
    assert not member or f"`{member}`" in sections()[""] or f"{command}`" in sections()[""]
    # A command with many options has a section of its own, the others share the beginning.
    place = sections().get(f"`thresher {family}`", sections()[""])
    assert COMMANDS[command] - set(OPTION.findall(place)) == set()


def test_no_option_is_on_the_page_that_no_command_has() -> None:
    known = {"--help", "--version"}.union(*COMMANDS.values())
    assert set(OPTION.findall(PAGE)) - known == set()


def test_every_exit_code_is_on_the_page() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", sections()["Exit codes"], re.MULTILINE)
    assert [(int(code), what) for code, what in rows] == list(exit_codes.TABLE)
