# SPDX-License-Identifier: Apache-2.0
"""Run a page of the documentation: every fenced block of it, in order, in the current directory.

    python tests/docs/run_page.py README.md      (in a folder that has ``examples``)

- ``python`` runs here, in ``__main__``; blocks of a page share their names.
- ``pycon`` runs as a doctest.
- ``yaml`` with ``stages`` is a recipe: it is kept as ``<name>.yaml`` and run. A list is a piece of
  ``stages``, and any other mapping goes beside them: a recipe with it must be right.
- ``toml`` must be TOML.
- ``console`` runs each line that begins with ``$ thresher``; of ``$ make`` the target must exist.
  The other lines are output: each must be in what the commands above it have printed.
- ``text`` is left alone. There is no other language.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tomllib
import traceback
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.docs.pages import ROOT, Block, blocks_of
from thresher.cli import main as thresher
from thresher.config import parse_recipe

AROUND = """
  - JsonlReader: {{file_paths: examples/corpus/en}}
{}
  - JsonlWriter: {{path: out}}
"""


def run_python(block: Block) -> None:
    """In ``__main__``, so that stages defined here are sent to workers as those of a script."""
    # Tracebacks then tell the line of the page.
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, block.place, "exec"), vars(sys.modules["__main__"]))


def run_pycon(block: Block) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, block.place, block.place, block.line)
    assert test.examples, "no line begins with >>>"
    told = io.StringIO()
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.write)
    assert not result.failed, told.getvalue()


def run_yaml(block: Block) -> None:
    content = yaml.safe_load(block.text)
    if isinstance(content, dict) and "stages" in content:
        file = Path(f"{content.get('name', 'recipe')}.yaml")
        file.write_text(block.text)
        trust = " --trust" if "imports" in content else ""
        command(f"thresher run {file}{trust}")
        return
    assert isinstance(content, list | dict), "neither a recipe nor a piece of one"
    if isinstance(content, dict):
        parse_recipe(f"{block.text}stages:{AROUND.format('')}", block.place)
        return
    text = block.text if block.text.startswith("  ") else "  " + block.text.replace("\n", "\n  ")
    names = [next(iter(each)) if isinstance(each, dict) else each for each in content]
    whole = any("Reader" in name or "Writer" in name for name in names)
    parse_recipe("stages:" + (f"\n{text}" if whole else AROUND.format(text.rstrip())), block.place)


def run_toml(block: Block) -> None:
    tomllib.loads(block.text)


def run_console(block: Block) -> None:
    printed = ""
    for line in block.text.splitlines():
        if line.startswith("$ "):
            printed += command(line.removeprefix("$ "))
        else:
            assert line in printed, f"not printed: {line}"


def command(line: str) -> str:
    """Run a command line; returns what it printed."""
    name, *arguments = shlex.split(line, comments=True)
    if name == "make":
        there = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(arguments) <= set(there), f"no target of the Makefile: {line}"
        return ""
    assert name == "thresher", f"only thresher and make can be run here: {line}"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = thresher(arguments)
    assert code == 0, f"{line}: exit code {code}\n{printed.getvalue()}"
    return printed.getvalue()


RUN = {
    "python": run_python,
    "pycon": run_pycon,
    "yaml": run_yaml,
    "toml": run_toml,
    "console": run_console,
    "text": lambda block: None,
}


def run_page(page: Path) -> list[str]:
    """Run all blocks; returns what went wrong."""
    wrong = []
    for block in blocks_of(page):
        try:
            if block.language not in RUN:
                raise AssertionError(
                    f"{block.language or 'a fence without a language'} cannot be run; "
                    "what is not to be run is fenced as text"
                )
            RUN[block.language](block)
        except Exception:
            wrong.append(f"{block.place}: {traceback.format_exc()}")
    return wrong


if __name__ == "__main__":
    os.environ.pop("THRESHER_DEBUG", None)
    problems = [problem for page in sys.argv[1:] for problem in run_page(Path(page).resolve())]
    sys.exit("\n".join(problems) if problems else 0)
