# SPDX-License-Identifier: Apache-2.0
"""UrlRemover: deletes web addresses."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some

_URL = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)


class UrlRemover(DocumentModifier):
    """Delete web addresses: ``http://``, ``https://`` or ``www.`` and all up to white space.

    Upper and lower case are alike; white space is that of Unicode.

    Source: the modifiers of NeMo Curator.

    >>> UrlRemover().modify_document("see https://a.b/c there")
    'see  there'
    """

    def modify_document(self, text: str) -> str:
        """The text without addresses."""
        return _URL.sub("", text)

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only documents that have the beginning of an address are touched."""
        # Case is ignored as Python's re does it, where "ſ" (U+017F) is an "s": ignoring the "s"
        # here finds all documents that may matter, and the definition decides.
        schemes = pc.match_substring(column, "://")
        hosts = pc.match_substring(column, "www.", ignore_case=True)
        return modify_some(self.modify_document, column, pc.or_(schemes, hosts))
