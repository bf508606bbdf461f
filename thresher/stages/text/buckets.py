# SPDX-License-Identifier: Apache-2.0
"""ScoreBuckets: names for ranges of a score, to branch on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import PlanError
from thresher.stages.base import NUMBER, Columns, ProcessingStage
from thresher.stages.filtering import numbers_of
from thresher.stages.text import arguments
from thresher.tasks import DocumentBatch
from thresher.tasks.columns import from_numpy, to_numpy


class ScoreBuckets(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Add a column that names the bucket in which a score lies.

    Buckets are told by bounds of the score, not by percentiles: a document's bucket does not depend
    on the others. A score at a bound lies in the higher bucket.

    Parameters
    ----------
    score_field : str
        A column of numbers.
    thresholds : list[float]
        Bounds between buckets, from low to high: 0 to as many as wanted.
    labels : list[str]
        Names of the buckets, from low to high: one more than bounds.
    bucket_field : str | None
        The new column (string); ``<score_field>_bucket`` when not given.
    null_label : str | None
        The bucket of null and NaN; null when not given.
    name : str | None
        The stage's name.

    Raises
    ------
    PlanError
        If bounds do not rise, or there is not one label more than bounds.
    BadRows
        If rows hold something else than numbers.

    Examples
    --------
    >>> stage = ScoreBuckets("score", thresholds=[0.3, 0.7], null_label="unscored")
    >>> batch = DocumentBatch("docs", {"score": [0.1, 0.3, 0.9, None]})
    >>> stage.process(batch).data.column("score_bucket").to_pylist()
    ['low', 'medium', 'high', 'unscored']
    """

    rows = "same"
    gil_free = True

    def __init__(
        self,
        score_field: str,
        thresholds: Sequence[float],
        labels: Sequence[str] = ("low", "medium", "high"),
        bucket_field: str | None = None,
        null_label: str | None = None,
        name: str | None = None,
    ) -> None:
        where = "ScoreBuckets"
        arguments.column_names([score_field], "score_field", where, optional=False)
        arguments.column_names([bucket_field], "bucket_field", where, optional=True)
        if not all(low < high for low, high in pairwise(thresholds)):
            raise PlanError(
                f"thresholds={list(thresholds)} do not rise",
                where=where,
                todo="give bounds from low to high, each once",
            )
        if len(labels) != len(thresholds) + 1 or any(bound != bound for bound in thresholds):
            raise PlanError(
                f"there are {len(labels)} labels for {len(thresholds)} thresholds",
                where=where,
                todo="give one label more than thresholds",
            )
        self.score_field = score_field
        self.thresholds = thresholds
        self.labels = labels
        self.bucket_field = bucket_field
        self.null_label = null_label
        self.name = name or "score_buckets"

    def inputs(self) -> Columns:
        """The scores."""
        return ["data"], [self.score_field]

    def input_kinds(self) -> dict[str, str]:
        """Numbers."""
        return {self.score_field: NUMBER}

    def outputs(self) -> Columns:
        """The buckets."""
        return ["data"], [self._field()]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, each with its bucket."""
        column = numbers_of(task, self.score_field, self.name)
        scores = to_numpy(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")))
        buckets = np.searchsorted(np.array(self.thresholds, np.float64), scores, side="right")
        buckets[np.isnan(scores)] = len(self.labels)
        names = pa.array([*self.labels, self.null_label], pa.string())
        return task.with_column(self._field(), names.take(from_numpy(buckets.astype(np.int64))))

    def _field(self) -> str:
        return self.bucket_field or f"{self.score_field}_bucket"
