# SPDX-License-Identifier: Apache-2.0
"""Tell the Prometheus of ours, where one runs, of a cluster."""

from __future__ import annotations

import warnings
from importlib import import_module


def register(temp_dir: str, metrics_dir: str | None) -> None:
    """Have the cluster with this folder scraped.

    With no Prometheus running that is only worth a warning if its folder was given.
    """
    if not _call("register", temp_dir, metrics_dir) and metrics_dir is not None:
        warnings.warn(
            f"no Prometheus of Thresher runs for {metrics_dir}: this cluster's metrics are not "
            "kept (thresher metrics start)",
            stacklevel=2,
        )


def unregister(temp_dir: str, metrics_dir: str | None) -> None:
    """Have it scraped no longer."""
    _call("unregister", temp_dir, metrics_dir)


def _call(name: str, temp_dir: str, metrics_dir: str | None) -> bool:
    try:
        discovery = import_module("thresher.metrics.discovery")
    except ModuleNotFoundError:
        return False
    return bool(getattr(discovery, name)(temp_dir, metrics_dir))
