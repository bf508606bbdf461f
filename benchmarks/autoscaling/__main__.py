# SPDX-License-Identifier: Apache-2.0
"""Three Steps of half a CPU each on eight logical CPUs; one waits ten times longer.

    python -m benchmarks.autoscaling [--engine xenna] [--parts 600]

Prints, every second, how many workers are at the slow Step and at all, then the time of the run,
and that of the same run with the best fixed numbers of workers. Stages wait and do not compute, so
two real cores stand for eight.
"""

import argparse
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pyarrow as pa

from thresher.backends.executor import BaseExecutor, Done, Failed, Started
from thresher.backends.local import LocalExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.core.client import RayClient
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.tasks import DocumentBatch

CPUS = 8
INTERVAL = 10
SLOW, FAST = 1.0, 0.1
HALF = Resources(cpus=0.5)
WINDOW = 5.0
ENGINES: dict[str, Callable[[], BaseExecutor]] = {
    "local": lambda: LocalExecutor(workers=CPUS),
    "actor pool": RayActorPoolExecutor,
    "xenna": lambda: XennaExecutor({"autoscale_interval_s": INTERVAL}),
    "ray data": RayDataExecutor,
}


class Wait(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Waits as long as it says."""

    rows = "same"
    resources = HALF

    def __init__(self, seconds: float, name: str) -> None:
        self.seconds = seconds
        self.name = name

    def process(self, task: DocumentBatch) -> DocumentBatch:
        time.sleep(self.seconds)
        return task


class Crew(Observer):
    """Who is at which Step: busy calls, and the workers heard of in the last seconds."""

    def __init__(self, slow: int, *, say: bool) -> None:
        self.slow = slow
        self.say = say
        self.shares: list[tuple[float, float]] = []
        self._busy: dict[tuple[str, object], int] = {}
        self._heard: dict[tuple[int, str], float] = {}
        self._began = 0.0
        self._told = 0.0

    def heard(self, message: object) -> None:
        now = time.monotonic()
        self._began = self._began or now
        if isinstance(message, Started):
            self._busy[message.token, message.path] = message.step
        elif isinstance(message, Done | Failed):
            self._busy.pop((message.token, message.path), None)
            if isinstance(message, Done):
                self._heard[message.step, message.worker] = now
        if now - self._told >= 1.0:
            self._told = now
            self._tell(now)

    def _tell(self, now: float) -> None:
        busy = Counter(self._busy.values())
        recent = [step for (step, _), when in self._heard.items() if now - when < WINDOW]
        if busy:
            self.shares.append((now - self._began, busy[self.slow] / busy.total()))
        if self.say:
            print(
                f"  {now - self._began:5.1f} s  busy {busy[self.slow]:2} of {busy.total():2}, "
                f"workers {recent.count(self.slow):2} of {len(recent):2}",
                flush=True,
            )


def pipeline(workers: tuple[int | None, ...]) -> Pipeline:
    """Three Steps; the second is the slow one."""
    waits = [Wait(FAST, "first"), Wait(SLOW, "slow"), Wait(FAST, "last")]
    stages = [w.with_(num_workers=n) for w, n in zip(waits, workers, strict=True)]
    return Pipeline("autoscaling", stages=stages, config={"fusion": False})


def measure(engine: str, parts: int, workers: tuple[int | None, ...], *, say: bool) -> float:
    """Seconds from the first message to the end; shares are printed on the way."""
    tables = [pa.table({"text": [f"part {number}"]}) for number in range(parts)]
    tasks = [DocumentBatch("waiting", table) for table in tables]
    crew = Crew(1, say=say)
    began = time.perf_counter()
    pipeline(workers).run(ENGINES[engine](), tasks, observer=crew)
    took = time.perf_counter() - began
    late = [share for when, share in crew.shares if 2 * INTERVAL <= when < 3 * INTERVAL]
    found = f"{sum(late) / len(late):.0%}" if late else "no sample"
    fixed = "scaled" if workers[0] is None else f"fixed {workers}"
    print(
        f"{engine:11} {fixed:18} {took:6.1f} s; at the slow Step, 20 to 30 s: {found}", flush=True
    )
    return took


@contextlib.contextmanager
def cluster(engine: str) -> Iterator[None]:
    """Eight logical CPUs for engines that need Ray."""
    if engine == "local":
        yield
        return
    with RayClient(num_cpus=CPUS, object_store_memory=500_000_000):
        yield


def main() -> None:
    """Measure each engine, scaled and fixed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--parts", type=int, default=600)
    chosen = parser.parse_args()
    for engine in chosen.engine or ENGINES:
        slots = CPUS if engine == "local" else 2 * CPUS
        with cluster(engine):
            scaled = measure(engine, chosen.parts, (None, None, None), say=True)
            slow = round((slots - 2) * 10 / 12)
            fast = (slots - 1 - slow) // 2
            best = measure(engine, chosen.parts, (fast, slow, fast), say=False)
        print(f"    {best / scaled:.0%} of the best fixed numbers' throughput", flush=True)


if __name__ == "__main__":
    main()
