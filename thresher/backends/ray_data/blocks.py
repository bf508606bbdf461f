# SPDX-License-Identifier: Apache-2.0
"""Envelopes as rows of Ray Data's blocks: pickled, in one column."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from thresher.backends.ray.engine_step import EngineStep
from thresher.backends.server import Envelope

COLUMN = "envelope"
_BLOCKS_PER_WORKER = 4


def rows_of(envelopes: Sequence[Envelope]) -> list[dict[str, bytes]]:
    """Rows for ``ray.data.from_items``."""
    return [{COLUMN: pickle.dumps(envelope, protocol=5)} for envelope in envelopes]


def block_count(n_tasks: int, cpus: float) -> int:
    """How many blocks to make of so many tasks.

    A block costs some ten milliseconds at each stage, so small tasks share one; four for each CPU
    still spread them evenly.
    """
    return max(1, min(n_tasks, math.ceil(cpus) * _BLOCKS_PER_WORKER))


class BlockStep:
    """A Step as a function on batches of rows, in an actor of Ray Data's."""

    def __init__(self, step: EngineStep) -> None:
        self._step = step
        step.start()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run the Step on each envelope of a batch."""
        envelopes = [pickle.loads(row) for row in batch[COLUMN]]
        made = self._step.call(envelopes)
        found = np.empty(len(made), dtype=object)
        found[:] = [pickle.dumps(envelope, protocol=5) for envelope in made]
        return {COLUMN: found}
