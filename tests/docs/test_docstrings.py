# SPDX-License-Identifier: Apache-2.0
"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PROMPT = ">>> "


def modules() -> list[str]:
    """Modules with an example in them; the others need not be imported."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "thresher").rglob("*.py"))
        if PROMPT in path.read_text(encoding="utf-8")
    ]


def examples_of(name: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
    return [test for test in found if test.examples]


MODULES = modules()


def test_there_are_examples() -> None:
    assert MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    wrong: list[str] = []
    examples = examples_of(name)
    for test in examples:
        doctest.DocTestRunner(verbose=False).run(test, out=wrong.append)

    assert not wrong, "".join(wrong)
    # None stands where doctest does not look, below a decorator or in a comment.
    source = Path(str(import_module(name).__file__)).read_text(encoding="utf-8")
    assert sum(len(test.examples) for test in examples) == source.count(PROMPT)
