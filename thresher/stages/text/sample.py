# SPDX-License-Identifier: Apache-2.0
"""Sample: a share of the documents, the same ones every time."""

from __future__ import annotations

import numpy as np
import xxhash
from numpy.typing import NDArray

from thresher.errors import PlanError
from thresher.stages.base import Columns
from thresher.stages.filtering import Mask, RowFilterStage
from thresher.tasks import ROW, DocumentBatch
from thresher.tasks.columns import to_numpy


class Sample(RowFilterStage):
    """Keep a share of the documents, chosen by chance.

    Whether a document is kept depends on the seed, the file (or slice of one) that it was read from
    and its row there, and on nothing else: not on the batch, the machine or the other documents. A
    larger share with the same seed keeps all that a smaller one keeps. Documents that a stage made
    of one are kept or dropped together. The number that is kept is about ``share`` of all.

    Parameters
    ----------
    share : float
        How many of the documents to keep, from 0 to 1: ``0.01`` is 1%.
    seed : int
        Another seed keeps others.

    Raises
    ------
    PlanError
        If the share is not from 0 to 1.

    Examples
    --------
    >>> batch = DocumentBatch("docs", {"text": list("abcdefgh")})
    >>> Sample(0.5).process(batch).data.column("text").to_pylist()
    ['e', 'f']
    """

    name = "sample"
    gil_free = True

    def __init__(self, share: float, seed: int = 0) -> None:
        if not 0 <= share <= 1:
            raise PlanError(
                f"share={share!r} is no share of the documents",
                where=f"stage {self.name!r}",
                todo="give a number from 0 to 1, such as 0.01 for 1%",
            )
        self.share = share
        self.seed = seed

    def inputs(self) -> Columns:
        """No column."""
        return ["data"], []

    def judge(self, task: DocumentBatch) -> list[tuple[str, Mask]]:
        """Which rows are kept."""
        if ROW in task.data.column_names:
            numbers = to_numpy(task.data.column(ROW)).astype(np.uint64)
        else:
            numbers = np.arange(task.num_items, dtype=np.uint64)
        origin = np.uint64(xxhash.xxh3_64_intdigest(f"{self.seed}/{task.task_id}".encode()))
        # 53 bits, so that a float64 holds the share of each.
        drawn = (_mixed(numbers + origin) >> np.uint64(11)).astype(np.float64) / 2**53
        return [("not in the sample", drawn < self.share)]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """The rows that are kept."""
        return self._select_in_turn(task, self.judge(task))


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """uint64[n]: the numbers as SplitMix64 mixes them, so that neighbours differ in all bits.

    Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014.
    """
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
