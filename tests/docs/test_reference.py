# SPDX-License-Identifier: Apache-2.0
"""The generated pages tell what the code says today."""

from __future__ import annotations

import pytest

from docs.build import REFERENCE, address_of, reference
from thresher.catalog import KINDS, catalog

PAGES = reference()


def test_there_is_no_page_of_a_kind_that_is_gone() -> None:
    there = {str(path.relative_to(REFERENCE)) for path in REFERENCE.rglob("*.md")}
    assert there == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name], "make docs"


def test_everything_a_recipe_can_name_is_in_the_reference() -> None:
    together = "".join(PAGES.values())

    for entry in catalog().of_kind(*KINDS):
        assert f"\n## {entry.name}\n" in together or f"filters/{entry.name}.md" in PAGES
        assert entry.summary, f"{entry.name} has no docstring"


def test_addresses_are_the_documented_ones() -> None:
    entry = catalog().find("WordCountFilter")

    assert address_of(entry, entry.load()) == "thresher.stages.text.filters"
