# SPDX-License-Identifier: Apache-2.0
"""Modifiers that follow a plain rule about characters."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some

_MANY_FEEDS = re.compile(r"\n{3,}")
_MANY_RETURNS = re.compile(r"(?:\r\n){3,}")
_URL = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)


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
