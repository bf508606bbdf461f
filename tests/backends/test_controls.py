# SPDX-License-Identifier: Apache-2.0
"""What fails for its place, or with its worker: a part is to blame only if another goes well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from thresher.backends.driver import Driver
from thresher.backends.executor import Done, Failed, Heartbeat, Lease, Message
from thresher.errors import EngineError, StageError
from thresher.runs.part import QUARANTINE, Part, WrittenFile
from thresher.stats import StageCounts
from thresher.tasks import EmptyTask

Answer = Callable[[Lease], list[Message]]


def part(name: str) -> Part:
    return Part(0, name, EmptyTask())


def well(lease: Lease, rows: int = 1) -> list[Message]:
    """The end of a call whose rows came to the last stage."""
    counts = StageCounts("stage", rows_in=rows, dropped={"all": rows} if rows else {})
    return [Done(lease.token, (), 0, 0, (counts,))]


def missing(lease: Lease) -> list[Message]:
    return [Failed(lease.token, (), 0, "place", "there is no server", "stage")]


def dead(lease: Lease) -> list[Message]:
    beat = Heartbeat(lease.token, 1, "culprit")
    return [beat, Failed(lease.token, (), 0, "died", "it was ended by SIGKILL")]


def rejected(lease: Lease) -> list[Message]:
    """The rows of a part that was given up."""
    counts = StageCounts("stage", rows_in=1, quarantined=1)
    file = WrittenFile(QUARANTINE, (), "q", 1, 1, "x")
    return [Done(lease.token, (), 0, 0, (counts,), (file,))]


def lead(driver: Driver, answer: Answer, most: int = 200) -> list[str]:
    """Work on one part after another; the names in the order they were worked on."""
    names = []
    for now in range(most):
        lease = driver.take(float(now))
        if lease is None:
            break
        names.append(lease.part.name + ("?" if lease.probe else ""))
        for message in rejected(lease) if lease.reject else answer(lease):
            driver.handle(message, float(now))
    assert driver.done
    if driver.error is None:
        driver.finish()
    return names


def failures(driver: Driver) -> list[str]:
    return [outcome.part.name for outcome in driver.outcomes() if outcome.failure]


NAMES = [str(k) for k in range(10)]


def answering(bad: set[str], failure: Answer = missing) -> Answer:
    return lambda lease: (failure if lease.part.name in bad else well)(lease)


@pytest.mark.parametrize("bad", [{"0"}, {"9"}, {"4"}, {"0", "1", "2"}, {"3", "4", "5", "6"}])
def test_it_does_not_matter_where_parts_stand_that_lack_something(bad: set[str]) -> None:
    driver = Driver(map(part, NAMES), 1)
    lead(driver, answering(bad))

    assert sorted(failures(driver)) == sorted(bad)
    assert driver.error is None or "max_error_rate" in str(driver.error)


def test_a_part_that_alone_is_left_is_judged_by_one_that_went_well_before() -> None:
    driver = Driver([part("9")], 1, good_before=9, control=part("3"))
    names = lead(driver, answering({"9"}))

    assert "3?" in names
    assert failures(driver) == ["9"]


def test_what_fails_now_with_any_part_ends_the_run() -> None:
    driver = Driver([part("9")], 1, good_before=9, control=part("3"))
    lead(driver, missing)

    assert isinstance(driver.error, StageError)
    assert "nothing was charged to rows" in str(driver.error)
    assert driver.outcomes() == []


def test_a_server_that_goes_down_ends_the_run_after_a_few_parts() -> None:
    seen: list[str] = []

    def answer(lease: Lease) -> list[Message]:
        seen.append(lease.part.name)
        return well(lease) if len(seen) <= 4 else missing(lease)

    driver = Driver(map(part, NAMES), 1)
    names = lead(driver, answer)

    assert isinstance(driver.error, StageError)
    assert len(names) == 4 + 3 + 1
    assert failures(driver) == []


def test_an_empty_part_proves_nothing() -> None:
    driver = Driver(map(part, "abc"), 1)
    lead(driver, lambda lease: well(lease, rows=0) if lease.part.name == "b" else missing(lease))

    assert isinstance(driver.error, StageError)
    assert failures(driver) == []


def test_a_part_in_flight_is_waited_for() -> None:
    driver = Driver(map(part, "ab"), 1)
    long = driver.take(0.0)
    assert long is not None
    for _ in range(3):
        short = driver.take(0.0)
        assert short is not None
        assert short.part.name == "b"
        driver.handle(missing(short)[0], 1.0)
    assert driver.take(2.0) is None
    assert not driver.done
    driver.handle(well(long)[0], 3.0)
    lead(driver, missing)

    assert failures(driver) == ["b"]


# -- workers that die -----------------------------------------------------------------------------


def dying(bad: set[str]) -> Answer:
    return answering(bad, dead)


def test_a_part_that_kills_its_worker_is_found_and_the_stage_is_named() -> None:
    driver = Driver(map(part, "abc"), 1, can_bisect=False)
    lead(driver, dying({"a"}))

    [failed] = [outcome for outcome in driver.outcomes() if outcome.failure]
    assert failed.part.name == "a"
    assert failed.failure.startswith("culprit: the worker died")


def test_parts_are_not_charged_for_workers_that_are_killed_from_outside() -> None:
    answers = iter([dead] * 8)
    driver = Driver(map(part, "ab"), 1, can_bisect=False)
    lead(driver, lambda lease: next(answers, well)(lease))

    assert driver.error is None
    assert failures(driver) == []


def test_workers_that_never_do_anything_but_die_end_the_run() -> None:
    driver = Driver(map(part, "ab"), 1, can_bisect=False)
    names = lead(driver, dead)

    assert isinstance(driver.error, EngineError)
    assert "nothing was charged to rows" in str(driver.error)
    assert len(names) <= 20


def test_the_only_part_has_no_control() -> None:
    driver = Driver([part("a")], 1, can_bisect=False)
    lead(driver, dead)

    assert failures(driver) == ["a"]
