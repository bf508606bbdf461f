# SPDX-License-Identifier: Apache-2.0
"""The driver's own endpoint: ``/metrics`` over HTTP, for runs on this machine."""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from thresher.errors import missing_extra
from thresher.metrics import targets
from thresher.metrics.series import PREFIX, SECONDS, SERIES, Series
from thresher.metrics.values import Histogram, Key, Values

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LOOPBACK = "127.0.0.1"


class HttpEndpoint:
    """Serves the newest run of every pipeline of this process, until the process ends.

    Raises
    ------
    PlanError
        If ``prometheus-client`` is not installed.
    OSError
        If the port cannot be had.
    """

    def __init__(self, port: int, address: str = LOOPBACK) -> None:
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ImportError as error:
            raise missing_extra("serving metrics", "prometheus-client", "metrics") from error
        self._runs: dict[tuple[str, ...], Values] = {}
        registry = CollectorRegistry()
        # Asks describe() rather than collect() which names there are.
        registry.register(_Collector(self._runs))
        self._server, self._thread = start_http_server(port, address, registry)
        self.address = address
        self.port: int = self._server.server_port
        targets.announce(address, self.port)
        atexit.register(targets.withdraw, self.port)

    def publish(self, values: Values) -> None:
        """Show this run; scrapes find it as it is at their time."""
        self._runs[values.common[:2]] = values

    def close(self) -> None:
        """Stop serving."""
        targets.withdraw(self.port)
        atexit.unregister(targets.withdraw)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Collector:
    """Makes what a scrape wants to see of the values of all runs."""

    def __init__(self, runs: dict[tuple[str, ...], Values]) -> None:
        self.runs = runs

    def describe(self) -> Iterable[Metric]:
        return [_family(series) for series in SERIES.values()]

    def collect(self) -> Iterator[Metric]:
        families = {name: _family(series) for name, series in SERIES.items()}
        for values in list(self.runs.values()):
            values.refresh()
            for (name, labels), number in sorted(values.numbers().items()):
                families[name].add_metric(labels, number)
            for (name, labels), histogram in sorted(values.histograms().items(), key=_by_key):
                families[name].add_metric(labels, _buckets(histogram), histogram.sum)
        yield from (family for family in families.values() if family.samples)


def _by_key(item: tuple[Key, Histogram]) -> Key:
    return item[0]


def _family(series: Series) -> Any:
    from prometheus_client import core

    kinds: dict[str, Any] = {
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
        "histogram": core.HistogramMetricFamily,
    }
    return kinds[series.kind](PREFIX + series.name, series.help, labels=series.labels)


def _buckets(histogram: Histogram) -> list[tuple[str, int]]:
    """(upper bound, observations up to it) pairs."""
    total, pairs = 0, []
    for bound, count in zip([*map(str, SECONDS), "+Inf"], histogram.counts, strict=True):
        total += count
        pairs.append((bound, total))
    return pairs
