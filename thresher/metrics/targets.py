# SPDX-License-Identifier: Apache-2.0
"""Targets: endpoints of drivers on this machine, as files that Prometheus watches."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from thresher.metrics.folder import default_folder

FOLDER = "targets"


def announce(address: str, port: int, folder: Path | None = None) -> None:
    """Have the Prometheus of ``thresher metrics start``, if it was started, scrape a port here."""
    place = (folder or default_folder()) / FOLDER
    if not place.is_dir():
        return
    host = "127.0.0.1" if address in ("0.0.0.0", "::", "") else address
    file = place / f"{os.getpid()}-{port}.json"
    staged = file.with_suffix(".new")
    with suppress(OSError):  # nobody will scrape it, then
        staged.write_text(json.dumps([{"targets": [f"{host}:{port}"], "labels": {}}]))
        staged.replace(file)


def withdraw(port: int, folder: Path | None = None) -> None:
    """Have it scraped no longer."""
    place = (folder or default_folder()) / FOLDER
    with suppress(OSError):
        (place / f"{os.getpid()}-{port}.json").unlink()


def sweep(folder: Path) -> None:
    """Remove the targets of processes that have ended without a word."""
    for file in (folder / FOLDER).glob("*.json"):
        pid = file.name.partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            file.unlink(missing_ok=True)
