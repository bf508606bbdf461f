# SPDX-License-Identifier: Apache-2.0
"""Run one schedule, and hold its end against what should have come out."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from tests.simulation.broken import Broken
from tests.simulation.drive import Driving
from tests.simulation.recipe import Expected, Row, expected
from tests.simulation.schedule import Life, Schedule, schedule_of
from tests.simulation.sim_store import SimStore
from tests.simulation.watch import LEDGER, MANIFEST, OUTPUT, RUN_DIR
from tests.simulation.world import World, simulated
from thresher.runs.ledger import Ledger
from thresher.runs.ledger_state import LedgerState
from thresher.runs.manifest import build_manifest
from thresher.runs.part import OUT
from thresher.runs.retrying import FURTHER_ATTEMPTS


@dataclass
class Told:
    """How a schedule went."""

    histogram: Counter[str]
    steps: int
    world: World
    results: list[str]


def simulate_seed(seed: int) -> Told:
    """Run the schedule of a seed."""
    return simulate(schedule_of(seed))


def simulate(schedule: Schedule) -> Told:
    """Run a schedule.

    Raises
    ------
    Broken
        With the seed and the end of the trace, if any law does not hold.
    """
    world = World(Random(schedule.seed ^ 0x5EED))
    world.switching = schedule.switching
    try:
        with simulated(world, schedule.summary_every):
            _live(world, schedule)
    except Exception as error:
        trace = "\n".join(world.lines[-120:])
        raise Broken(f"seed {schedule.seed}: {error!r}\n{trace}") from error
    return Told(world.histogram, world.steps, world, [p.result for p in world.processes])


def _live(world: World, schedule: Schedule) -> None:
    for life in schedule.lives[:-1]:
        _before(world, life)
        _run(world, schedule, life)
    last = schedule.lives[-1]
    world.start(_driving(schedule, last), [])
    world.run()  # with those that sleep: they wake while it runs, or after it
    world.bury()
    world.workers_outlive = False
    want = expected(last.recipe, last.sources)
    if last.sources and all(source.fails for source in last.sources.values()):
        _has_failed(world, schedule, last)
        return
    if any(life.weather.unsteady for life in schedule.lives):  # attempts may be used up
        world.start(_driving(schedule, last), [])  # after those that have slept
        world.run()
        world.watch.tries_all = True
        again = world.start(replace(_driving(schedule, last), retry="all"), [])
        world.run()
        world.watch.tries_all = False
        if not again.result.startswith(("complete", "nothing to do")):
            raise Broken(f"trying everything again ended with {again.result}")
    rows: int | None = None
    for _ in range(2 + FURTHER_ATTEMPTS):  # what failed is tried again, and not for ever
        before = {path: inode.data for path, inode in world.disk.files.items()}
        alone = world.start(_driving(schedule, last), [])
        world.run()
        if alone.result not in ("complete", "nothing to do", "complete with failures"):
            raise Broken(f"the last run ended with {alone.result}")
        if (alone.result == "complete with failures") != want.has_failures:
            raise Broken(f"the last run ended with {alone.result}; failures: {want.has_failures}")
        _is_exact(world, last)
        if rows is not None and _rows_out(world) != rows:
            raise Broken(f"{_rows_out(world)} rows in the output, {rows} before what failed again")
        rows = _rows_out(world)
        if before == {path: inode.data for path, inode in world.disk.files.items()}:
            break
    else:
        raise Broken("no end to the attempts")


def _rows_out(world: World) -> int:
    return sum(world.disk.files[path].data.count(b"\n") for path in world.watch.outputs())


def _has_failed(world: World, schedule: Schedule, last: Life) -> None:
    """A run all of whose parts failed has failed, however often it is started."""
    for _ in range(2):
        alone = world.start(_driving(schedule, last), [])
        world.run()
        if not alone.result.startswith("StageError"):
            raise Broken(f"all parts failed, and yet: {alone.result}")


def _before(world: World, life: Life) -> None:
    world.workers_outlive = life.outlive
    outputs = world.watch.outputs()
    if life.lose_output and outputs:
        world.lose_output(world.rng.choice(outputs))


def _run(world: World, schedule: Schedule, life: Life) -> None:
    """One life, and the second drivers that start while it sleeps or runs."""
    world.start(_driving(schedule, life, stale=schedule.stale), list(life.faults))
    world.second_wanted = False
    world.run(lambda: world.second_wanted)
    if world.second_wanted:
        world.second_wanted = False
        world.note("second driver")
        return  # the next life is the second driver; this one sleeps, or runs on beside it
    ended = world.processes[-1].result.partition(":")[0]
    world.note(f"ended: {ended}")


def _driving(schedule: Schedule, life: Life, *, stale: bool = False) -> Driving:
    return Driving(
        life.recipe,
        life.sources,
        life.weather,
        resume=not life.fresh,
        objects=schedule.objects,
        stale=stale,
        memory=schedule.memory,
    )


def _is_exact(world: World, life: Life) -> None:
    """The output, the quarantine, the manifest and the ledger are what they must be."""
    want = expected(life.recipe, life.sources)
    disk = world.disk
    found = _of_last_recipe(world) if life.recipe.mode == "append" else _output(world)
    if not life.recipe.fickle and found != want.files:
        raise Broken(f"the output is {found}, not {want.files}")
    _quarantine_is_exact(world, want)
    left = [path for path in disk.files if "/_tmp/" in path]
    if left:
        raise Broken(f"temporaries are left: {left}")
    _manifest_is_exact(world, life, want)
    _ledger_replays(world)


def _output(world: World) -> dict[str, bytes]:
    files = world.disk.files
    return {path.removeprefix(f"{OUTPUT}/"): files[path].data for path in world.watch.outputs()}


def _of_last_recipe(world: World) -> dict[str, bytes]:
    """Files of the present records, without what parts their names from those of others."""
    output = _output(world)
    finals = [f.final for r in world.watch.state.records.values() for f in r.on_port(OUT)]
    return {re.sub(r"(^|/)g\d{4}-", r"\1", final): output[final] for final in finals}


def _quarantine_is_exact(world: World, want: Expected) -> None:
    folder = f"{RUN_DIR}/quarantine"
    found: dict[str, list[int]] = {}
    uncounted = set()
    for path in world.disk.below(folder):
        part = path.removeprefix(f"{folder}/").removesuffix(".ndjson")
        stem, _, number = part.rpartition("-")
        name = stem if len(number) == 4 and number.isdigit() else part
        lines = world.disk.files[path].data.splitlines()
        if lines[0].startswith(b"{"):  # the driver's own entry for a part that nobody can read
            uncounted.add(name)
            continue
        found.setdefault(name, []).extend(Row.from_line(line).number for line in lines)
    if uncounted != want.failed:
        raise Broken(f"in quarantine as a whole are {uncounted}, not {want.failed}")
    if {name: sorted(rows) for name, rows in found.items()} != want.quarantined:
        raise Broken(f"in quarantine are {found}, not {want.quarantined}")


def _manifest_is_exact(world: World, life: Life, want: Expected) -> None:
    manifest = json.loads(world.disk.files[MANIFEST].data)
    state = world.watch.state
    keys = [(0, name) for name in sorted(life.sources)]
    if life.recipe.checkpoint:
        keys += [(1, name) for name in sorted(life.sources) if (1, name) in state.records]
    records = [state.records[key] for key in keys]
    output = _output(world)
    if any(f"{OUTPUT}/{file['path']}" in world.watch.lost for file in manifest["files"]):
        return  # a user has removed what stays for good: the next generation will not list it
    kept = [
        replace(record, files=tuple(f for f in record.on_port(OUT) if f.final in output))
        for record in state.kept
    ]
    rebuilt = build_manifest("simulated", state.sealed, records, kept)
    if manifest != json.loads(json.dumps(rebuilt)):
        raise Broken("the manifest is not what the records make")
    if life.recipe.fickle:
        return  # the watch has held the output against the manifest
    listed = [(file["path"], file["bytes"], file["rows"]) for file in manifest["files"]]
    there = [(path, len(data), data.count(b"\n")) for path, data in output.items()]
    if sorted(listed) != sorted(there):
        raise Broken("the manifest does not list the output")
    if set(manifest["failed_parts"]) != want.failed:
        raise Broken(f"failed parts are {manifest['failed_parts']}, not {want.failed}")
    stages = {stage["stage"]: stage for stage in manifest["stages"]}
    estimated = sum(stage.get("estimated", 0) for stage in stages.values())
    facts = [
        stages.get("read", {"rows_in": 0})["rows_in"] - estimated,
        sum(stages.get("filter", {}).get("dropped", {}).values()),
        sum(stage.get("quarantined", 0) for stage in stages.values()) - estimated,
        stages.get("write", {"rows_out": 0})["rows_out"],
    ]
    rows = sum(data.count(b"\n") for data in want.files.values())
    quarantined = sum(len(rows) for rows in want.quarantined.values())
    if facts != [want.found, want.dropped, quarantined, rows]:
        raise Broken(f"found, dropped, quarantined, written are {facts}")


def _ledger_replays(world: World) -> None:
    """Replaying from the last summary gives what replaying every page gives."""
    whole = LedgerState()
    for path in world.disk.below(LEDGER):
        page = json.loads(world.disk.files[path].data)
        page.pop("summary", None)
        whole.apply(int(path[-13:-5]), page)
    loaded = Ledger(SimStore(world.disk, lambda what, path: None), LEDGER).load()
    if loaded.summary() != whole.summary() or loaded.page != whole.page:
        raise Broken("a summary page loses something")
