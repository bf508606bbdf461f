# SPDX-License-Identifier: Apache-2.0
"""The cost model as a function: what more nodes, bytes and limits do to a prediction."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.planning.cost.engines import ACTOR_POOL, ENGINES, LOCAL, engine_for
from thresher.planning.cost.model import predict
from thresher.planning.cost.rates import Rates, StepRate
from thresher.planning.machine import Machine
from thresher.runs.part import Part
from thresher.tasks import EmptyTask

GB = 10**9
ENGINE = ENGINES[ACTOR_POOL]
IDLE = replace(ENGINE, start_s=0.0, call_s=0.0, driver_s=0.0)
"""An executor that costs nothing."""

LIMITS = st.none() | st.integers(1, 64)
STEPS = st.builds(
    StepRate,
    number=st.integers(1, 4),
    name=st.just("step"),
    segment=st.integers(0, 1),
    seconds=st.floats(1e-9, 1e-5),
    handling=st.floats(0, 1e-6),
    passes=st.floats(0, 5),
    cpus=st.integers(1, 6),
    gpus=st.sampled_from((0.0, 0.5, 1.0)),
    most=LIMITS,
    most_per_node=LIMITS,
)
RATES = st.builds(
    Rates,
    unit=st.just("byte"),
    steps=st.lists(STEPS, min_size=1, max_size=4).map(
        lambda steps: tuple(
            replace(step, number=n)
            for n, step in enumerate(sorted(steps, key=lambda s: s.segment), 1)
        )
    ),
    setup_s=st.floats(0, 60),
    error=st.none() | st.floats(0, 1),
)
NODE = st.builds(Machine, st.integers(1, 32), st.integers(GB, 64 * GB), st.sampled_from((1.0, 4.0)))
TINY = 1e-9
"""Seconds lost in adding the start and taking it off again."""

SIZES = st.lists(st.integers(0, 10 * GB), min_size=1, max_size=50)


def parts_of(sizes: list[int]) -> list[Part]:
    return [
        Part(0, f"{n}", EmptyTask(), estimate=4 * size, source_bytes=size)
        for n, size in enumerate(sizes)
    ]


def one_step(**placement: object) -> Rates:
    return Rates("byte", (StepRate(1, "step", 0, 1e-6, **placement),))  # type: ignore[arg-type]


@settings(deadline=None)
@given(RATES, SIZES, NODE, st.integers(1, 200))
def test_more_nodes_never_take_longer(
    measured: Rates, sizes: list[int], node: Machine, nodes: int
) -> None:
    few, more = (predict(measured, parts_of(sizes), node, n, ENGINE) for n in (nodes, nodes + 1))

    for figure in ("seconds", "low", "high"):
        assert getattr(more, figure) <= getattr(few, figure) * (1 + TINY)


@settings(deadline=None)
@given(RATES, SIZES, NODE, st.integers(1, 20))
def test_the_bottleneck_is_what_is_busy_longest(
    measured: Rates, sizes: list[int], node: Machine, nodes: int
) -> None:
    found = predict(measured, parts_of(sizes), node, nodes, ENGINE)

    assert found.busy[found.bottleneck] == max(found.busy.values())
    assert found.low <= found.seconds <= found.high


@settings(deadline=None)
@given(RATES, SIZES, NODE, st.integers(1, 20))
def test_twice_the_bytes_are_twice_the_work(
    measured: Rates, sizes: list[int], node: Machine, nodes: int
) -> None:
    once, twice = (
        predict(measured, parts_of([size * k for size in sizes]), node, nodes, IDLE) for k in (1, 2)
    )

    for a, b in zip(once.loads, twice.loads, strict=True):
        assert b.seconds == pytest.approx(2 * a.seconds)
        assert b.passes == pytest.approx(2 * a.passes)
    assert twice.between_nodes == pytest.approx(2 * once.between_nodes)
    assert twice.seconds >= once.seconds * (1 - TINY)


@settings(deadline=None)
@given(RATES, SIZES, NODE, st.integers(1, 20))
def test_a_run_is_as_long_as_its_longest_part_and_the_tail_no_longer(
    measured: Rates, sizes: list[int], node: Machine, nodes: int
) -> None:
    certain = replace(measured, error=None)
    found = predict(certain, parts_of(sizes), node, nodes, IDLE)
    longest = max(sizes) * sum(s.seconds + s.handling for s in certain.steps)

    assert found.seconds - found.start_s >= longest * (1 - TINY) - TINY
    assert found.high - found.low <= longest * (1 + TINY) + TINY


@settings(deadline=None)
@given(RATES, SIZES, NODE, st.integers(1, 20))
def test_limits_of_workers_are_kept(
    measured: Rates, sizes: list[int], node: Machine, nodes: int
) -> None:
    found = predict(replace(measured, error=None), parts_of(sizes), node, nodes, IDLE)

    for step, load in zip(measured.steps, found.loads, strict=True):
        assert 1 <= load.workers <= max(1, nodes * node.cpus // min(step.cpus, node.cpus))
        assert step.most is None or load.workers <= step.most
        assert step.most_per_node is None or load.workers <= step.most_per_node * nodes
        assert not step.gpus or load.workers <= max(1, nodes * node.gpus / step.gpus)
        least = load.seconds / load.workers
        assert found.seconds - found.start_s >= least * (1 - TINY) - TINY


def test_equal_parts_on_one_kind_of_worker() -> None:
    """100 parts of 1 s on 10 CPUs: 10 s, and at most one part's 0.9 s more."""
    found = predict(one_step(), parts_of([10**6] * 100), Machine(10, 64 * GB, 0), 1, IDLE)

    assert (found.low, found.high) == (pytest.approx(10), pytest.approx(10.9))
    assert found.bottleneck == "CPUs"


