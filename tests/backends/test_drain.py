# SPDX-License-Identifier: Apache-2.0
"""A driver that is asked to end: what has begun is finished, all else is left to the next run."""

from thresher.backends.driver import Driver
from thresher.backends.executor import Done, Failed, Lease, Started
from thresher.runs.part import Part
from thresher.tasks import EmptyTask


def driver_with(n_parts: int) -> tuple[Driver, list[Lease]]:
    """A driver whose parts are all out."""
    driver = Driver([Part(0, str(k), EmptyTask(), estimate=10) for k in range(n_parts)], 1)
    leases = [lease for _ in range(n_parts) if (lease := driver.take(0.0)) is not None]
    assert len(leases) == n_parts
    return driver, leases


def done(lease: Lease) -> Done:
    return Done(lease.token, (), 0, 0, (), (), (), 0, 0.0, "", (), "worker", 0)


def test_only_what_has_begun_is_waited_for() -> None:
    driver, (first, second, _) = driver_with(3)
    driver.handle(Started(first.token, (), 0), 1.0)

    driver.drain()

    assert driver.is_live(first.token)
    assert not driver.is_live(second.token)
    assert not driver.done
    assert driver.bytes_in_flight == 10
    driver.handle(done(second), 2.0)  # too late: it is no longer wanted
    driver.handle(done(first), 2.0)
    assert driver.done
    assert [outcome.part.name for outcome in driver.outcomes()] == [first.part.name]
    assert driver.take(3.0) is None
    assert driver.bytes_in_flight == 0


def test_what_failed_is_not_tried_again() -> None:
    driver, (first, second) = driver_with(2)
    for lease in (first, second):
        driver.handle(Started(lease.token, (), 0), 1.0)
    driver.handle(Failed(first.token, (), 0, "raised", "no luck"), 2.0)  # it waits for a retry

    driver.drain()
    driver.handle(Failed(second.token, (), 0, "raised", "no luck"), 2.0)

    assert driver.done
    assert driver.take(3.0) is None
    assert driver.outcomes() == []
    assert driver.bytes_in_flight == 0


def test_an_attempt_that_never_begins_is_named() -> None:
    driver, (first, second) = driver_with(2)
    assert [lease.token for lease, _, _ in driver.stuck(200.0, 120.0)] == [first.token]
    driver.handle(Started(second.token, (), 0), 1.0)
    assert [lease.token for lease, _, _ in driver.stuck(200.0, 120.0)] == [second.token]
