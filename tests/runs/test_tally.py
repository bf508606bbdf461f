# SPDX-License-Identifier: Apache-2.0
"""What is found and lost is the same, counted as it happens or from records."""

from __future__ import annotations

import pytest

from thresher.backends.driver import Driver, Policy
from thresher.runs.part import Outcome, Part, PartRecord
from thresher.runs.tally import Tally
from thresher.stats import StageCounts
from thresher.tasks import EmptyTask


@pytest.mark.parametrize("segment", [0, 1])
@pytest.mark.parametrize("failure", ["", "it failed"])
def test_as_it_happens_and_from_records(segment: int, failure: str) -> None:
    counts = [StageCounts("stage", 10, 10)]
    part = Part(segment, "a", EmptyTask(), source_bytes=100)
    happening, recorded = Tally(), Tally()
    driver = Driver([part], 1, policy=Policy(max_error_rate=1.0), counted=happening)
    lease = driver.take(0.0)
    assert lease is not None
    state = driver._release(driver._attempts[lease.token])
    driver._settled(state, Outcome(part, counts, failure=failure))
    recorded.count(
        PartRecord(segment, "a", "f", counts=tuple(counts), failure=failure, source_bytes=100)
    )
    assert happening == recorded
