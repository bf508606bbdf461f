# SPDX-License-Identifier: Apache-2.0
"""DocumentModifier: changes the text of documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from thresher.stages.parameters import Parametrised

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

    def as_stage(self) -> Modify:
        """The stage that applies this modifier to the column ``text``."""
        from thresher.stages.text.modifiers.modify import Modify

        return Modify(self)


def modify_rows(function: Any, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Apply a function of one document to a column, row by row.

    Null stays null and the column's type is kept where the results allow it. A column in which
    nothing changes is returned itself.
    """
    before = column.to_pylist()
    after = [None if value is None else function(value) for value in before]
    if all(new is old or (type(new) is type(old) and new == old)
           for new, old in zip(after, before, strict=True)):
        return column
    try:
        made = pa.array(after, type=column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        made = pa.array(after)
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])
