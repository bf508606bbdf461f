# SPDX-License-Identifier: Apache-2.0
"""Schedules of several drivers that share a run, over the same disk, clock and faults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tests.simulation.broken import Broken, Killed
from tests.simulation.drive import Driving, _pass_signals
from tests.simulation.process import Fault, Process
from tests.simulation.recipe import NAME, Recipe, Source, Sources, expected, plan_of
from tests.simulation.schedule import POINTS, schedule_of
from tests.simulation.shared_watch import SharedWatch
from tests.simulation.sim_executor import SimExecutor
from tests.simulation.simulate import _quarantine_is_exact
from tests.simulation.watch import MANIFEST, OUTPUT, RUN_DIR
from tests.simulation.world import World, simulated
from thresher.planning.frozen import FrozenPlan
from thresher.planning.plan import Plan
from thresher.runs.publish import RunPaths
from thresher.runs.report import Observer
from thresher.runs.report.observer import ENDED_WELL
from thresher.runs.shard import Shard
from thresher.runs.shared import SharedRun

MOST_ROUNDS = 30
PATIENCE = 5.0


@dataclass(frozen=True)
class SharedDriving(Driving):
    """One of several drivers."""

    shard: Shard = field(default_factory=lambda: Shard(0, 2))

    def _session(self, process: Process, executor: SimExecutor) -> str:
        from thresher.pipeline.sharded import ShardedSession

        pipeline: Any = SimpleNamespace(
            on_error=self.on_error, max_error_rate=self.max_error_rate, stages=[]
        )
        session = ShardedSession(
            pipeline,
            executor,
            self.shard,
            PATIENCE,
            run_dir=RUN_DIR,
            resume=True,
            fresh_from=None,
            take_over=True,
            observer=Observer(),
        )
        _pass_signals(process, session)
        store = self._store(process)

        def planner(frozen: FrozenPlan | None) -> tuple[Plan, FrozenPlan]:
            plan = plan_of(self.recipe, self.sources)
            if frozen is not None:
                plan = replace(plan, parts=_as_frozen(plan, frozen))
            return plan, FrozenPlan.of(plan, [], None)

        shared = SharedRun(
            NAME, RunPaths(OUTPUT, RUN_DIR, "ignore", "txt"), (store, store), self.shard,
            take_over=True, beating=False,
        )  # fmt: skip
        try:
            return session.share(shared, planner).status
        except Killed:
            process.doomed = True
            raise


def _as_frozen(plan: Plan, frozen: FrozenPlan) -> Any:
    prints = plan.fingerprints[0]
    return tuple(replace(part, fingerprint=prints) for part in frozen.parts)


def simulate_shared(seed: int) -> World:
    """Run the schedule of a seed: two recipes, one after the other, by two or three drivers.

    Raises
    ------
    Broken
        With the seed and the end of the trace, if any law does not hold.
    """
    rng = Random(seed)
    schedule = schedule_of(seed)
    world = World(Random(seed ^ 0x5EED))
    world.switching = rng.choice((0.1, 0.3, 0.5))
    watch = SharedWatch(world.disk, lambda: set())
    watch._forget_chains()
    world.watch = watch
    n = rng.randint(2, 3)

    def clock() -> float:
        return world.now

    def sleep(seconds: float) -> None:
        world.now += seconds
        assert world.current is not None
        world.current.step("turn")

    patches = (
        mock.patch("thresher.pipeline.sharded.monotonic", clock),
        mock.patch("thresher.pipeline.sharded.sleep", sleep),
        mock.patch("thresher.runs.marks.identity", dict),
        mock.patch("thresher.runs.run_id.uuid4", return_value=SimpleNamespace(hex="simulated000")),
    )
    first, last = schedule.lives[0], schedule.lives[-1]
    try:
        with (
            simulated(world, schedule.summary_every),
            patches[0],
            patches[1],
            patches[2],
            patches[3],
        ):
            _generation(world, rng, n, first.recipe, _readable(first.sources))
            recipe = replace(last.recipe, version=last.recipe.version + 7)
            _generation(world, rng, n, recipe, last.sources)
    except Exception as error:  # whatever it is, with its seed and trace
        trace = "\n".join(world.lines[-120:])
        raise Broken(f"seed {seed}: {error!r}\n{trace}") from error
    return world


def _generation(world: World, rng: Random, n: int, recipe: Recipe, sources: Sources) -> None:
    """Until all drivers say that it is published; some die or sleep on the way."""
    for round_ in range(MOST_ROUNDS):
        before = len(world.processes)
        for index in rng.sample(range(n), n):
            world.start(
                SharedDriving(recipe, sources, shard=Shard(index, n)),
                _faults(rng) if round_ < 4 else [],
            )
        world.second_wanted = False
        world.run()
        world.bury()
        results = [process.result for process in world.processes[before:]]
        if all(result in ENDED_WELL for result in results):
            break
        if _all_failed(sources) and all(result.startswith("StageError") for result in results):
            return
        for result in results:
            if result.partition(":")[0] not in (
                "", *ENDED_WELL, "waiting", "killed", "StorageError", "Held", "Fenced",
                "interrupted", "DataError", *(["StageError"] if _all_failed(sources) else []),
            ):  # fmt: skip
                raise Broken(f"a driver ended with {result}")
    else:
        raise Broken(f"not complete after {MOST_ROUNDS} rounds: {results}")
    world.workers_outlive = False
    _until_settled(world, n, recipe, sources)
    world.workers_outlive = True
    _is_exact(world, recipe, sources)


def _until_settled(world: World, n: int, recipe: Recipe, sources: Sources) -> None:
    """Until a call of all drivers changes nothing any more."""
    for _ in range(MOST_ROUNDS):  # what failed is tried again, and not for ever
        files = {path: inode.data for path, inode in world.disk.files.items()}
        before = len(world.processes)
        for index in range(n):
            world.start(SharedDriving(recipe, sources, shard=Shard(index, n)), [])
        world.run()
        results = {process.result for process in world.processes[before:]}
        has_failures = expected(recipe, sources).has_failures
        well = {"complete with failures"} if has_failures else {"nothing to do"}
        if results == well and files == {p: inode.data for p, inode in world.disk.files.items()}:
            break
        if not has_failures or not results <= {*well, "waiting"}:
            raise Broken(f"nothing was left to do, and yet: {results}")
    else:
        raise Broken("no end to the attempts")


def _readable(sources: Sources) -> Sources:
    """The sources, of which some can be read: otherwise no other recipe could follow."""
    if not _all_failed(sources):
        return sources
    return {
        name: Source(source.version, tuple(replace(row, kind="ok") for row in source.rows))
        for name, source in sources.items()
    }


def _all_failed(sources: Sources) -> bool:
    return all(source.fails for source in sources.values())


def _faults(rng: Random) -> list[Fault]:
    if rng.random() < 0.3:
        return []
    what = rng.choice(("kill", "kill", "kill", "power", "pause", "full", "drain"))
    at = rng.choice(POINTS) if rng.random() < 0.4 else ""
    count = rng.randint(1, 2) if at else int(2 ** (rng.random() * 8))
    return [Fault(what, at, count, rng.choice((1, 5, 30, 200)))]


def _is_exact(world: World, recipe: Recipe, sources: Sources) -> None:
    want = expected(recipe, sources)
    disk = world.disk
    found = {
        path.removeprefix(f"{OUTPUT}/"): disk.files[path].data for path in world.watch.outputs()
    }
    if found != want.files:
        raise Broken(f"the output is {found}, not {want.files}")
    _quarantine_is_exact(world, want)
    if left := [path for path in disk.files if "/_tmp/" in path]:
        raise Broken(f"temporaries are left: {left}")
    manifest = json.loads(disk.files[MANIFEST].data)
    if {f["path"]: f["bytes"] for f in manifest["files"]} != {
        path: len(data) for path, data in want.files.items()
    } or set(manifest["failed_parts"]) != want.failed:
        raise Broken("the manifest does not list the output")
