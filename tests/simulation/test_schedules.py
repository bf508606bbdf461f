# SPDX-License-Identifier: Apache-2.0
"""Thousands of seeded schedules: whatever happens, what comes out is the same."""

from __future__ import annotations

import pytest

from tests.simulation.simulate import simulate_seed

EACH = 100


@pytest.mark.parametrize("first", range(0, 2000, EACH))
def test_schedules(first: int) -> None:
    for seed in range(first, first + EACH):
        simulate_seed(seed)


def test_a_seed_is_a_schedule() -> None:
    assert simulate_seed(7).world.lines == simulate_seed(7).world.lines
