# SPDX-License-Identifier: Apache-2.0
"""The observer by itself: when it wakes, what it hands to Ray, what it says of a share."""

import sys
from collections import Counter
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from thresher.backends.executor import Done, Heartbeat, Started
from thresher.metrics.late import Late
from thresher.metrics.observer import RunMetrics, seconds_left
from thresher.metrics.ray_endpoint import RayEndpoint
from thresher.metrics.values import Values
from thresher.runs.report import RunEnd, RunStart, Snapshot
from thresher.stats import StageCounts

START = RunStart("p", "LocalExecutor: 2 workers", ("read", "keep"), 4, 0, 100, "", "/tmp", 1)


def snapshot(rows: int, *, parts: int = 1) -> Snapshot:
    counts = StageCounts("read", rows, rows), StageCounts("keep", rows, rows - 1, dropped={"a": 1})
    return Snapshot(1.0, 4, parts, 1, 25 * parts, 100, counts)


def ended(rows: int, **how: Any) -> RunEnd:
    return RunEnd("complete", 2.0, snapshot(rows, parts=4), "", "/tmp", **how)


def value(values: Values, name: str, *own: str) -> float | None:
    return values.numbers().get((name, (*values.common, *own)))


@pytest.fixture
def metrics() -> RunMetrics:
    made = RunMetrics(lambda values: None)
    made.started(START)
    made.entered(0, [["read"], ["keep"]])
    return made


def test_calls_that_run_are_busy_until_they_end(metrics: RunMetrics) -> None:
    assert metrics.values is not None
    metrics.heard(Started("1-0-1", (), 0))
    assert value(metrics.values, "busy_workers", "1: read") == 1
    metrics.heard(Done("1-0-1", (), 0, 1, (StageCounts("read", tasks=1, seconds=2.0),), seconds=3.0,
                       worker="w", memory=7))  # fmt: skip

    assert value(metrics.values, "busy_workers", "1: read") == 0
    assert value(metrics.values, "busy_seconds_total", "1: read") == 3
    assert value(metrics.values, "worker_memory_peak_bytes", "1: read") == 7
    assert value(metrics.values, "workers") == 1
    ((key, histogram),) = metrics.values.histograms().items()
    assert (key[1][-1], sum(histogram.counts), histogram.sum) == ("read", 1, 2.0)


def test_a_beat_that_tells_nothing_new_is_no_progress(
    metrics: RunMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metrics.values is not None
    seen = []
    for now, rows in ((100.0, 5), (200.0, 5), (300.0, 6)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        metrics.heard(Heartbeat("1-0-1", rows, "read"))
        seen.append(value(metrics.values, "last_progress_timestamp_seconds"))

    assert seen == [100.0, 100.0, 300.0]


def test_one_of_several_drivers_tells_of_its_own_share(metrics: RunMetrics) -> None:
    assert metrics.values is not None
    metrics.progressed(snapshot(10))
    metrics.ended(ended(40, of_all=True))
    assert value(metrics.values, "rows_total", "read", "in") == 10
    metrics.ended(ended(40))
    assert value(metrics.values, "rows_total", "read", "in") == 40


def test_the_time_left_is_not_of_what_was_done_before() -> None:
    first = Snapshot(0.0, 10, 8, 0, 80, 100)

    assert seconds_left(first, first) is None
    assert seconds_left(first, Snapshot(5.0, 10, 9, 0, 90, 100)) == 5.0


def test_who_comes_late_is_told_what_was_missed() -> None:
    ready: list[bool] = []
    published: list[Values] = []
    late = Late(RunMetrics(published.append), lambda: bool(ready))
    late.started(START)
    late.entered(0, [["read"], ["keep"]])
    late.heard(Started("1-0-1", (), 0))
    late.progressed(snapshot(10))
    assert published == []
    ready.append(True)
    late.heard(Started("1-0-2", (), 1))
    late.ended(ended(40))

    assert value(published[-1], "rows_total", "keep", "out") == 39
    assert value(published[-1], "busy_workers", "2: keep") == 0


# -- Ray, played -------------------------------------------------------------------------------


class Played:
    """Stands for Ray: adds up what it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.job = "01"
        self.counters: Counter[Any] = Counter()
        self.gauges: dict[Any, float] = {}
        self.observed: list[float] = []
        self.up = True
        ray, util = ModuleType("ray"), ModuleType("ray.util.metrics")
        ray.is_initialized = lambda: self.up  # type: ignore[attr-defined]
        ray.get_runtime_context = lambda: SimpleNamespace(  # type: ignore[attr-defined]
            gcs_address="here", get_job_id=lambda: self.job
        )
        for kind in ("Counter", "Gauge", "Histogram"):
            setattr(util, kind, lambda name, *about: self._metric(name))
        modules = {"ray": ray, "ray.util": ModuleType("ray.util"), "ray.util.metrics": util}
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)

    def _metric(self, name: str) -> SimpleNamespace:
        def key(tags: dict[str, str]) -> Any:
            return name, tuple(tags.items())

        return SimpleNamespace(
            inc=lambda by, tags: self.counters.update({key(tags): by}),
            set=lambda to, tags: self.gauges.update({key(tags): to}),
            observe=lambda value, tags: self.observed.append(value),
        )

    def rows(self) -> float:
        return sum(n for (name, _), n in self.counters.items() if name == "thresher_rows_total")


def test_ray_is_told_each_rise_once(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    monkeypatch.setattr("thresher.metrics.ray_endpoint.PUSH_EVERY_SECONDS", 0.0)
    metrics = RunMetrics(RayEndpoint().publish)
    metrics.started(START)
    metrics.entered(0, [["read"], ["keep"]])
    for rows in (10, 10, 30):
        metrics.progressed(snapshot(rows))
    metrics.heard(Done("1-0-1", (), 0, 1, (StageCounts("read", tasks=1, seconds=0.7),)))
    metrics.ended(ended(40))
    metrics.ended(ended(40))

    assert played.rows() == 40 * 4 - 1
    assert played.observed == [1.0]
    (status,) = (to for key, to in played.gauges.items() if ("status", "complete") in key[1])
    assert status == 1


def test_another_cluster_is_told_all_and_none_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    monkeypatch.setattr("thresher.metrics.ray_endpoint.PUSH_EVERY_SECONDS", 0.0)
    metrics = RunMetrics(RayEndpoint().publish)
    played.up = False
    metrics.started(START)
    metrics.progressed(snapshot(10))
    assert played.rows() == 0
    played.up = True
    metrics.progressed(snapshot(10))
    assert played.rows() == 39
    played.job = "02"
    metrics.progressed(snapshot(10))
    assert played.rows() == 2 * 39
