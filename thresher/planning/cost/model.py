# SPDX-License-Identifier: Apache-2.0
"""The cost model: time, memory and object-store traffic of a plan on N nodes.

Let a part of *u* units of source (bytes) keep a worker of Step *s* busy for

    b(s, part) = u * (seconds(s) + handling(s)) + call

and call *b(part)* the sum over the Steps, which one part passes one after another. The work of a
Step is W(s) = sum of b(s, part) over the parts. A Segment on N nodes of C CPUs and G GPUs takes at
least as long as each of its resources is busy:

    CPUs            sum of W(s) * cpus(s)  /  (N * C)
    GPUs            sum of W(s) * gpus(s)  /  (N * G)
    workers of s    W(s) / workers(s)  +  the other Steps' share of an average part
    longest part    the largest b(part); a part is not split
    memory          sum of W(s)  /  parts whose estimates fit the memory for parts in flight
    driver          calls * its seconds for each

where workers(s) is the least of the Step's own limit, of N * floor(C / cpus(s)) and of
N * G / gpus(s); the first part has to reach a Step before it can begin, and the last one has to go
on. The largest of these is ``low``. Workers do not end at the same moment: given parts as they
come, they are done by

    longest part + (CPU work - longest part) / (N * C)

(R. L. Graham, *Bounds on multiprocessing timing anomalies*, 1969), which is ``high`` if it is the
larger one. The estimate is the middle: about half a part's time after ``low``. To it comes
``start``: the executor's own start and the Steps' set-up. Segments follow one another.

Sources and outputs are taken to be as fast for N nodes as they were for the run that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isinf
from statistics import fmean

from thresher.planning.cost.engines import BARE_WORKER, Engine
from thresher.planning.cost.rates import Rates, StepRate
from thresher.planning.machine import Machine
from thresher.runs.part import Part

_WORKERS = "workers of step "


@dataclass(frozen=True)
class Load:
    """What a Step has to do: worker seconds in its stages, the most workers, bytes passed on."""

    name: str
    seconds: float
    workers: int
    passes: float


@dataclass(frozen=True)
class Prediction:
    """What a plan takes on so many nodes.

    Parameters
    ----------
    seconds, low, high : float
        From start to end: the estimate, and its bounds by what is not known of the order of parts
        and by twice the standard error of the rates.
    start_s : float
        Seconds of it before the first part is worked on.
    busy : dict[str, float]
        Seconds that each resource is busy, in the Segment that takes longest.
    memory : int
        Bytes on each node: workers, and parts in flight.
    between_steps, between_nodes : float
        Bytes that pass through the object store, and those of them that change nodes.
    """

    nodes: int
    seconds: float
    low: float
    high: float
    start_s: float
    busy: dict[str, float]
    loads: tuple[Load, ...]
    memory: int
    between_steps: float
    between_nodes: float

    @property
    def bottleneck(self) -> str:
        """The resource that is busy for the longest time; empty if there is nothing to do."""
        return max(self.busy, key=lambda name: self.busy[name], default="")


def predict(
    rates: Rates, parts: Sequence[Part], node: Machine, nodes: int, engine: Engine
) -> Prediction:
    """Time, memory and traffic of all parts on ``nodes`` machines like ``node``."""
    units = [rates.units(part) for part in parts]
    start = engine.start_s + rates.setup_s
    cluster = _Cluster(node, nodes, engine, fmean(p.estimate for p in parts) if parts else 0.0)
    segments = [
        _Segment([s for s in rates.steps if s.segment == number], units, cluster)
        for number in sorted({step.segment for step in rates.steps})
        if parts
    ]
    low, high = sum(s.low for s in segments), sum(s.high for s in segments)
    error = 2 * (rates.error or 0.0)
    total = sum(units)
    passed = [(total * step.passes, cluster.moves(after)) for step, after in _pairs(rates.steps)]
    return Prediction(
        nodes,
        start + (low + high) / 2,
        start + low * max(1 - error, 0.0),
        start + high * (1 + error),
        start,
        max(segments, key=lambda segment: segment.low).busy if segments else {},
        tuple(
            Load(s.name, total * s.seconds, cluster.workers(s), total * s.passes)
            for s in rates.steps
        ),
        max((segment.memory(rates.worker_bytes) for segment in segments), default=0),
        sum(size for size, _ in passed),
        sum(size * share for size, share in passed),
    )


@dataclass(frozen=True)
class _Cluster:
    """Nodes, their executor, and the bytes that a part in flight is expected to take."""

    node: Machine
    nodes: int
    engine: Engine
    estimate: float

    @property
    def slots(self) -> int:
        """CPUs of all nodes."""
        return self.nodes * self.node.cpus

    def cpus(self, step: StepRate) -> float:
        """CPUs that a worker of a Step gets: no more than a node has."""
        least = 0.0 if self.engine.shares else 1.0
        return min(max(step.cpus, least), self.node.cpus)

    def workers(self, step: StepRate) -> int:
        """The most workers of a Step at a time."""
        limits = [self.nodes * floor(self.node.cpus / self.cpus(step))]
        if step.gpus:
            limits.append(int(self.nodes * self.node.gpus / step.gpus))
        if step.most is not None:
            limits.append(step.most)
        if step.most_per_node is not None:
            limits.append(step.most_per_node * self.nodes)
        return max(1, min(limits))

    def parts_in_flight(self) -> int:
        """Parts that the memory for them admits at a time."""
        memory = self.nodes * self.node.memory * self.engine.pool
        if isinf(memory) or not self.estimate:
            return 2**31
        return max(1, int(memory / self.estimate))

    def moves(self, step: StepRate) -> float:
        """Share of the tasks for a Step that come from another node.

        Where the executor minds where tasks lie, a worker is free there as a rule: the one that
        has just made them. Steps with a GPU have workers of their own, anywhere.
        """
        return 0.0 if self.engine.near and not step.gpus else 1 - 1 / self.nodes


class _Segment:
    """The seconds that each resource is busy with one Segment."""

    def __init__(
        self, steps: Sequence[StepRate], units: Sequence[float], cluster: _Cluster
    ) -> None:
        engine, calls = cluster.engine, len(units)
        self.cluster = cluster
        self.parts = calls
        rates = [step.seconds + step.handling for step in steps]
        work = [sum(units) * rate + calls * engine.call_s for rate in rates]
        longest = max(units) * sum(rates) + len(steps) * engine.call_s
        cpu_work = sum(w * cluster.cpus(step) for w, step in zip(work, steps, strict=True))
        gpu_work = sum(w * step.gpus for w, step in zip(work, steps, strict=True))
        self.busy = {
            "CPUs": cpu_work / cluster.slots,
            "longest part": longest,
            "memory for parts": sum(work) / cluster.parts_in_flight(),
            "driver": calls * len(steps) * engine.driver_s,
        }
        if gpu_work and cluster.node.gpus:
            self.busy["GPUs"] = gpu_work / (cluster.nodes * cluster.node.gpus)
        for w, step in zip(work, steps, strict=True):
            others = (sum(work) - w) / calls
            self.busy[f"{_WORKERS}{step.number}"] = w / cluster.workers(step) + others
        self.low = max(self.busy.values())
        self.high = max(self.low, longest + (cpu_work - longest) / cluster.slots)

    def memory(self, worker_bytes: int) -> int:
        """Bytes on a node: workers on all CPUs, and the parts in flight.

        Parts pile up before a Step whose workers are the bottleneck, as far as memory admits.
        """
        cluster = self.cluster
        slowest = max(self.busy, key=lambda name: self.busy[name])
        wanted = self.parts if slowest.startswith(_WORKERS) else cluster.slots
        in_flight = min(self.parts, wanted, cluster.parts_in_flight())
        workers = cluster.node.cpus * ((worker_bytes or BARE_WORKER) + cluster.engine.worker_bytes)
        return workers + ceil(in_flight / cluster.nodes * cluster.estimate)


def _pairs(steps: Sequence[StepRate]) -> list[tuple[StepRate, StepRate]]:
    """Steps and those that follow them in the same Segment."""
    return [(a, b) for a, b in pairwise(steps) if a.segment == b.segment]
