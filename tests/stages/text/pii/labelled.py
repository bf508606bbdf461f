# SPDX-License-Identifier: Apache-2.0
"""The labelled texts, and how well something finds what is marked in them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("labelled.jsonl")

Span = tuple[int, int, str]
"""(start, end, type)"""


class Labelled(NamedTuple):
    """A text, the personal data in it, and whether it is ``"real"`` or ``"made up"``."""

    text: str
    spans: list[Span]
    origin: str


class Agreement(NamedTuple):
    """Of one type: how many are marked, of them found, and found without being marked."""

    marked: int
    found: int
    wrong: int

    @property
    def recall(self) -> float:
        """Share of what is marked that is found."""
        return self.found / self.marked if self.marked else 1.0

    @property
    def precision(self) -> float:
        """Share of what is found that is marked."""
        total = self.found + self.wrong
        return self.found / total if total else 1.0


def labelled() -> list[Labelled]:
    """All labelled texts."""
    with FILE.open(encoding="utf-8") as lines:
        each = [json.loads(line) for line in lines]
    return [
        Labelled("".join(item["text"]), [tuple(span) for span in item["spans"]], item["origin"])
        for item in each
    ]


def agreement(
    items: Iterable[Labelled], find: Callable[[str], list[Span]], exact: bool
) -> dict[str, Agreement]:
    """How well ``find`` does, by type.

    What is marked counts as found by a span of its type that is the same (``exact``), or covers at
    least half of it.
    """
    marked, found, wrong = Counter[str](), Counter[str](), Counter[str]()
    for item in items:
        spans = find(item.text)
        left = list(spans)
        for start, end, kind in item.spans:
            marked[kind] += 1
            hits = [s for s in left if s[2] == kind and _is_hit(s, start, end, exact)]
            found[kind] += bool(hits)
            left = [s for s in left if s not in hits]
        wrong.update(kind for _, _, kind in left)
    kinds = sorted({*marked, *wrong})
    return {kind: Agreement(marked[kind], found[kind], wrong[kind]) for kind in kinds}


def _is_hit(span: Span, start: int, end: int, exact: bool) -> bool:
    if exact:
        return (span[0], span[1]) == (start, end)
    return 2 * (min(span[1], end) - max(span[0], start)) >= end - start
