# SPDX-License-Identifier: Apache-2.0
"""Envelope: what travels to a worker."""

from __future__ import annotations

from dataclasses import dataclass, replace

from thresher.backends.context import Attempt
from thresher.backends.parcel import Parcel
from thresher.runs.part import Path


@dataclass(frozen=True)
class Envelope:
    """A task with its attempt, its place in the part's tree, and the Step it waits for."""

    attempt: Attempt
    path: Path
    step: int
    parcel: Parcel

    def shadow(self) -> Envelope:
        """For ranks that work along with rank 0: as a probe, which leaves nothing behind."""
        return replace(self, attempt=replace(self.attempt, probe=True))
