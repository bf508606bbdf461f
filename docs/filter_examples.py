# SPDX-License-Identifier: Apache-2.0
"""What filters make of a few documents, and how fast they are: parts of the filters' pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thresher.stages.text.filters import DocumentFilter, ScoreFilter
from thresher.tasks import DocumentBatch

SPEEDS = Path(__file__).parent / "filter_speeds.json"

DOCUMENTS = {
    "prose": (
        "The mill stood at the end of the lane, and its wheel had not turned for years. "
        "Children said that it moved at night, but nobody had seen it. “We shall find out,” "
        "said Anna, and she took the lantern from its hook. That evening they went down to "
        "the water with bread, two blankets and the dog, who was the only one not afraid.\n\n"
        "Nothing happened until the moon was up."
    ),
    "menu": (
        "Home | About us | Contact\n• Shoes\n• Shirts\n• Hats\n• Sale!\nRead more...\n"
        "Terms of use\nThis site uses cookies."
    ),
    "repetition": "buy now and save now\n\n" * 6,
    "links": "See http://example.com/a and https://example.org/b/c?d=1 or www.example.net ...",
    "numbers": "# # # 12 345 678 90 (1) [2] {3} 4,5 6.7",
    "code": "<?xml version='1.0'?>\n<a><b>1</b></a>\n" + "x = [1, 2, 3]  # numbers\n" * 3,
}
"""Short documents of the kinds that filters tell apart."""


def outcome(cls: type[DocumentFilter]) -> str:
    """A table of the documents' scores, and of what stays; made by running the filter."""
    if not cls.EXAMPLES:  # it needs a model
        return ""
    arguments = dict(cls.EXAMPLES[0])
    rule = cls(**arguments)
    if any(hasattr(rule, hook) for hook in ("load_model", "load_tokenizer")):
        return ""
    batch = DocumentBatch("docs", {"document": list(DOCUMENTS), "text": list(DOCUMENTS.values())})
    kept = set(ScoreFilter(rule).process(batch).data.column("document").to_pylist())
    scores = {name: _shown(rule.score_document(text)) for name, text in DOCUMENTS.items()}
    rows = [
        f"| {name} | {score} | {'kept' if name in kept else 'dropped'} |"
        for name, score in scores.items()
    ]
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    title = f"What `{cls.__name__}({given})` makes of the [example documents](index.md):"
    return "\n".join((title, "", "| Document | Score | |", "|---|---|---|", *rows))


def documents() -> str:
    """The example documents, as the index of the filters shows them."""
    return "\n\n".join(
        f"**{name}**\n\n```text\n{text.rstrip()}\n```" for name, text in DOCUMENTS.items()
    )


def speeds() -> dict[str, float]:
    """Measured megabytes of text per processor second, by filter."""
    if not SPEEDS.exists():
        return {}
    found: dict[str, float] = json.loads(SPEEDS.read_text(encoding="utf-8"))["mb_per_cpu_second"]
    return found


def speed_of(name: str) -> str:
    """A filter's speed for a table, to two digits."""
    speed = speeds().get(name)
    return "" if speed is None else f"{float(f'{speed:.2g}'):,g}"


def _shown(score: Any) -> str:
    return f"{score:.3f}" if isinstance(score, float) else f"`{score}`"
