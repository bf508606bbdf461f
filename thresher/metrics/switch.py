# SPDX-License-Identifier: Apache-2.0
"""Whether a run's metrics are kept, and where they are published."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from thresher.errors import PlanError, ThresherError
from thresher.metrics.http_endpoint import LOOPBACK, HttpEndpoint
from thresher.metrics.late import Late
from thresher.metrics.observer import RunMetrics
from thresher.metrics.ray_endpoint import RayEndpoint, is_up
from thresher.metrics.values import Values
from thresher.runs.report import Observer, Observers

PORT = "THRESHER_METRICS_PORT"
ADDRESS = "THRESHER_METRICS_ADDRESS"

_served: dict[int, HttpEndpoint] = {}
"""This process's own endpoints, by the port that was asked for; they outlive a run."""

_ray = RayEndpoint()


def with_metrics(view: Observer) -> tuple[Observer, tuple[str, ...]]:
    """The view and an observer that publishes metrics, as one; and what a user should know.

    Metrics are served over HTTP if a port was asked for, and handed to Ray as soon as this process
    has joined a cluster. With neither nothing is kept.

    Raises
    ------
    PlanError
        If ``THRESHER_METRICS_PORT`` is no port.
    """
    served = _endpoint(view)
    if served is None:
        return Observers(view, Late(RunMetrics(_ray.publish), is_up)), ()
    metrics = RunMetrics(_both(served.publish, _ray.publish))
    note = f"metrics at http://{served.address}:{served.port}/metrics"
    return Observers(view, metrics), (note,)


def asked_port() -> int | None:
    """The port in ``THRESHER_METRICS_PORT``; 0 is any that is free, None is no endpoint."""
    text = os.environ.get(PORT, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise PlanError(f"{PORT}={text!r} is no port", todo="give a number from 0 to 65535")
    return int(text)


@contextmanager
def metrics_at(port: int | None) -> Iterator[None]:
    """Ask for a port, as ``THRESHER_METRICS_PORT`` does; None leaves that as it is."""
    before = os.environ.get(PORT)
    if port is not None:
        os.environ[PORT] = str(port)
    try:
        yield
    finally:
        if port is not None:
            os.environ.pop(PORT)
            os.environ |= {} if before is None else {PORT: before}


def _endpoint(view: Observer) -> HttpEndpoint | None:
    port = asked_port()
    if port is None:
        return None
    address = os.environ.get(ADDRESS, "") or LOOPBACK
    if port not in _served:
        try:
            _served[port] = HttpEndpoint(port, address)
        except (OSError, ThresherError) as error:
            # A run is worth more than its metrics.
            what = getattr(error, "strerror", None) or str(error)
            view.warned(f"no metrics are served at {address}:{port}: {what}")
            return None
    return _served[port]


def _both(*publish: Callable[[Values], None]) -> Callable[[Values], None]:
    def everywhere(values: Values) -> None:
        for each in publish:
            each(values)

    return everywhere
