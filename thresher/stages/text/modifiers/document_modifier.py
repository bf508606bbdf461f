# SPDX-License-Identifier: Apache-2.0
"""DocumentModifier: changes the text of documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.kernels.arrow_text import is_text
from thresher.stages.parameters import Parametrised
from thresher.tasks.columns import from_numpy, to_numpy

if TYPE_CHECKING:
    from thresher.stages.text.modifiers.modify import Modify


class DocumentModifier(Parametrised, ABC):
    """Base of all text modifiers.

    Define :meth:`modify_document`. For speed, add :meth:`modify_column`, which gives the same for
    a whole column. A modifier of several columns takes them as keyword arguments named like the
    columns. A document that is null stays null.
    """

    version: ClassVar[str] = "1"

    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    """Constructor arguments that the conformance tests try."""

    @property
    def name(self) -> str:
        """What statistics call it; the class name unless declared."""
        return str(self.__dict__.get("_name") or type(self).__name__)

    @abstractmethod
    def modify_document(self, *args: Any, **kwargs: Any) -> Any:
        """The changed document."""

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The column with every document changed; the same object if none is."""
        return modify_rows(self.modify_document, column)

    def modify_with(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """What :meth:`modify_column` gives, where it can be used.

        It cannot on columns that hold no text, nor in a subclass that redefines only
        :meth:`modify_document`.
        """
        for base in type(self).__mro__:
            if "modify_column" in base.__dict__:
                break
            if "modify_document" in base.__dict__:
                return modify_rows(self.modify_document, column)
        if not is_text(column.type):
            return modify_rows(self.modify_document, column)
        return self.modify_column(column)

    def as_stage(self) -> Modify:
        """The stage that applies this modifier to the column ``text``."""
        from thresher.stages.text.modifiers.modify import Modify

        return Modify(self)


def modify_rows(function: Callable[[Any], Any], column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Apply a function of one document to a column, row by row.

    Null stays null, and text keeps its type of column. A column in which nothing changes is
    returned itself.
    """
    before = column.to_pylist()
    after = [None if value is None else function(value) for value in before]
    if all(map(_same, after, before)):
        return column
    made = pa.array(after)
    if is_text(made.type) and is_text(column.type):
        made = pa.array(after, type=column.type)
    return pa.chunked_array([made])


def modify_some(
    function: Callable[[str], str], column: pa.ChunkedArray, where: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Apply a function to the documents of a text column for which ``where`` holds.

    All others are known to stay as they are. Returns the column itself if nothing changes.
    """
    chosen = pc.fill_null(where, False)
    if not pc.any(chosen).as_py():
        return column
    part = column.filter(chosen)
    changed = modify_rows(function, part)
    if changed is part:
        return column
    if len(part) == len(column):
        return changed
    mask = to_numpy(chosen)
    order = np.empty(len(column), np.int64)  # untouched rows stand first, changed ones behind
    order[~mask] = np.arange(len(column) - len(part))
    order[mask] = np.arange(len(column) - len(part), len(column))
    untouched = column.filter(pc.invert(chosen))
    return pa.chunked_array([*untouched.chunks, *changed.chunks], type=column.type).take(
        from_numpy(order)
    )


def _same(new: Any, old: Any) -> bool:
    return new is old or (type(new) is type(old) and bool(new == old))
