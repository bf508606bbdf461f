# SPDX-License-Identifier: Apache-2.0
"""The failure cases of several drivers, at once or one generation after another."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.simulation.lives import (
    RECIPE,
    life,
    published_files,
    rows,
    run,
    sources,
    struck,
    until_killed,
)
from tests.simulation.process import Fault
from tests.simulation.recipe import Source, expected
from tests.simulation.schedule import POINTS, Life
from tests.simulation.watch import MANIFEST

# -- several drivers --------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [*POINTS, "turn", "list", "publish", "make_folder", "create"])
def test_two_drivers(moment: str) -> None:
    """A second driver starts and both run on: the older one is fenced."""
    for seed in range(10):
        told = run(life(Fault("second", moment)), life(), seed=seed, switching=0.5)
        assert struck(told, f"second at {moment}", "second driver")


MOMENTS = ("create", "create: sync", "publish", "publish: remove", "replace", "sync_folder",
           "size", "list", "write", "retire", "remove_tree", "make_folder", "turn")  # fmt: skip


@pytest.mark.parametrize("moment", [*POINTS, *MOMENTS])
def test_paused_driver(moment: str) -> None:
    """A driver sleeps while a newer one works, and wakes during that or after it."""
    other = replace(RECIPE, version=2, keep=3)
    changed = {**sources("a", "c/d"), "e": Source(1, rows(4)), "a": Source(2, rows(3))}
    for count in (1, 3, 8):
        for sleep in (20, 10_000):
            pause = Fault("pause", moment, count, sleep)
            told = run(life(), life(pause, recipe=other), life(recipe=other, found=changed))
            again = run(life(pause), life(found=changed), seed=count)
            paused = struck(told, f"pause at {moment}") or struck(again, f"pause at {moment}")
            assert paused or count > 1  # some moments come only once


def test_a_fenced_driver_says_so() -> None:
    told = run(life(Fault("pause", "before-append", 1, 10_000)), life())
    assert told.results[0].startswith("Fenced")
    assert told.results[1] in ("complete", "nothing to do")


# -- generations ------------------------------------------------------------------------------


def test_second_generation_killed_at_forty_percent() -> None:
    """Until all of the new is there, the old stands whole, with its manifest."""
    parts = sources(*"abcdefghij")
    other = replace(RECIPE, version=2, keep=2)
    first = expected(RECIPE, parts).files
    for page in range(12, 16):
        told = run(
            life(found=parts),
            life(Fault("kill", "create", page - 8), recipe=other, found=parts),
            Life(other, {}, [Fault("kill", "list", 1)]),
            life(recipe=other, found=parts),
        )
        assert told.histogram["kill at create"] == 1
    told = until_killed(
        life(found=parts), life(Fault("kill", "before-seal"), recipe=other, found=parts)
    )
    assert published_files(told) == first
    assert json.loads(told.world.disk.files[MANIFEST].data)["generation"] == 1


@pytest.mark.parametrize(
    ("point", "times"),
    [("before-seal", 1), ("mid-seal", 1), ("publish", 3), ("retire", 5), ("write", 1)],
)
@pytest.mark.parametrize("what", ["kill", "power", "full"])
def test_sealing_is_resumed(what: str, point: str, times: int) -> None:
    """Old manifest away, files in, files of vanished parts out, new manifest in."""
    other = replace(RECIPE, version=2, keep=2)
    for count in range(1, times + 1):
        fault = Fault(what, point, count, 3)
        told = run(life(), life(fault, recipe=other, found=sources("a", "x")))
        assert struck(told, f"{what} at {point}")


def test_a_vanished_part_comes_back() -> None:
    told = run(life(), life(found=sources("a")), life(), life(found=sources("b")))
    assert told.results == ["complete"] * 4 + ["nothing to do"] * 2
    assert {path[0] for path in published_files(told)} == {"b"}


def test_a_part_whose_files_are_gone_is_made_again() -> None:
    told = run(life(), life(lose_output=True))
    assert told.world.watch.commits == 4


def test_appending_keeps_what_was_there() -> None:
    """Mode append: every generation adds its files, and the manifest lists them all."""
    adding = replace(RECIPE, mode="append", batch=10)
    told = until_killed(
        life(recipe=adding, found=sources("a", "b")),
        life(recipe=adding, found={**sources("b"), "a": Source(2, rows(2))}),
        life(Fault("kill", "mid-seal"), recipe=adding, found=sources("b", "c")),
        life(recipe=adding, found=sources("b", "c")),
    )
    assert told.results[-1] == "complete"
    want = {"a.txt", "b.txt", "g0002-a.txt", "g0003-c.txt"}
    assert set(published_files(told)) == want
    listed = json.loads(told.world.disk.files[MANIFEST].data)["files"]
    assert {file["path"] for file in listed} == want


def test_segments() -> None:
    """Spill is committed between Segments; a changed writer does not read its sources again."""
    spilled = replace(RECIPE, checkpoint=True)
    for point in POINTS:
        for count in (1, 2):
            run(life(Fault("kill", point, count), recipe=spilled), life(recipe=spilled))
    told = run(life(recipe=spilled), life(recipe=replace(spilled, steps=1)))
    assert told.world.watch.commits == 3 + 3 + 3


def test_too_many_errors_stay_too_many() -> None:
    """A failed part still counts when the run is started again: it cannot slip through."""
    from random import Random

    from tests.simulation.drive import Driving
    from tests.simulation.world import World, simulated

    found = {**sources(), "broken": Source(1, rows(3), unreadable=True)}
    world = World(Random(1))
    with simulated(world, 10_000):
        for _ in range(3):
            process = world.start(Driving(RECIPE, found, max_error_rate=0.1), [])
            world.run()
            assert process.result.startswith("StageError")
    assert MANIFEST not in world.disk.files
