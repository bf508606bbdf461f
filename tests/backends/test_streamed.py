# SPDX-License-Identifier: Apache-2.0
"""What is made of an engine's messages and of its end; the engine is a function here."""

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from thresher.backends.driver import Driver
from thresher.backends.executor import Done, Failed, Lease, Message, Started
from thresher.backends.ray import streamed as module
from thresher.backends.ray.streamed import Streamed
from thresher.runs.part import Part
from thresher.tasks import EmptyTask

MANY = 130


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No node is lost here that would have to be waited for."""
    monkeypatch.setattr(module, "NOTICE_WITHIN_SECONDS", 0.1)


class Box:
    """Messages of workers, which end when they are told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.ended = threading.Event()

    def taken(self) -> list[Message]:
        taken, self.messages = self.messages, []
        return taken

    def end_workers(self) -> None:
        self.ended.set()

    def close(self) -> None:
        pass


class AllThere:
    """Nodes of which none is ever lost."""

    def watch_all(self) -> None:
        pass

    def newly_lost(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


class Source:
    """A driver's leases, now."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def take(self) -> Lease | None:
        return self.driver.take(time.monotonic())

    @property
    def done(self) -> bool:
        return self.driver.done

    def is_live(self, token: str) -> bool:
        return self.driver.is_live(token)


def done(token: str) -> Done:
    return Done(token, (), 0, 0, (), (), (), 0, 0.0, "", (), "worker", 0)


def streamed(n_parts: int, engine: Callable[[Box, list[Lease]], None]) -> tuple[list[Failed], int]:
    """What failed, and how often the engine ran, until every part is through it."""
    driver = Driver([Part(0, str(k), EmptyTask()) for k in range(n_parts)], 1)
    box = Box()
    failed: list[Failed] = []
    runs = 0

    def run(leases: list[Lease]) -> None:
        nonlocal runs
        runs += 1
        box.ended.clear()
        engine(box, leases)

    def sink(message: Message) -> None:
        if isinstance(message, Failed):
            failed.append(message)
        driver.handle(message, time.monotonic())

    class Alone:
        """In place of the pool for suspects, which all do well here."""

        def __init__(self, leases: Any) -> None:
            while (lease := leases.take()) is not None:
                sink(done(lease.token))

    source: Any = Source(driver)
    nobody: Any = None
    led: Any = Streamed((), run, cast("Any", box), nobody, cast("Any", AllThere()), source, sink)
    led._on_pool = lambda leases, cancel: Alone(leases)
    led.run(threading.Event())
    assert driver.error is None
    assert driver.done
    return failed, runs


def test_a_call_that_begins_again_and_again_is_to_blame_alone() -> None:
    def engine(box: Box, leases: list[Lease]) -> None:
        bad = [lease.token for lease in leases if lease.part.name == "7"]
        box.messages += [Started(lease.token, (), 0) for lease in leases]
        box.messages += [Started(token, (), 0) for token in bad * 3]
        if not bad:
            box.messages += [done(lease.token) for lease in leases]
            return
        assert box.ended.wait(30)
        raise RuntimeError("workers were killed")

    failed, runs = streamed(MANY, engine)

    assert runs == 2
    assert [f.error for f in failed if f.kind == "died"] == ["its worker ends again and again"]
    assert sum(f.kind == "unused" for f in failed) == MANY - 1


def test_a_call_that_was_repeated_and_ended_well_is_innocent() -> None:
    def engine(box: Box, leases: list[Lease]) -> None:
        first, *rest = (lease.token for lease in leases)
        if len(leases) == MANY:
            box.messages += [Started(first, (), 0), Started(first, (), 0), done(first)]
            raise RuntimeError("the engine fell over")
        box.messages += [done(token) for token in (first, *rest)]

    failed, _ = streamed(MANY, engine)

    assert {f.kind for f in failed} == {"unused"}
    assert len(failed) == MANY - 1


def test_an_engine_that_falls_over_with_many_calls_does_not_end_the_run() -> None:
    def engine(box: Box, leases: list[Lease]) -> None:
        box.messages += [Started(lease.token, (), 0) for lease in leases]
        if any(lease.part.name == "100" for lease in leases):
            raise RuntimeError("a worker died")
        box.messages += [done(lease.token) for lease in leases]

    failed, runs = streamed(MANY, engine)

    assert runs <= 4
    assert sum(f.kind == "died" for f in failed) <= 3 * 50


def test_messages_that_arrive_after_the_end_count() -> None:
    def engine(box: Box, leases: list[Lease]) -> None:
        def later() -> None:
            time.sleep(0.3)
            box.messages += [done(lease.token) for lease in leases]

        threading.Thread(target=later).start()

    assert streamed(3, engine) == ([], 1)
