# SPDX-License-Identifier: Apache-2.0
"""AddId: gives every document an id."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import PlanError
from thresher.stages.base import Columns, ProcessingStage
from thresher.tasks import ROW, DocumentBatch


class AddId(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Add a column of ids ``[<prefix>_]<part>_<row>``.

    The part is the name of the file, or slice of one, that the document was read from, and the
    row its number there: ids stay the same however often, on whatever machine and after whatever
    filter the pipeline runs. A task without row numbers is numbered by position.

    Parameters
    ----------
    id_field : str
        The new column.
    id_prefix : str | None
        What ids begin with.
    overwrite : bool
        Replace a column of that name that is there already; a warning says so.

    Raises
    ------
    PlanError
        When the column is there and ``overwrite`` is not set.
    """

    rows = "same"
    gil_free = True

    def __init__(
        self, id_field: str, id_prefix: str | None = None, overwrite: bool = False
    ) -> None:
        self.id_field = id_field
        self.id_prefix = id_prefix
        self.overwrite = overwrite

    def outputs(self) -> Columns:
        """The ids."""
        return ["data"], [self.id_field]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, each with its id."""
        names = task.data.column_names
        if self.id_field in names:
            there = f"there is a column {self.id_field!r} already"
            if not self.overwrite:
                raise PlanError(
                    there,
                    where=f"stage {self.name!r}",
                    todo="choose another id_field, or set overwrite=True",
                )
            warnings.warn(f"stage {self.name!r}: {there}: it is replaced", stacklevel=2)
        if ROW in names:
            numbers = task.data.column(ROW)
        else:
            numbers = pa.chunked_array([np.arange(task.num_items)])
        begin = "_".join([*([self.id_prefix] if self.id_prefix else []), task.task_id])
        ids = pc.binary_join_element_wise(begin, numbers.cast(pa.string()), "_")
        return task.with_column(self.id_field, ids)
