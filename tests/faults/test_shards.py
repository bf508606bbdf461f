# SPDX-License-Identifier: Apache-2.0
"""Drivers that share a run, killed and started again: what one undisturbed driver leaves."""

from __future__ import annotations

import pytest

from tests.faults.shards import kill_seeds

pytestmark = pytest.mark.faults


def test_killed_shards_come_out_the_same() -> None:
    histogram, failed = kill_seeds(first=0, n=4)
    print(histogram)
    assert failed == {}
    assert sum(times for what, times in histogram.items() if what.startswith("killed")) >= 4
