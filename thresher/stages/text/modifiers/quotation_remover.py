# SPDX-License-Identifier: Apache-2.0
"""QuotationRemover: takes off the quotation marks around a document."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some


class QuotationRemover(DocumentModifier):
    """Take off the quotation marks around a whole document.

    A document of more than two characters that begins and ends with ``"`` loses both, unless it
    has several lines and the first of them ends with ``"`` itself. White space around the document
    is not counted among its characters, but must not stand outside the marks.

    Source: the modifiers of NeMo Curator.

    >>> QuotationRemover().modify_document('"Well said."')
    'Well said.'
    """

    def modify_document(self, text: str) -> str:
        """The text without the marks."""
        if len(text.strip()) <= 2 or not (text.startswith('"') and text.endswith('"')):
            return text
        first, feed, _ = text.partition("\n")
        if feed and first.endswith('"'):
            return text
        return text[1:-1]

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only documents between quotation marks are touched."""
        marked = pc.and_(pc.starts_with(column, '"'), pc.ends_with(column, '"'))
        return modify_some(self.modify_document, column, marked)
