# SPDX-License-Identifier: Apache-2.0
"""Blocks of envelopes as rows of Ray Data's: pickled, in one column."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from thresher.backends.ray.blocks import Block
from thresher.backends.ray.engine_step import EngineStep
from thresher.backends.ray.leave import leave_without_ado

COLUMN = "envelopes"


def rows_of(blocks: Sequence[Block]) -> list[dict[str, bytes]]:
    """Rows for ``ray.data.from_items``."""
    return [{COLUMN: _pickled(block)} for block in blocks]


class RowStep:
    """A Step as a function on batches of rows, in an actor of Ray Data's."""

    def __init__(self, step: EngineStep) -> None:
        leave_without_ado()
        self._step = step
        step.start()

    def __del__(self) -> None:
        self._step.stop()  # Ray Data drops what it no longer needs, and says nothing

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run the Step on each block of a batch."""
        made = [new for row in batch[COLUMN] for new in self._step.call(pickle.loads(row))]
        found = np.empty(len(made), dtype=object)
        found[:] = [_pickled(block) for block in made]
        return {COLUMN: found}


def _pickled(block: Block) -> bytes:
    return pickle.dumps(block, protocol=5)
