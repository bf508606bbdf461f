# SPDX-License-Identifier: Apache-2.0
"""LineRemover: drops lines that are known to be no text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text import arguments
from thresher.stages.text.modifiers.document_modifier import DocumentModifier
from thresher.stages.text.pieces import cut, one_chunk, put_together


class LineRemover(DocumentModifier):
    """Drop the lines that are exactly one of some patterns, white space included.

    Lines end at line feeds only. Of a document all of whose lines go, the empty text stays.

    Source: the modifiers of NeMo Curator.

    >>> LineRemover(["Share this"]).modify_document("Title\\nShare this\\nText")
    'Title\\nText'

    Parameters
    ----------
    patterns : list[str]
        The lines to drop.
    """

    EXAMPLES = (
        {"patterns": ["", "x", "a b", "é"]},
        {"patterns": []},
    )

    def __init__(self, patterns: Sequence[str]) -> None:
        if not isinstance(patterns, list | tuple | set | frozenset):
            raise arguments.WrongTypeError(
                f"patterns is a {type(patterns).__name__}",
                where="LineRemover",
                todo='give a list of lines: ["Share this"]',
            )
        for pattern in patterns:
            if not isinstance(pattern, str):
                raise arguments.WrongTypeError(
                    f"patterns holds a {type(pattern).__name__}",
                    where="LineRemover",
                    todo="give lines of text",
                )
        self.patterns = patterns

    def modify_document(self, text: str) -> str:
        """The text without those lines."""
        return "\n".join(line for line in text.split("\n") if line not in self.patterns)

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """All lines of a chunk are compared at once."""
        before = column.chunks
        after = [self._modify(chunk) for chunk in before]
        if all(new is old for new, old in zip(after, before, strict=True)):
            return column
        return pa.chunked_array(after, type=column.type)

    def _modify(self, chunk: pa.Array) -> pa.Array:
        texts = one_chunk(chunk)
        lines, counts = cut(texts, "\n")
        drop = pc.is_in(lines, pa.array(sorted(self.patterns), lines.type))
        if not pc.any(drop).as_py():
            return chunk
        stays = ~np.asarray(drop.to_numpy(zero_copy_only=False))
        owner = np.repeat(np.arange(len(counts)), counts)[stays]
        left = np.bincount(owner, minlength=len(counts)).astype(np.int64)
        made = put_together(lines.filter(pc.invert(drop)), left, "\n")
        made = pc.if_else(pc.is_valid(texts), pc.fill_null(made, ""), None)
        return chunk if made.equals(texts) else made.cast(chunk.type)
