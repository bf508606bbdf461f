# SPDX-License-Identifier: Apache-2.0
"""Neighbouring filters as one selection: rows are judged where they lie and cut out once.

Cutting rows out of a table copies all that is left, records included; five filters in a row would
copy it five times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from thresher.planning.plan import Stage
from thresher.stages.filtering import Mask, RowFilterStage
from thresher.tasks import TOKENS, DocumentBatch
from thresher.tasks.columns import from_numpy

COMPACT_BELOW = 0.75
"""Share of rows left below which they are cut out at once: judging the rest costs too much."""


@dataclass
class Selected:
    """What filters did to a batch: rows into and out of each, and drops by rule.

    ``rows`` ends with the last filter that could judge, or that any rows were left for; ``done``
    says how many filters need not see the batch any more.
    """

    batch: DocumentBatch
    rows: list[tuple[int, int, dict[str, int]]]
    done: int


def runs(stages: Sequence[Stage]) -> list[list[tuple[int, Stage]]]:
    """The stages with their numbers; neighbouring filters together, every other stage alone."""
    grouped: list[list[tuple[int, Stage]]] = []
    for is_filter, group in groupby(enumerate(stages), key=lambda item: _is_filter(item[1])):
        members = list(group)
        grouped += [members] if is_filter else [[member] for member in members]
    return grouped


def select(filters: Sequence[RowFilterStage], batch: DocumentBatch) -> Selected | None:
    """Lead a batch through filters; None if the first has to see it the ordinary way."""
    if TOKENS in batch.data.column_names:
        return None
    alive: Mask = np.ones(batch.num_items, np.bool_)
    rows: list[tuple[int, int, dict[str, int]]] = []
    left = batch.num_items
    for stage in filters:
        if left == 0:
            break
        judged = stage.judge(batch)
        if judged is None:
            break
        before, drops = left, {}
        for rule, keep in judged:
            alive &= keep
            dropped, left = left - int(np.count_nonzero(alive)), int(np.count_nonzero(alive))
            if dropped:
                drops[rule] = dropped
        rows.append((before, left, drops))
        if left < COMPACT_BELOW * batch.num_items:
            batch, alive = _cut(batch, alive), np.ones(left, np.bool_)
    if not rows and left:
        return None
    batch = _cut(batch, alive) if left < batch.num_items else batch
    return Selected(batch, rows, len(rows) if left else len(filters))


def _cut(batch: DocumentBatch, alive: Mask) -> DocumentBatch:
    return batch.with_data(batch.data.filter(from_numpy(alive)))


def _is_filter(stage: Any) -> bool:
    judges = isinstance(stage, RowFilterStage) and type(stage).judge is not RowFilterStage.judge
    return judges and (stage.batch_size or 1) == 1
