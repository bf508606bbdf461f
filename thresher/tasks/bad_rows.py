# SPDX-License-Identifier: Apache-2.0
"""BadRows: rows of a batch that cannot be processed, named by position."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from thresher.errors import DataError
from thresher.tasks.columns import from_numpy


class BadRows(DataError):
    """Rows of a batch that hold a value which cannot be used; all others are fine.

    A stage may raise it: the runner sets these rows aside and calls the stage again with the rest.

    Parameters
    ----------
    reasons : dict[int, str]
        What is wrong with each of these rows, by position in the batch.
    """

    def __init__(self, reasons: dict[int, str], todo: str = "") -> None:
        super().__init__(next(iter(reasons.values()), ""), todo=todo)
        self.reasons = dict(reasons)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return (type(self), (self.reasons, self.todo))

    def in_order(self) -> list[tuple[int, str]]:
        """(position, reason) pairs."""
        return sorted(self.reasons.items())

    def others(self, table: pa.Table) -> pa.Table:
        """The rows of the batch's table that are fine."""
        good = np.ones(table.num_rows, np.bool_)
        good[list(self.reasons)] = False
        return table.filter(from_numpy(good))
