# SPDX-License-Identifier: Apache-2.0
"""Short words for the lives of drivers in a failure case, and for what came of them."""

from __future__ import annotations

from random import Random

from tests.simulation.process import Fault
from tests.simulation.recipe import Recipe, Row, Source, Sources
from tests.simulation.schedule import Life, Schedule
from tests.simulation.sim_executor import Weather
from tests.simulation.simulate import Told, _run, simulate
from tests.simulation.watch import OUTPUT
from tests.simulation.world import World, simulated

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


def until_killed(*lives: Life) -> Told:
    """Without the healthy run at the end: what a reader of the output sees meanwhile."""
    world = World(Random(1))
    world.workers_outlive = False
    schedule = Schedule(1, list(lives))
    with simulated(world, 10_000):
        for one in lives:
            _run(world, schedule, one)
    return Told(world.histogram, world.steps, world, [p.result for p in world.processes])


def published_files(told: Told) -> dict[str, bytes]:
    files = told.world.disk.files
    return {
        path.removeprefix(f"{OUTPUT}/"): files[path].data for path in told.world.watch.outputs()
    }
