# SPDX-License-Identifier: Apache-2.0
"""What is counted beside rows: why they were dropped, and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc

from thresher.planning.plan import Stage
from thresher.stats import StageCounts, merge_sums
from thresher.tasks import TOKENS, DocumentBatch, Task

AnyTask = Task[Any]


def forget_drops(stage: Stage) -> dict[str, int]:
    """The drops a stage has told since it was last asked, by rule."""
    told: dict[str, int] = stage.__dict__.pop("_drops", {})
    return told


def name_drops(counts: StageCounts, stage: str, dropped: int, told: dict[str, int]) -> None:
    """Book rows that were dropped under their stage's name under the rules it told instead."""
    if not told or sum(told.values()) > dropped:
        return
    counts.dropped[stage] -= sum(told.values())
    counts.dropped = {k: v for k, v in merge_sums(counts.dropped, told).items() if v}


def count_tokens(counts: StageCounts, task: AnyTask, outs: Sequence[AnyTask]) -> None:
    """Sum the tokens in and out, where a tokenizer was given."""
    before = _tokens([task])
    # No rows have no tokens; but rows that lost their counts have nobody knows how many.
    after = _tokens(outs) if outs or before is not None else None
    for name, tokens in (("tokens_in", before), ("tokens_out", after)):
        if tokens is not None:
            counts.metrics[name] = counts.metrics.get(name, 0) + tokens


def _tokens(tasks: Sequence[AnyTask]) -> int | None:
    """The tokens of all tasks; None if one of them does not know."""
    total = 0
    for task in tasks:
        if not isinstance(task, DocumentBatch) or TOKENS not in task.data.column_names:
            return None
        total += pc.sum(task.data.column(TOKENS)).as_py() or 0
    return total
