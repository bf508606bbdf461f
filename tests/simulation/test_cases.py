# SPDX-License-Identifier: Apache-2.0
"""The failure cases a linear run must survive, each provoked by a schedule of its own.

That the output, the quarantine, the manifest and the ledger are exact in the end, and that no law
was broken on the way, is what every ``simulate`` checks.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from tests.simulation.process import Fault
from tests.simulation.recipe import Recipe, Row, Source, Sources, expected
from tests.simulation.schedule import POINTS, Life, Schedule
from tests.simulation.sim_executor import Weather
from tests.simulation.simulate import Told, simulate
from tests.simulation.watch import MANIFEST, OUTPUT, RUN_DIR

RECIPE = Recipe(batch=1, keep=100)
STORMY = Weather(delay=5.0, doubled=0.5, dropped=0.2, deaths=0.2, naps=0.3, workers=3)


def rows(n: int, **kinds: str) -> tuple[Row, ...]:
    """Rows 0 to n-1; ``_3="kills"`` gives row 3 another kind."""
    return tuple(Row(i, i + 1, kinds.get(f"_{i}", "ok")) for i in range(n))


def sources(*names: str, version: int = 1, n: int = 5) -> Sources:
    return {name: Source(version, rows(n)) for name in names or ("a", "b", "c/d")}


def run(*lives: Life, seed: int = 1, **settings: object) -> Told:
    """The lives one after another, then a healthy one like the last of them."""
    healthy = Life(lives[-1].recipe, lives[-1].sources)
    return simulate(Schedule(seed, [*lives, healthy], **settings))  # type: ignore[arg-type]


def struck(told: Told, *faults: str) -> bool:
    """Whether each of the faults came to pass once; a case without its failure shows nothing."""
    return all(told.histogram[fault] == 1 for fault in faults)


def life(
    *faults: Fault, recipe: Recipe = RECIPE, found: Sources | None = None, **more: object
) -> Life:
    return Life(recipe, sources() if found is None else found, list(faults), **more)  # type: ignore[arg-type]


# -- one driver -------------------------------------------------------------------------------


@pytest.mark.parametrize("published", range(1, 6))
def test_stray_of_a_fan_out(published: int) -> None:
    """A part makes five files, some are published, the driver dies; next time it makes others."""
    fickle = replace(RECIPE, fickle=True)
    for seed in range(5):
        told = run(
            life(Fault("kill", "replace", published), recipe=fickle),
            life(Fault("kill", "create", 4), recipe=fickle),
            seed=seed,
        )
        assert struck(told, "kill at replace", "kill at create")


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        *(("replace", count) for count in range(1, 5)),
        *(("sync_folder", count) for count in range(1, 5)),
        *(("after-publish", count) for count in range(1, 4)),
        ("write", 1),
    ],
)
def test_lost_directory_entry(moment: str, count: int) -> None:
    """Power is lost after the rename and before the directory's fsync."""
    for seed in range(5):
        told = run(life(Fault("power", moment, count)), seed=seed)
        assert struck(told, f"power at {moment}")


def test_empty_part() -> None:
    """A filter drops every row: a record with no files, and never a second run of the part."""
    nothing = replace(RECIPE, keep=1)
    told = run(life(Fault("kill", "before-seal"), recipe=nothing), life(recipe=nothing))
    assert told.world.watch.commits == 3
    assert told.world.watch.outputs() == []


def test_who_knows_a_part_is_complete() -> None:
    """Batches of three Steps report late, twice and out of order; parts commit whole, once."""
    many = {name: Source(1, rows(40)) for name in "abc"}
    halves = replace(RECIPE, halves=True, batch=3)
    for seed in range(10):
        told = run(life(recipe=halves, found=many, weather=STORMY), seed=seed)
        assert told.world.watch.commits == 3


@pytest.mark.parametrize("moment", ["create", "create: sync"])
@pytest.mark.parametrize("what", ["kill", "power"])
@pytest.mark.parametrize("page", range(1, 8))
def test_killed_mid_append(what: str, moment: str, page: int) -> None:
    """A page is there whole, or not at all."""
    for seed in range(3):
        told = run(life(Fault(what, moment, page)), seed=seed)
        assert struck(told, f"{what} at {moment}")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("what", ["kill", "power"])
