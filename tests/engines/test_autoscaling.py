# SPDX-License-Identifier: Apache-2.0
"""Workers go where they are needed: three Steps of half a CPU, one waits ten times longer."""

import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa
import pytest

from tests.toys import run_quietly
from thresher.backends.executor import BaseExecutor, Done, Failed, Started
from thresher.backends.local import LocalExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.xenna import XennaExecutor
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.tasks import DocumentBatch

pytestmark = [
    pytest.mark.engine,
    pytest.mark.alone,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore"),
]
INTERVAL = 5
SLOW_STEP = 1
EXECUTORS: dict[str, tuple[int, int, Callable[[], BaseExecutor]]] = {
    "local": (70, 4, lambda: LocalExecutor(workers=6)),
    "ray actor pool": (120, 5, RayActorPoolExecutor),
    "xenna": (130, 2 * INTERVAL, lambda: XennaExecutor({"autoscale_interval_s": INTERVAL})),
}
"""How many parts, after how many seconds to look, and the executor."""


class Wait(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Waits."""

    rows = "same"
    resources = Resources(cpus=0.5)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def process(self, task: DocumentBatch) -> DocumentBatch:
        time.sleep(self.seconds)
        return task


class Busy(Observer):
    """Of the calls that run, the share that is at the slow Step, as of every message."""

    def __init__(self) -> None:
        self.shares: list[tuple[float, float]] = []
        self.calls: dict[object, int] = {}

    def heard(self, message: object) -> None:
        if isinstance(message, Started):
            self.calls[message.token, message.path] = message.step
        elif isinstance(message, Done | Failed):
            self.calls.pop((message.token, message.path), None)
        steps = Counter(self.calls.values())
        if steps:
            self.shares.append((time.monotonic(), steps[SLOW_STEP] / steps.total()))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_workers_go_to_the_slow_step(executor: str) -> None:
    n_parts, seconds, make = EXECUTORS[executor]
    tasks = [DocumentBatch("parts", pa.table({"text": [str(n)]})) for n in range(n_parts)]
    stages = [Wait(0.1), Wait(1.0), Wait(0.1)]
    busy = Busy()

    pipeline = Pipeline("autoscaling", stages=stages, config={"fusion": False})
    result = run_quietly(pipeline, make(), tasks, observer=busy)

    assert len(result) == n_parts
    begin = busy.shares[0][0] + seconds
    spans = [(when, share, until) for (when, share), (until, _) in pairwise(busy.shares)]
    late = [
        (until - when, share) for when, share, until in spans if begin < when < begin + INTERVAL
    ]
    assert late, "the run was over before there was anything to see"
    assert sum(span * share for span, share in late) >= 0.7 * sum(span for span, _ in late)
