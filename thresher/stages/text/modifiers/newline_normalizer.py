# SPDX-License-Identifier: Apache-2.0
"""NewlineNormalizer: no more than one empty line in a row."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some

_MANY_FEEDS = re.compile(r"\n{3,}")
_MANY_RETURNS = re.compile(r"(?:\r\n){3,}")


class NewlineNormalizer(DocumentModifier):
    """Leave no more than one empty line: three or more line ends in a row become two.

    Line feeds and carriage returns with line feeds each count among themselves.

    Source: the modifiers of NeMo Curator.

    >>> NewlineNormalizer().modify_document("one\\n\\n\\n\\ntwo")
    'one\\n\\ntwo'
    """

    def modify_document(self, text: str) -> str:
        """The text with fewer line ends."""
        return _MANY_RETURNS.sub("\r\n\r\n", _MANY_FEEDS.sub("\n\n", text))

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only documents with three line ends in a row are touched."""
        # pyarrow's matchers of fixed strings go by bytes, which for these are characters.
        feeds = pc.match_substring(column, "\n\n\n")
        returns = pc.match_substring(column, "\r\n\r\n\r\n")
        return modify_some(self.modify_document, column, pc.or_(feeds, returns))
