# SPDX-License-Identifier: Apache-2.0
"""The table of everything that is exported; each endpoint is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COMMON = ("pipeline", "shard", "run")
"""Labels of every series: the pipeline's name, the driver's shard, and when the run began (UTC)."""

SECONDS = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the histogram of seconds."""

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Series:
    """One name, its kind, and its labels beside the common ones."""

    name: str
    kind: Kind
    help: str
    own: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in order."""
        return (*COMMON, *self.own)


_LEDGER = "over all committed parts, those of earlier runs included"
_PROCESS = "since this run began"
_STAGE = ("stage",)

_TABLE = (
    # From the ledger: what the manifest says once the run is complete.
    Series("rows_total", "counter", f"Rows into and out of a stage, {_LEDGER}",
           ("stage", "direction")),
    Series("dropped_rows_total", "counter", f"Rows a stage dropped, by rule, {_LEDGER}",
           ("stage", "reason")),
    Series("quarantined_rows_total", "counter", f"Rows in quarantine, {_LEDGER}", _STAGE),
    Series("failed_rows", "gauge",
           f"Rows in quarantine because a stage or its worker failed on them, {_LEDGER}"),
    Series("failed_parts", "gauge", f"Parts in quarantine as a whole, {_LEDGER}"),
    Series("expanded_rows_total", "counter", f"Rows a stage added, {_LEDGER}", _STAGE),
    Series("merged_rows_total", "counter", f"Rows a stage merged into others, {_LEDGER}", _STAGE),
    Series("bytes_total", "counter", f"Bytes of data into a stage, {_LEDGER}", _STAGE),
    Series("tasks_total", "counter", f"Tasks a stage was given, {_LEDGER}", _STAGE),
    Series("stage_seconds_total", "counter", f"Seconds in a stage, {_LEDGER}", _STAGE),
    Series("stage_cpu_seconds_total", "counter", f"CPU seconds in a stage, {_LEDGER}", _STAGE),
    # From the executor's messages.
    Series("task_seconds", "histogram", f"Seconds of a stage in one call, {_PROCESS}", _STAGE),
    Series("failed_attempts_total", "counter", f"Calls that failed, {_PROCESS}",
           ("stage", "kind")),
    Series("worker_restarts_total", "counter", f"Workers that died and were replaced, {_PROCESS}"),
    Series("busy_seconds_total", "counter", f"Seconds workers spent in a Step, {_PROCESS}",
           ("step",)),
    Series("busy_workers", "gauge", "Calls of a Step that are running", ("step",)),
    Series("workers", "gauge", "Workers heard of in the last minute"),
    Series("step_workers", "gauge", "Workers that served a Step in the last minute", ("step",)),
    Series("worker_memory_peak_bytes", "gauge", "Largest resident memory of a Step's workers",
           ("step",)),
    # Where the run stands.
    Series("run_info", "gauge", "1; who runs what", ("executor", "version")),
    Series("run_status", "gauge", "1 for the state the run is in, 0 for the others", ("status",)),
    Series("run_start_timestamp_seconds", "gauge", "When the run began"),
    Series("run_end_timestamp_seconds", "gauge", "When the run ended; 0 while it goes on"),
    Series("last_progress_timestamp_seconds", "gauge", "When something was last got done"),
    Series("parts", "gauge", "Parts planned"),
    Series("parts_done", "gauge", "Parts committed"),
    Series("parts_in_flight", "gauge", "Parts being worked on"),
    Series("source_bytes", "gauge", "Bytes of the sources"),
    Series("source_bytes_done", "gauge", "Bytes of the sources of committed parts"),
    Series("eta_seconds", "gauge", "Seconds left, at the rate of this run; absent at first"),
    Series("queue_bytes", "gauge", "Bytes that parts in flight are expected to take"),
    Series("queue_limit_bytes", "gauge", "Bytes that parts in flight may take"),
    # The driver's machine.
    Series("disk_free_bytes", "gauge", "Bytes free where a place is", ("place",)),
    Series("disk_size_bytes", "gauge", "Bytes of the file system where a place is", ("place",)),
    Series("gpu_memory_bytes", "gauge", "GPU memory in use", ("gpu",)),
    Series("gpu_memory_limit_bytes", "gauge", "GPU memory there is", ("gpu",)),
)  # fmt: skip

SERIES: dict[str, Series] = {series.name: series for series in _TABLE}
"""By name, without the prefix."""

PREFIX = "thresher_"

STATUSES = (
    "running", "complete", "complete with failures", "nothing to do", "interrupted", "waiting",
    "failed",
)  # fmt: skip
