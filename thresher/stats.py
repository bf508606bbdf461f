# SPDX-License-Identifier: Apache-2.0
"""Counts and seconds of stages; mergeable values made by the runner, never by stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

N = TypeVar("N", int, float)


@dataclass
class StagePerfStats:
    """What one stage spent on one task.

    Parameters
    ----------
    stage_name : str
    process_time : float
        Seconds inside the stage.
    actor_idle_time : float
        Seconds its worker waited before the call.
    input_data_size_mb : float
        Size of the input in MiB of Arrow buffers.
    num_items_processed : int
        Items (rows, for documents) that went in.
    custom_metrics : dict[str, float]
        What the stage logged itself.
    """

    stage_name: str
    process_time: float = 0.0
    actor_idle_time: float = 0.0
    input_data_size_mb: float = 0.0
    num_items_processed: int = 0
    custom_metrics: dict[str, float] = field(default_factory=dict)

    def __add__(self, other: StagePerfStats) -> StagePerfStats:
        if not isinstance(other, StagePerfStats):
            return NotImplemented
        return StagePerfStats(
            self.stage_name,
            self.process_time + other.process_time,
            self.actor_idle_time + other.actor_idle_time,
            self.input_data_size_mb + other.input_data_size_mb,
            self.num_items_processed + other.num_items_processed,
            merge_sums(self.custom_metrics, other.custom_metrics),
        )

    def __radd__(self, other: object) -> StagePerfStats:
        if other == 0:
            return self
        raise TypeError(f"cannot add {type(other).__name__} and StagePerfStats")

    def reset(self) -> None:
        """Set every number to zero and forget the custom metrics."""
        self.process_time = self.actor_idle_time = self.input_data_size_mb = 0.0
        self.num_items_processed = 0
        self.custom_metrics = {}

    def to_dict(self) -> dict[str, Any]:
        """All fields, custom metrics as a nested dict."""
        return dict(vars(self), custom_metrics=dict(self.custom_metrics))

    def items(self) -> list[tuple[str, float]]:
        """(metric, value) pairs without the stage name; custom metrics as ``custom.<name>``."""
        own = [
            (name, value)
            for name, value in vars(self).items()
            if name not in ("stage_name", "custom_metrics")
        ]
        return own + [(f"custom.{name}", value) for name, value in self.custom_metrics.items()]


@dataclass
class StageCounts:
    """Rows through one stage: ``rows_in + expanded = rows_out + dropped + quarantined + merged``.

    ``dropped`` maps a reason (the rule) to rows. ``estimated`` of the rows in quarantine could not
    be counted. ``opaque`` marks a stage that lost the row numbers, so that only ``rows_in`` and
    ``rows_out`` are known.
    """

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    expanded: int = 0
    merged: int = 0
    quarantined: int = 0
    estimated: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes_in: int = 0
    tasks: int = 0
    opaque: bool = False
    metrics: dict[str, float] = field(default_factory=dict)

    def add(self, other: StageCounts) -> None:
        """Add the counts of another call of the same stage to this one."""
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.expanded += other.expanded
        self.merged += other.merged
        self.quarantined += other.quarantined
        self.estimated += other.estimated
        self.dropped = merge_sums(self.dropped, other.dropped)
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.bytes_in += other.bytes_in
        self.tasks += other.tasks
        self.opaque = self.opaque or other.opaque
        self.metrics = merge_sums(self.metrics, other.metrics)

    @property
    def balance(self) -> int:
        """Rows that are unaccounted for; 0 when the stage balances (always, if opaque)."""
        if self.opaque:
            return 0
        gone = sum(self.dropped.values()) + self.quarantined + self.merged
        return self.rows_in + self.expanded - self.rows_out - gone

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; zero and empty entries are left out."""
        return {name: value for name, value in vars(self).items() if value}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StageCounts:
        """The inverse of :meth:`to_dict`."""
        return cls(**values)


def merge_sums(left: dict[str, N], right: dict[str, N]) -> dict[str, N]:
    """Both dicts in one, values of equal keys added."""
    merged = dict(left)
    for name, value in right.items():
        merged[name] = merged[name] + value if name in merged else value
    return merged
