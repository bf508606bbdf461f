# SPDX-License-Identifier: Apache-2.0
"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages

CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def links_of(page: Path) -> list[str]:
    """Targets within the repository."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    return [t for t in LINK.findall(text) if "://" not in t]


def anchors_of(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors_of(file), target


def test_every_page_is_linked() -> None:
    reached = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages()
        for target in links_of(page)
    }
    decisions = ROOT / "docs" / "decisions"
    lone = {page for page in pages() if page not in reached and page.parent != decisions}

    assert lone == {ROOT / "README.md"}
