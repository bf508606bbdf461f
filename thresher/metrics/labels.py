# SPDX-License-Identifier: Apache-2.0
"""Label values: few, and never anything that a record holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MAX_REASONS = 20
"""Rules of one stage with a label of their own."""

OTHER = "other"

_RULE = re.compile(r"[A-Za-z_][\w.:/-]{0,63}", re.ASCII)


class Reasons:
    """Which rules of a stage have a label: the first ones seen, the most frequent first.

    One that has its label keeps it, so that no counter ever falls. What does not look like the
    name of a rule is not shown, since a stage may have made it from a record.
    """

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def fold(self, stage: str, dropped: Mapping[str, int]) -> dict[str, int]:
        """Rows by label, from rows by rule."""
        known = self._known.setdefault(stage, set())
        folded: dict[str, int] = {}
        for rule, rows in sorted(dropped.items(), key=lambda item: (-item[1], item[0])):
            label = rule if rule == stage or _RULE.fullmatch(rule) else OTHER
            if label not in known and len(known) >= MAX_REASONS:
                label = OTHER
            elif label != OTHER:
                known.add(label)
            folded[label] = folded.get(label, 0) + rows
        return folded


def distinct(names: Sequence[str]) -> list[str]:
    """Names of stages; the second of a name is ``name (2)``."""
    seen: dict[str, int] = {}
    given = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        given.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return given


def step_label(number: int, stages: Sequence[str]) -> str:
    """A Step's number in its pipeline, and the first and the last of its stages."""
    ends = stages[0] if len(stages) == 1 else f"{stages[0]} .. {stages[-1]}"
    return f"{number}: {ends}"