def test_killed_inside_a_commit(what: str, point: str) -> None:
    told = run(life(Fault(what, point)), life(Fault(what, point)))
    assert told.histogram[f"{what} at {point}"] >= 1


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        *(("create", count) for count in (1, 2, 3, 6)),
        *(("replace", count) for count in (1, 2, 3, 6, 12)),
        *(("turn", count) for count in (1, 2, 3, 6, 12, 20)),
        ("write", 1),
    ],
)
def test_full_disk(moment: str, count: int) -> None:
    """The ledger, publishing, the manifest, or a worker's file finds no room."""
    told = run(life(Fault("full", moment, count, 10)), life())
    assert struck(told, f"full at {moment}")
    assert told.results[-1] == "nothing to do"


def test_full_disk_is_a_storage_error() -> None:
    for fault in (Fault("full", "create", 3, 100), Fault("full", "turn", 1, 1000)):
        assert run(life(fault)).results[0].startswith("StorageError")


def test_batches_never_wait_for_one_another() -> None:
    """Room for less than one part: the oldest may overdraw, so everything comes to its end."""
    many = {f"part-{i}": Source(1, rows(7)) for i in range(8)}
    told = run(life(found=many, weather=STORMY), memory=1)
    assert told.results[0] == "complete"


# -- rows and workers -------------------------------------------------------------------------


def test_poison_rows_are_found() -> None:
    """A worker dies with several parts in flight; the culprit is found, and it alone."""
    found = {
        "a": Source(1, rows(9, _4="kills", _7="kills")),
        "b": Source(1, rows(9, _0="raises", _1="broken")),
        "c": Source(1, rows(1, _0="kills")),
        "d": Source(1, rows(5)),
    }
    for steps in (1, 2, 3):
        for seed in range(5):
            recipe = replace(RECIPE, steps=steps, batch=4)
            told = run(life(recipe=recipe, found=found, weather=Weather(workers=3)), seed=seed)
            assert told.results[0] == "complete"
            rejected = Counter[str]()
            for path in told.world.disk.below(f"{RUN_DIR}/quarantine"):
                name = path.rpartition("/")[2]
                rejected[name[0]] += told.world.disk.files[path].data.count(b"\n")
            assert rejected == {"a": 2, "b": 2, "c": 1}


def test_a_source_that_kills_every_worker_ends() -> None:
    """Attempts are counted by us: nothing is retried without end."""
    killers = {"a": Source(1, tuple(Row(i, i, "kills") for i in range(20))), **sources("b")}
    told = _until_killed(life(recipe=replace(RECIPE, batch=20), found=killers))
    assert told.results == ["complete"]
    assert told.steps < 5_000
    manifest = json.loads(told.world.disk.files[MANIFEST].data)
    assert [file["path"] for file in manifest["files"]] == ["b.txt"]


def test_zombie_worker() -> None:
    """The driver is killed, its workers live on and write where the next driver's workers do."""
    seen = 0
    for seed in range(20):
        told = run(
            life(Fault("kill", "turn", 3), weather=STORMY, outlive=True),
            life(Fault("kill", "turn", 6), weather=STORMY, outlive=True),
            seed=seed,
        )
        seen += told.histogram["zombie worker writes"]
    assert seen > 20


def test_link_cut() -> None:
    """A worker is given up for dead and is not: what it reports later bears a stale token."""
    seen = 0
    for seed in range(20):
        told = run(life(weather=replace(STORMY, dropped=0.5, deaths=0.0)), seed=seed)
        assert told.results[0] == "complete"
        seen += told.histogram["pipe broken"]
    assert seen > 20


def test_unreadable_source() -> None:
    """A source that cannot be read, or changed while it was read, is never a commit of rows."""
    found = {**sources(), "broken": Source(1, rows(3), unreadable=True)}
    told = run(life(found=found))
    assert "broken.txt" not in _published(told)
    told = run(life(found=found), life(found={**found, "broken": Source(2, rows(3))}))
    assert "broken.txt" in _published(told)


