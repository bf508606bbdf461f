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

from tests.simulation.lives import (
    RECIPE,
    STORMY,
    life,
    published_files,
    rows,
    run,
    sources,
    struck,
    until_killed,
)
from tests.simulation.process import Fault
from tests.simulation.recipe import Row, Source
from tests.simulation.schedule import POINTS
from tests.simulation.sim_executor import Weather
from tests.simulation.watch import MANIFEST, RUN_DIR

# -- one driver -------------------------------------------------------------------------------


@pytest.mark.parametrize("published", range(1, 6))
def test_stray_of_a_fan_out(published: int) -> None:
    """A part makes five files, some are published, the driver dies; next time it makes others."""
    fickle = replace(RECIPE, fickle=True)
    for seed in range(5):
        told = run(
            life(Fault("kill", "publish", published), recipe=fickle),
            life(Fault("kill", "create", 4), recipe=fickle),
            seed=seed,
        )
        assert struck(told, "kill at publish", "kill at create")


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        *(("publish", count) for count in range(1, 4)),
        *(("publish: remove", count) for count in range(1, 4)),
        ("replace", 1),
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
        *(("publish", count) for count in (1, 2, 3, 6, 12)),
        ("replace", 1),
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
            assert told.results[0] == "complete with failures"
            rejected = Counter[str]()
            for path in told.world.disk.below(f"{RUN_DIR}/quarantine"):
                name = path.rpartition("/")[2]
                rejected[name[0]] += told.world.disk.files[path].data.count(b"\n")
            assert rejected == {"a": 2, "b": 2, "c": 1}


def test_a_source_that_kills_every_worker_ends() -> None:
    """Attempts are counted by us: nothing is retried without end."""
    killers = {"a": Source(1, tuple(Row(i, i, "kills") for i in range(20))), **sources("b")}
    told = until_killed(life(recipe=replace(RECIPE, batch=20), found=killers))
    assert told.results == ["complete with failures"]
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
    assert "broken.txt" not in published_files(told)
    told = run(life(found=found), life(found={**found, "broken": Source(2, rows(3))}))
    assert "broken.txt" in published_files(told)


# -- object stores ----------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["publish", "replace: delete", "create"])
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
        assert {path[0] for path in published_files(told)} == {"a", "z"}


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
