# SPDX-License-Identifier: Apache-2.0
"""Telling the Prometheus of ``thresher metrics start`` which Ray clusters there are."""

from __future__ import annotations

import urllib.request
from os import PathLike
from pathlib import Path

import yaml

from thresher.metrics.folder import default_folder, port_of, running_pid
from thresher.metrics.scrape import edited

RAY_FILE = "prom_metrics_service_discovery.json"

Folder = str | PathLike[str]


def register(ray_temp_dir: Folder, metrics_dir: Folder | None = None) -> bool:
    """Have a Ray cluster scraped; doing it twice changes nothing.

    Parameters
    ----------
    ray_temp_dir : path
        The cluster's own temporary folder, where Ray lists its endpoints.
    metrics_dir : path | None
        Of the Prometheus; ``<tmp>/thresher_metrics_<uid>`` when not given.

    Returns
    -------
    bool
        False, and nothing else, where no Prometheus runs.
    """
    return _change(ray_temp_dir, metrics_dir, wanted=True)


def unregister(ray_temp_dir: Folder, metrics_dir: Folder | None = None) -> bool:
    """Have a Ray cluster scraped no longer; see :func:`register`."""
    return _change(ray_temp_dir, metrics_dir, wanted=False)


def _change(ray_temp_dir: Folder, metrics_dir: Folder | None, *, wanted: bool) -> bool:
    folder = Path(metrics_dir) if metrics_dir is not None else default_folder()
    folder = folder.resolve()
    file = str(Path(ray_temp_dir).resolve() / RAY_FILE)
    if running_pid(folder) is None:
        return False
    try:
        with edited(folder) as files:
            if wanted and file not in files:
                files.append(file)
            elif not wanted and file in files:
                files.remove(file)
            else:
                return True
        return reload(folder)
    except (OSError, yaml.YAMLError, StopIteration, KeyError, TypeError):
        return False


def reload(folder: Path) -> bool:
    """Have it read its configuration again; whether it did."""
    url = f"http://127.0.0.1:{port_of(folder)}/-/reload"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10):
            return True
    except OSError:
        return False
