# SPDX-License-Identifier: Apache-2.0
"""Ray's endpoint: the same series through ``ray.util.metrics``, where Ray's own are scraped.

Ray puts ``ray_`` before every name; the scrape configuration of ``thresher metrics start`` takes
it off again.
"""

from __future__ import annotations

import sys
from importlib import import_module
from time import monotonic
from typing import Any

from thresher.metrics.series import PREFIX, SECONDS, SERIES, Series
from thresher.metrics.values import Histogram, Key, Values

PUSH_EVERY_SECONDS = 1.0


def is_up() -> bool:
    """Whether this process is connected to a Ray cluster; Ray is not imported to find out."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


class RayEndpoint:
    """Pushes values to Ray; there from the first push after this process has joined a cluster.

    Ray forgets no process: what a driver has published stays at the endpoint while the cluster
    runs. That is what the label ``run`` is for.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, Any] = {}
        self._numbers: dict[Key, float] = {}
        self._histograms: dict[Key, Histogram] = {}
        self._cluster = ""
        self._pushed = -PUSH_EVERY_SECONDS

    def publish(self, values: Values) -> None:
        """Push what has changed, at most once a second while the run goes on."""
        ended = values.numbers().get(("run_end_timestamp_seconds", values.common), 0) > 0
        now = monotonic()
        if not is_up() or (not ended and now - self._pushed < PUSH_EVERY_SECONDS):
            return
        self._pushed = now
        self._meet_cluster()
        values.refresh()
        numbers = values.numbers()
        for key, number in numbers.items():
            self._push(key, number)
        for key in [k for k in self._numbers if k not in numbers and k[1][:3] == values.common]:
            self._push(key, float("nan"))  # Ray has no way to take a gauge back
        for key, histogram in values.histograms().items():
            self._push_histogram(key, histogram)

    def _meet_cluster(self) -> None:
        """What one cluster was told, another has to be told from the beginning."""
        context = sys.modules["ray"].get_runtime_context()
        here = f"{context.gcs_address} {context.get_job_id()}"
        if here != self._cluster:
            self._cluster = here
            self._metrics.clear()
            self._numbers.clear()
            self._histograms.clear()

    def _push(self, key: Key, number: float) -> None:
        name, labels = key
        series = SERIES[name]
        before = self._numbers.get(key)
        if number == before:
            return
        self._numbers[key] = number
        tags = dict(zip(series.labels, labels, strict=True))
        metric = self._metric(series)
        if series.kind == "gauge":
            metric.set(number, tags)
        elif number > (before or 0.0):
            metric.inc(number - (before or 0.0), tags)

    def _push_histogram(self, key: Key, histogram: Histogram) -> None:
        """Observe each new value as its bucket's upper bound: Ray keeps no more of it."""
        name, labels = key
        tags = dict(zip(SERIES[name].labels, labels, strict=True))
        before = self._histograms.get(key, Histogram())
        self._histograms[key] = histogram
        bounds = [*SECONDS, SECONDS[-1] * 2]
        for bound, now, then in zip(bounds, histogram.counts, before.counts, strict=True):
            for _ in range(now - then):
                self._metric(SERIES[name]).observe(bound, tags)

    def _metric(self, series: Series) -> Any:
        if series.name not in self._metrics:
            ray = import_module("ray.util.metrics")
            name, labels = PREFIX + series.name, series.labels
            if series.kind == "histogram":
                made = ray.Histogram(name, series.help, list(SECONDS), labels)
            else:
                made = getattr(ray, series.kind.title())(name, series.help, labels)
            self._metrics[series.name] = made
        return self._metrics[series.name]
