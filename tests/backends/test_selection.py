# SPDX-License-Identifier: Apache-2.0
"""Neighbouring filters are judged once, whatever stands between them."""

from __future__ import annotations

import numpy as np

from tests.toys import batch, ids_of, run_quietly
from thresher.backends.local import LocalExecutor
from thresher.backends.selection import select
from thresher.pipeline import Pipeline
from thresher.stages.filtering import Mask, RowFilterStage
from thresher.tasks import DocumentBatch

SEEN: list[tuple[str, str, int]] = []


class Below(RowFilterStage):
    """Keeps ids below a limit; judges whole batches if it may."""

    def __init__(self, limit: int, judges: bool = True) -> None:
        self.limit = limit
        self.judges = judges
        self.name = f"below_{limit}"

    def keep(self, task: DocumentBatch) -> Mask:
        return np.array(task.data.column("id").to_pylist()) < self.limit

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]] | None:
        if not self.judges:
            return None
        SEEN.append((self.name, "judged", task.num_items))
        return [(self.name, self.keep(task))]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        SEEN.append((self.name, "processed", task.num_items))
        return self._select(task, self.keep(task), self.name)


def outcome(*stages: Below) -> tuple[list[int], list[tuple[str, str, int]], list[dict[str, int]]]:
    SEEN.clear()
    pipeline = Pipeline("p", stages=stages)
    result = run_quietly(pipeline, LocalExecutor(workers=0), initial_tasks=[batch(range(20))])
    return ids_of(result), list(SEEN), [counts.dropped for counts in result.counts]


def test_a_filter_that_cannot_judge_leaves_the_others_judged_once():
    ids, seen, dropped = outcome(Below(15), Below(12), Below(8, judges=False), Below(5))

    assert ids == list(range(5))
    assert seen == [
        ("below_15", "judged", 20),
        ("below_12", "judged", 20),
        ("below_8", "processed", 12),
        ("below_5", "judged", 8),
    ]
    assert dropped == [{"below_15": 5}, {"below_12": 3}, {"below_8": 4}, {"below_5": 3}]


def test_nothing_is_left_for_filters_behind_one_that_keeps_nothing():
    ids, seen, dropped = outcome(Below(0), Below(5), Below(3, judges=False))

    assert ids == []
    assert [name for name, *_ in seen] == ["below_0"]
    assert dropped == [{"below_0": 20}, {}, {}]


def test_a_run_that_begins_with_one_that_cannot_judge_is_not_selected():
    assert select([Below(3, judges=False), Below(2)], batch(range(9))) is None
