# SPDX-License-Identifier: Apache-2.0
"""DocumentJoiner: makes documents of their pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.errors import PlanError
from thresher.stages.base import NUMBER, TEXT, Columns, ProcessingStage
from thresher.stages.filtering import column_of, numbers_of, text_of
from thresher.stages.text import arguments
from thresher.stages.text.filling import row_starts
from thresher.stages.text.pieces import Counts, one_chunk, put_together
from thresher.stages.text.splitter import numbered
from thresher.tasks import RAW, TOKENS, DocumentBatch
from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.document import table_like
from thresher.tasks.json_text import to_json
from thresher.tasks.types import is_json


class DocumentJoiner(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Join the pieces of each document, in the order of their numbers.

    Documents come out sorted by id, each as one row, or as few as ``max_length`` allows: pieces
    are then taken in order and joined as long as they fit. A piece that is too long stands alone.
    Ids of several kinds are compared by value and sorted by their JSON text.
    The other columns keep the value of a row's first piece; without ``max_length`` the first value
    that is not null.

    All pieces in a part of the source are joined, however the part is cut into batches; pieces
    that were read from different parts are not.

    A null piece adds nothing, not even a separator; a document of nothing else is null. Without
    an id a piece is a document of its own, behind all others; pieces without a number come last;
    a piece of unknown length stands alone.

    Source: the modules of NeMo Curator.

    >>> batch = DocumentBatch("d", {"id": [1, 0, 1], "segment_id": [1, 0, 0], "text": list("abc")})
    >>> DocumentJoiner("|").process(batch).data.to_pydict()
    {'id': [0, 1], 'text': ['b', 'c|a']}

    Parameters
    ----------
    separator : str
        What stands between two pieces.
    text_field : str
        The column to join.
    segment_id_field : str
        The column of numbers.
    document_id_field : str
        The column that says which pieces belong together.
    drop_segment_id_field : bool
        Leave the column of numbers out. Otherwise it keeps the first piece's; with ``max_length``
        the rows of a document are numbered anew, from 0.
    max_length : int | None
        The most that a row may have of what ``length_field`` counts.
    length_field : str | None
        Column of the pieces' lengths, in whatever unit; a joined row has their sum, and the
        characters of a separator for each place where two were joined.

    Raises
    ------
    PlanError
        If only one of ``max_length`` and ``length_field`` is given.
    """

    name = "document_joiner"
    rows = "merge"
    whole_parts = True
    gil_free = True

    def __init__(
        self,
        separator: str = "\n\n",
        text_field: str = "text",
        segment_id_field: str = "segment_id",
        document_id_field: str = "id",
        drop_segment_id_field: bool = True,
        max_length: int | None = None,
        length_field: str | None = None,
    ) -> None:
        self.separator = separator
        self.text_field = text_field
        self.segment_id_field = segment_id_field
        self.document_id_field = document_id_field
        self.drop_segment_id_field = drop_segment_id_field
        self.max_length = max_length
        self.length_field = length_field
        if (max_length is None) != (length_field is None):
            given, other = ("max_length", "length_field")[:: 1 if length_field is None else -1]
            raise PlanError(
                f"{given} is given without {other}", "DocumentJoiner", f"give {other}, too"
            )

    def inputs(self) -> Columns:
        """The pieces, their numbers and documents, and their lengths if they count."""
        names = [self.text_field, self.segment_id_field, self.document_id_field]
        return ["data"], names + ([self.length_field] if self.length_field else [])

    def input_kinds(self) -> dict[str, str]:
        """Text, and numbers where lengths count."""
        lengths = {self.length_field: NUMBER} if self.length_field else {}
        return {self.text_field: TEXT, **lengths}

    def outputs(self) -> Columns:
        """The joined text and its document, and what else is written anew."""
        names = [self.text_field, self.document_id_field]
        if not self.drop_segment_id_field:
            names.append(self.segment_id_field)
        return ["data"], names + ([self.length_field] if self.length_field else [])

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """A row for each document, or for each stretch of one that fits."""
        order, first_of_document = self._sorted(task)
        texts = text_of(task, self.text_field, self.name).take(from_numpy(order))
        left_out = {RAW, TOKENS}
        kept = task.data.select([n for n in task.data.column_names if n not in left_out])
        table = kept.take(from_numpy(order))
        starts = np.flatnonzero(first_of_document)
        if self.max_length is None or self.length_field is None:
            columns = {
                name: _first_there(table.column(name), starts) for name in table.column_names
            }
        else:
            between = len(self.separator)
            found = numbers_of(task, self.length_field, self.name).take(from_numpy(order))
            lengths = _lengths(found)
            starts = row_starts(lengths, starts, self.max_length, between)
            rows = table.take(from_numpy(starts))
            columns = {name: rows.column(name) for name in rows.column_names}
            columns[self.length_field] = _summed(lengths, starts, between)
            n_rows = np.diff(np.append(np.flatnonzero(first_of_document[starts]), len(starts)))
            columns[self.segment_id_field] = from_numpy(numbered(n_rows))
        counts = np.diff(np.append(starts, len(order)))
        columns[self.text_field] = put_together(one_chunk(texts), counts, self.separator)
        if self.drop_segment_id_field:
            del columns[self.segment_id_field]
        made = table_like(columns, task.data, set(self.outputs()[1]) - {self.document_id_field})
        return task.evolve(data=made, _parsed=frozenset(), _carried=frozenset())

    def _sorted(self, task: DocumentBatch) -> tuple[Counts, npt.NDArray[np.bool_]]:
        """int64[n]: the pieces in order; bool[n]: which of them, in order, begin a document."""
        ids = column_of(task, self.document_id_field, self.name)
        if pa.types.is_null(ids.type):
            ids = ids.cast(pa.string())
        elif is_json(field := task.data.schema.field(self.document_id_field)):
            ids = to_json(ids, field)  # one text for a value, however it is written
        numbers = column_of(task, self.segment_id_field, self.name)
        if pa.types.is_null(numbers.type) or is_json(task.data.schema.field(self.segment_id_field)):
            numbers = numbers_of(task, self.segment_id_field, self.name)
        keys = pa.table({"document": ids, "piece": numbers})
        try:
            order = pc.sort_indices(
                keys, sort_keys=[("document", "ascending"), ("piece", "ascending")]
            )
            ordered = ids.take(order)
            differ = pc.not_equal(ordered.slice(1), ordered.slice(0, max(len(ids) - 1, 0)))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise arguments.WrongTypeError(
                f"pieces cannot be sorted by {ids.type} and {numbers.type}: {error}",
                where=f"stage {self.name!r}",
                todo="use ids and numbers that are integers or strings",
            ) from error
        first = np.ones(len(ids), np.bool_)
        first[1:] = to_numpy(pc.fill_null(differ, True))  # null is no document's id
        return to_numpy(order).astype(np.int64), first


def _first_there(column: pa.ChunkedArray, starts: Counts) -> pa.ChunkedArray:
    """The first value that is not null of each stretch of rows; null if there is none."""
    places = starts
    if column.null_count and len(starts):
        there = np.flatnonzero(to_numpy(pc.is_valid(column)))
        next_there = np.append(there, len(column))[np.searchsorted(there, starts)]
        ends = np.append(starts[1:], len(column))
        places = np.where(next_there < ends, next_there, starts)
    return column.take(from_numpy(places))


def _lengths(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """int64[n], or float64[n] with NaN for null."""
    if column.null_count or pa.types.is_floating(column.type):
        return to_numpy(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")))
    return to_numpy(column.cast(pa.int64()))


def _summed(values: npt.NDArray[Any], starts: Counts, separator: int) -> pa.Array:
    """The length of each row: of its pieces, and of the separators between them."""
    if not len(starts):
        return from_numpy(values)
    joints = np.diff(np.append(starts, len(values))) - 1
    sums = np.add.reduceat(values, starts) + separator * joints
    if sums.dtype.kind != "f":
        return from_numpy(sums)
    return from_numpy(sums, ~np.isnan(sums))
