# SPDX-License-Identifier: Apache-2.0
"""Seeded schedules of several drivers: one of them publishes, and once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.simulation.broken import Broken
from tests.simulation.shared import simulate_shared
from thresher.runs.part import Outcome, PartRecord
from thresher.runs.shard import Shard
from thresher.runs.shard_run import ShardRun

EACH = 20


@pytest.mark.parametrize("first", range(0, 60, EACH))
def test_shared_schedules(first: int) -> None:
    for seed in range(first, first + EACH):
        world = simulate_shared(seed)
        assert world.watch.sealed, f"seed {seed}: nothing was published"


def test_two_shards_with_one_share_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shard, "owns", lambda self, part: True)
    with pytest.raises(Broken, match=r"committed by two shards|not written by this pipeline"):
        _many(range(20))


def test_a_record_after_the_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = ShardRun.commit

    def early(self: ShardRun, outcomes: Sequence[Outcome]) -> list[PartRecord]:
        self._append({"done": 1})
        return commit(self, outcomes)

    monkeypatch.setattr(ShardRun, "commit", early)
    with pytest.raises(Broken, match="Segment that is ended"):
        _many(range(20))


def _many(seeds: range) -> None:
    for seed in seeds:
        simulate_shared(seed)
