# SPDX-License-Identifier: Apache-2.0
"""Where a Prometheus of ours keeps its files, and whether it runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PID = "prometheus.pid"
PORT = "prometheus_port.txt"
CONFIG = "prometheus.yml"


def default_folder() -> Path:
    """``<tmp>/thresher_metrics_<uid>``, or what ``THRESHER_METRICS_DIR`` says."""
    given = os.environ.get("THRESHER_METRICS_DIR", "")
    return Path(given) if given else Path(tempfile.gettempdir()) / f"thresher_metrics_{os.getuid()}"


def running_pid(folder: Path) -> int | None:
    """The process id of the Prometheus that was started for this folder; None if none runs.

    Ids are used again: it is ours only if it was started with this folder's configuration.
    """
    try:
        pid = int((folder / PID).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return None
    ours = f"--config.file={folder.resolve() / CONFIG}" in command
    return pid if ours and state != "Z" else None


def port_of(folder: Path) -> int:
    """The port it was started on; 9090 if that is not known."""
    try:
        return int((folder / PORT).read_text())
    except (OSError, ValueError):
        return 9090