# -- several drivers --------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [*POINTS, "turn", "list", "replace", "make_folder", "create"])
def test_two_drivers(moment: str) -> None:
    """A second driver starts and both run on: the older one is fenced."""
    for seed in range(10):
        told = run(life(Fault("second", moment)), life(), seed=seed, switching=0.5)
        assert struck(told, f"second at {moment}", "second driver")


MOMENTS = ("create", "create: sync", "replace", "sync_folder", "size", "list", "write",
           "retire", "remove_tree", "make_folder", "turn")  # fmt: skip


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
    told = _until_killed(
        life(found=parts), life(Fault("kill", "before-seal"), recipe=other, found=parts)
    )
    assert _published(told) == first
    assert json.loads(told.world.disk.files[MANIFEST].data)["generation"] == 1


def _until_killed(*lives: Life) -> Told:
    """Without the healthy run at the end: what a reader of the output sees meanwhile."""
    from random import Random

    from tests.simulation.simulate import _run
    from tests.simulation.world import World, simulated

    world = World(Random(1))
    world.workers_outlive = False
    schedule = Schedule(1, list(lives))
    with simulated(world, 10_000):
        for one in lives:
            _run(world, schedule, one)
    return Told(world.histogram, world.steps, world, [p.result for p in world.processes])


def _published(told: Told) -> dict[str, bytes]:
    files = told.world.disk.files
    return {
        path.removeprefix(f"{OUTPUT}/"): files[path].data for path in told.world.watch.outputs()
    }


@pytest.mark.parametrize(
    ("point", "times"),
    [("before-seal", 1), ("mid-seal", 1), ("replace", 5), ("retire", 5), ("write", 1)],
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
    assert told.results == ["complete"] * 4 + ["nothing to do"] * 3
    assert {path[0] for path in _published(told)} == {"b"}


def test_a_part_whose_files_are_gone_is_made_again() -> None:
    told = run(life(), life(lose_output=True))
    assert told.world.watch.commits == 4


def test_appending_keeps_what_was_there() -> None:
    """Mode append: every generation adds its files, and the manifest lists them all."""
    adding = replace(RECIPE, mode="append", batch=10)
    told = _until_killed(
        life(recipe=adding, found=sources("a", "b")),
        life(recipe=adding, found={**sources("b"), "a": Source(2, rows(2))}),
        life(Fault("kill", "mid-seal"), recipe=adding, found=sources("b", "c")),
        life(recipe=adding, found=sources("b", "c")),
    )
    assert told.results[-1] == "complete"
    want = {"a.txt", "b.txt", "g0002-a.txt", "g0003-c.txt"}
    assert set(_published(told)) == want
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


# -- object stores ----------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["replace", "replace: delete", "create"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_rename_is_copy_and_delete(moment: str, count: int) -> None:
    for what in ("kill", "power", "pause"):
        told = run(life(Fault(what, moment, count)), life(), objects=True)
        assert struck(told, f"{what} at {moment}")


def test_stale_listing() -> None:
    """Listings lack the newest pages and files; nothing is missed for that."""
    for seed in range(30):
        told = run(
            life(Fault("kill", "turn", 5)),
            life(Fault("kill", "before-seal")),
            life(found=sources("a", "z")),
            seed=seed,
            objects=True,
            stale=True,
        )
        assert struck(told, "kill at turn", "kill at before-seal")
        assert {path[0] for path in _published(told)} == {"a", "z"}


def test_summary_pages_lose_nothing() -> None:
    for every in (1, 2, 3):
        told = run(
            life(Fault("kill", "turn", 12)),
            life(Fault("kill", "mid-seal"), found=sources("a", "z")),
            life(recipe=replace(RECIPE, version=2)),
            summary_every=every,
        )
        assert struck(told, "kill at turn", "kill at mid-seal")
        assert told.results[2] == "complete"


def test_quarantine_lies_in_the_run_directory() -> None:
    told = run(life(found={"a": Source(1, rows(3, _1="raises"))}))
    assert told.world.disk.below(f"{RUN_DIR}/quarantine") == [f"{RUN_DIR}/quarantine/a.ndjson"]
