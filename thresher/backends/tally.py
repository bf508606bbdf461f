# SPDX-License-Identifier: Apache-2.0
"""What is counted beside rows: why they were dropped, and tokens."""

from __future__ import annotations

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


def count_tokens(counts: StageCounts, task: AnyTask, outs: list[AnyTask]) -> None:
    """Sum the tokens in and out, where a tokenizer was given."""
    for name, tasks in (("tokens_in", [task]), ("tokens_out", outs)):
        columns = [
            batch.data.column(TOKENS)
            for batch in tasks
            if isinstance(batch, DocumentBatch) and TOKENS in batch.data.column_names
        ]
        if columns:
            total = sum(pc.sum(column).as_py() or 0 for column in columns)
            counts.metrics[name] = counts.metrics.get(name, 0) + total
