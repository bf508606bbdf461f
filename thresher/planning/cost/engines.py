# SPDX-License-Identifier: Apache-2.0
"""What executors cost beside the stages.

Starts, calls and the bare worker were measured on two cores with parts that hold no work; the
shares of memory and the engines' own processes are estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Engine:
    """What an executor adds to the work, on a cluster that is up.

    Parameters
    ----------
    start_s : float
        Seconds until its workers take their first call.
    call_s : float
        Seconds that a worker waits for each call: the way to it and back.
    driver_s : float
        Seconds of the only driver for each call.
    worker_bytes : int
        Memory of the engine's own process around one worker.
    pool : float
        Share of a node's memory that parts in flight may take.
    near : bool
        Whether a task goes to a worker on the node where it lies, if one is free.
    shares : bool
        Whether workers of less than a CPU share one.
    """

    start_s: float
    call_s: float
    driver_s: float
    worker_bytes: int
    pool: float
    near: bool
    shares: bool = True


BARE_WORKER = 200_000_000
"""Bytes of a worker that has loaded what Thresher needs, and no model."""

LOCAL = "LocalExecutor"
ACTOR_POOL = "RayActorPoolExecutor"

ENGINES = {
    LOCAL: Engine(1.0, 0.0005, 0.0005, 0, 0.6, near=True, shares=False),
    ACTOR_POOL: Engine(3.0, 0.003, 0.002, 100_000_000, 0.15, near=True),
    "XennaExecutor": Engine(8.0, 0.003, 0.002, 100_000_000, 1.2, near=False),
    "RayDataExecutor": Engine(10.0, 0.005, 0.003, 100_000_000, inf, near=False),
}


def engine_for(executor: str, nodes: int) -> tuple[str, Engine]:
    """The engine that runs a recipe's executor on so many nodes, by class name.

    The local executor knows one machine: on several its successor is the pool of Ray actors, which
    works alike; so it is for executors that nobody has measured.
    """
    known = executor in ENGINES and (executor != LOCAL or nodes == 1)
    name = executor if known else ACTOR_POOL
    return name, ENGINES[name]
