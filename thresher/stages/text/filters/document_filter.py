# SPDX-License-Identifier: Apache-2.0
"""DocumentFilter: scores documents and says which scores to keep."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from thresher.stages.filtering import Judge, Mask, Scores, as_objects
from thresher.stages.text.filters.signals import Signal, SignalMemo

if TYPE_CHECKING:
    from thresher.stages.text.filters.score_filter import ScoreFilter


class DocumentFilter(Judge):
    """Base of all text filters.

    Define :meth:`score_document` and either :meth:`bounds` or :meth:`keep_document`. For speed,
    add ``signals`` and :meth:`score_signals`, or :meth:`score_column`: a column form gives, for
    every document, what ``score_document`` gives. A subclass that redefines ``score_document``
    alone is scored by it. A null document is scored as an empty one.
    """

    signals: ClassVar[tuple[str, ...]] = ()
    """Names of the signals that :meth:`score_signals` needs; see ``signals.KERNELS``."""

    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    """Constructor arguments that the conformance tests try."""

    # -- the definition -----------------------------------------------------------------------

    @abstractmethod
    def score_document(self, text: str) -> Any:
        """The score of one document."""

    def keep_document(self, score: Any) -> bool:
        """Whether a document with this score stays."""
        return self.within_bounds(score)

    # -- the fast form ------------------------------------------------------------------------

    def needed_signals(self) -> tuple[str, ...]:
        """The signals that score a whole column; none if they cannot."""
        return self.signals if _form(type(self)) == "score_signals" else ()

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """The scores, made of int64[n_rows] signals by name."""
        raise NotImplementedError

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """The scores of a column of documents."""
        return self.score_with(column, SignalMemo())

    def score_with(self, column: pa.Array | pa.ChunkedArray, memo: SignalMemo) -> Scores:
        """The scores of a column, by signals that neighbouring filters may have computed."""
        if _form(type(self)) == "score_column":
            return self.score_column(column)
        if names := self.needed_signals():
            found = memo.get(column, names)
            if found is not None:
                return self.score_signals(found)
        return [self.score_document(text) for text in documents(column)]

    def keep_scores(self, scores: Scores) -> Mask:
        """bool[n_rows]: which documents stay."""
        if _first_defined(type(self), ("bounds", "keep_document")) == "bounds":
            return self.mask_within_bounds(scores)
        answers = (bool(self.keep_document(score)) for score in as_objects(scores))
        return np.fromiter(answers, dtype=np.bool_, count=len(scores))

    # -- as a stage ---------------------------------------------------------------------------

    def as_stage(self) -> ScoreFilter:
        """The stage that scores by this filter and keeps what it keeps."""
        from thresher.stages.text.filters.score_filter import ScoreFilter

        return ScoreFilter(self)


def documents(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The documents of a column as Python strings, null as the empty string."""
    return ["" if text is None else text for text in column.to_pylist()]


def _form(cls: type) -> str:
    """The method that scores: the one defined last on the way from the base to ``cls``."""
    return _first_defined(cls, ("score_column", "score_signals", "score_document"))


def _first_defined(cls: type, methods: tuple[str, ...]) -> str:
    for base in cls.__mro__:
        if base is DocumentFilter:
            break
        for method in methods:
            if method in base.__dict__:
                return method
    return methods[-1]
