# SPDX-License-Identifier: Apache-2.0
"""Schedules: what is run, what changes between runs, and what goes wrong when; all from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.simulation.process import Fault
from tests.simulation.recipe import Recipe, Row, Source, Sources
from tests.simulation.sim_executor import CALM, Weather

POINTS = (
    "before-append", "after-append", "after-publish", "before-seal", "mid-seal", "after-seal",
)  # fmt: skip


@dataclass(frozen=True)
class Life:
    """One run of the pipeline: what it finds, and what befalls it."""

    recipe: Recipe
    sources: Sources
    faults: list[Fault] = field(default_factory=list)
    weather: Weather = CALM
    outlive: bool = True
    lose_output: bool = False
    fresh: bool = False


@dataclass(frozen=True)
class Schedule:
    """All lives of a pipeline; the last one is healthy."""

    seed: int
    lives: list[Life]
    objects: bool = False
    stale: bool = False
    summary_every: int = 10_000
    memory: int = 2**31
    switching: float = 0.1


def schedule_of(seed: int) -> Schedule:
    """The schedule of a seed."""
    rng = Random(seed)
    recipe = _recipe(rng)
    if Random(seed ^ 0xADD).random() < 0.2:
        recipe = replace(recipe, mode="append")
    sources = {name: _source(rng, 1) for name in _names(rng, rng.randint(1, 5))}
    lives = []
    for number in range(rng.randint(1, 5)):
        if number:
            recipe, sources = _change(rng, recipe, sources)
        lives.append(
            Life(
                recipe,
                sources,
                _faults(rng),
                _weather(rng),
                rng.random() < 0.5,
                bool(number) and rng.random() < 0.1,
                bool(number) and rng.random() < 0.05,
            )
        )
    if rng.random() < 0.3:
        recipe, sources = _change(rng, recipe, sources)
    lives.append(Life(recipe, sources, [], replace(_weather(rng), deaths=0.0, dropped=0.0)))
    dice = Random(seed ^ 0x51CC)
    if dice.random() < 0.3:
        lives[:-1] = [
            replace(life, weather=replace(life.weather, unsteady=dice.choice((0.0, 0.2, 0.6))))
            for life in lives[:-1]
        ]
    objects = rng.random() < 0.2
    return Schedule(
        seed,
        lives,
        objects,
        objects and rng.random() < 0.6,
        rng.choice((2, 5, 10_000)),
        rng.choice((1, 4, 2**31)),
        rng.choice((0.02, 0.1, 0.5)),
    )


def _names(rng: Random, n: int) -> list[str]:
    return rng.sample(["a", "b", "c/d", "c/e", "f", "g", "h@0000000000"], n)


def _recipe(rng: Random) -> Recipe:
    return Recipe(
        version=1,
        steps=rng.randint(1, 3),
        checkpoint=rng.random() < 0.2,
        batch=rng.randint(1, 3),
        halves=rng.random() < 0.3,
        keep=rng.choice((1, 2, 3, 100)),  # 1 keeps nothing: empty parts
    )


def _source(rng: Random, version: int) -> Source:
    kinds = ("ok",) * 30 + ("broken", "raises", "kills")
    rows = tuple(
        Row(number, rng.randrange(100), rng.choice(kinds)) for number in range(rng.randint(0, 6))
    )
    return Source(version, rows, unreadable=rng.random() < 0.03)


def _change(rng: Random, recipe: Recipe, sources: Sources) -> tuple[Recipe, Sources]:
    """Between two runs the recipe, the inputs, or nothing changes."""
    changed = dict(sources)
    kind = rng.choice(("nothing", "nothing", "recipe", "source", "vanish", "appear", "checkpoint"))
    if kind == "recipe":
        recipe = replace(recipe, version=recipe.version + 1, batch=rng.randint(1, 3))
    elif kind == "checkpoint":
        recipe = replace(recipe, checkpoint=not recipe.checkpoint)
    elif kind == "source":
        name = rng.choice(sorted(changed))
        changed[name] = _source(rng, changed[name].version + 1)
    elif kind == "vanish" and len(changed) > 1:
        del changed[rng.choice(sorted(changed))]
    elif kind == "appear":
        for name in _names(rng, 2):
            changed.setdefault(name, _source(rng, 100 + rng.randrange(1000)))
    return recipe, changed


def _faults(rng: Random) -> list[Fault]:
    """At most two things that happen to a driver."""
    faults = []
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        what = rng.choice(
            ("kill", "kill", "kill", "power", "power", "pause", "pause", "second", "full", "drain",
             "cancel")
        )  # fmt: skip
        at = rng.choice(POINTS) if rng.random() < 0.4 else ""
        count = rng.randint(1, 2) if at else int(2 ** (rng.random() * 7.5))
        faults.append(Fault(what, at, count, rng.choice((1, 5, 30, 200))))
    return faults


def _weather(rng: Random) -> Weather:
    return Weather(
        delay=rng.choice((0.0, 0.5, 3.0)),
        doubled=rng.choice((0.0, 0.2)),
        dropped=rng.choice((0.0, 0.1)),
        deaths=rng.choice((0.0, 0.1)),
        naps=rng.choice((0.0, 0.1)),
        workers=rng.randint(1, 3),
    )