def test_what_stops_a_plan_from_scaling_is_named() -> None:
    node, many = Machine(10, 64 * GB, 1), parts_of([10**6] * 1000)

    def bottleneck(
        measured: Rates, parts: list[Part], node: Machine = node, **engine: float
    ) -> str:
        return predict(measured, parts, node, 20, replace(IDLE, **engine)).bottleneck

    assert bottleneck(one_step(), many) == "CPUs"
    assert bottleneck(one_step(most=3), many) == "workers of step 1"
    assert bottleneck(one_step(), parts_of([10**6, 10**9])) == "longest part"
    assert bottleneck(one_step(), many, driver_s=1.0) == "driver"
    assert bottleneck(one_step(), many, pool=1e-4) == "memory for parts"
    assert bottleneck(one_step(gpus=0.5), many) == "GPUs"


def test_nothing_to_do_takes_the_start_and_nothing_more() -> None:
    found = predict(replace(one_step(), setup_s=2.0), [], Machine(2, GB, 0), 3, ENGINE)

    assert found.seconds == found.low == found.high == ENGINE.start_s + 2.0
    assert (found.bottleneck, found.memory, found.between_steps) == ("", 0, 0)


def test_bytes_cross_between_steps_of_a_segment_and_between_nodes() -> None:
    def steps(gpus: float, segment: int = 0) -> Rates:
        first, second = StepRate(1, "a", 0, 1e-6, passes=2.0), StepRate(2, "b", segment, 1e-6)
        return Rates("byte", (first, replace(second, gpus=gpus)))

    node, parts = Machine(4, 64 * GB, 1), parts_of([GB] * 10)
    near, own = (predict(steps(gpus), parts, node, 4, ENGINE) for gpus in (0.0, 1.0))
    elsewhere = predict(steps(0.0), parts, node, 4, ENGINES["XennaExecutor"])

    assert near.between_steps == 20 * GB
    assert near.between_nodes == 0
    assert own.between_nodes == elsewhere.between_nodes == 15 * GB
    assert predict(steps(1.0), parts, node, 1, ENGINE).between_nodes == 0


def test_parts_pile_up_before_a_slow_step_as_far_as_memory_admits() -> None:
    node, parts = Machine(4, 64 * GB, 0), parts_of([10**8] * 1000)
    free, slow = (predict(one_step(most=most), parts, node, 1, IDLE).memory for most in (None, 1))
    room = 64 * GB * IDLE.pool

    assert slow - free == pytest.approx(room - 4 * 4 * 10**8, rel=0.1)


def test_a_part_is_the_unit_where_bytes_are_unknown() -> None:
    measured = Rates("part", (StepRate(1, "a", 0, 5.0),))
    parts = [Part(0, f"{n}", EmptyTask()) for n in range(8)]

    [load] = predict(measured, parts, Machine(2, GB, 0), 1, IDLE).loads
    assert load.seconds == 40.0


def test_the_local_executor_stays_on_one_machine() -> None:
    assert engine_for(LOCAL, 1)[0] == LOCAL
    assert engine_for(LOCAL, 2)[0] == ACTOR_POOL
    assert engine_for("RayDataExecutor", 2)[0] == "RayDataExecutor"
    assert engine_for("SomebodysExecutor", 1)[0] == ACTOR_POOL
