# SPDX-License-Identifier: Apache-2.0
"""QuotationUnifier: straight quotation marks for curly ones."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier

_STRAIGHT = {"‘": "'", "’": "'", "“": '"', "”": '"'}
_TABLE = str.maketrans(_STRAIGHT)


class QuotationUnifier(DocumentModifier):
    """Write ``'`` for the marks U+2018 and U+2019, and ``"`` for U+201C and U+201D.

    Source: the TinyStories tutorial of NeMo Curator.

    >>> QuotationUnifier().modify_document("“It’s so.”")
    '"It\\'s so."'
    """

    def modify_document(self, text: str) -> str:
        """The text with straight marks."""
        return text.translate(_TABLE)

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Marks are found by their bytes, which stand for nothing else in UTF-8."""
        for curly, straight in _STRAIGHT.items():
            if pc.any(pc.match_substring(column, curly)).as_py():
                column = pc.replace_substring(column, curly, straight)
        return column
