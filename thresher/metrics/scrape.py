# SPDX-License-Identifier: Apache-2.0
"""The configuration of a Prometheus: what it scrapes, which rules it knows."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from thresher.metrics.folder import CONFIG
from thresher.metrics.targets import FOLDER

SCRAPE_EVERY = "5s"

RULES = Path(__file__).with_name("alerts.yml")

_WITHOUT_RAY = {
    "source_labels": ["__name__"],
    "regex": "ray_(thresher_.+)",
    "target_label": "__name__",
    "replacement": "$1",
}


def configuration(folder: Path, scrape: Sequence[str] = ()) -> dict[str, Any]:
    """Two jobs: drivers, announced or named in ``scrape``; and Ray clusters, none as yet."""
    drivers: dict[str, Any] = {
        "job_name": "thresher",
        "file_sd_configs": [{"files": [str(folder / FOLDER / "*.json")], "refresh_interval": "5s"}],
    }
    if scrape:
        drivers["static_configs"] = [{"targets": list(scrape)}]
    ray = {"job_name": "ray", "metric_relabel_configs": [_WITHOUT_RAY], "file_sd_configs": []}
    return {
        "global": {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY},
        "rule_files": [str(RULES)],
        "scrape_configs": [drivers, ray],
    }


@contextmanager
def edited(folder: Path) -> Iterator[list[str]]:
    """The Ray clusters' files in the configuration; changes are written when the block ends."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config = yaml.safe_load((folder / CONFIG).read_text())
        job = next(job for job in config["scrape_configs"] if job["job_name"] == "ray")
        files = [file for each in job["file_sd_configs"] for file in each["files"]]
        yield files
        job["file_sd_configs"] = [{"files": files, "refresh_interval": "5s"}] if files else []
        write(folder, config)


def write(folder: Path, config: dict[str, Any]) -> None:
    """Replace the configuration at once."""
    staged = folder / f"{CONFIG}.new"
    staged.write_text(yaml.safe_dump(config, sort_keys=False))
    staged.replace(folder / CONFIG)
