# SPDX-License-Identifier: Apache-2.0
"""Pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

FENCE = "```"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the line where that begins."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Page and line."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name
        return f"{page}:{self.line}"


def pages() -> list[Path]:
    """The README and everything below ``docs``."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page.

    Raises
    ------
    ValueError
        If a fence is indented, where no block would be seen, or is never closed.
    """
    begin, language, inside = 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not line.lstrip().startswith(FENCE):
            inside.append(line)
        elif line != line.lstrip():
            raise ValueError(f"{page}, line {number}: a fence is indented")
        elif begin:
            yield Block(page, begin, language, "\n".join(inside) + "\n")
            begin = 0
        else:
            begin, language, inside = number + 1, line.removeprefix(FENCE).strip(), []
    if begin:
        raise ValueError(f"{page}, line {begin - 1}: a fence is not closed")
