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


def _shares(*stages: StageCounts) -> tuple[int, int]:
    tally = Tally()
    tally.add(stages, "", 0)
    return tally.worst


def test_rows_that_a_stage_makes_do_not_hide_what_was_lost_before() -> None:
    read = StageCounts("read", 1000, 500, quarantined=500, metrics={"is_reader": 1})
    made = StageCounts("chunks", 500, 50_000, expanded=49_500)
    assert _shares(read, made, StageCounts("write", 50_000, 50_000)) == (500, 1000)


@pytest.mark.parametrize("opaque", [False, True])
def test_rows_that_a_stage_made_and_the_next_lost_are_held_against_those_made(opaque: bool) -> None:
    read = StageCounts("read", 10, 10, metrics={"is_reader": 1})
    made = StageCounts("chunks", 10, 1000, expanded=0 if opaque else 990, opaque=opaque)
    assert _shares(read, made, StageCounts("judge", 1000, 980, quarantined=20)) == (20, 1000)


def test_files_that_a_reader_takes_are_no_rows() -> None:
    files = StageCounts("files", 7, 7)
    read = StageCounts("read", 4, 2, quarantined=2, metrics={"is_reader": 1})
    assert _shares(files, read) == (2, 4)


def test_rows_seen_again_by_a_later_segment_are_found_once() -> None:
    tally = Tally()
    tally.add([StageCounts("read", 10, 10, metrics={"is_reader": 1})], "", 0)
    tally.add([StageCounts("judge", 10, 9, quarantined=1)], "", 0, segment=1)
    assert tally.worst == (1, 10)
    assert tally.found == 10
