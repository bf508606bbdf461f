# SPDX-License-Identifier: Apache-2.0
"""BoilerPlateStringModifier: removes notices about policies and cookies."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from thresher.kernels.marks import POLICY_PHRASES
from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some

LOREM_IPSUM = "lorem ipsum"
_ANY_PHRASE = "(?i)" + "|".join(map(re.escape, (LOREM_IPSUM, *POLICY_PHRASES)))


class BoilerPlateStringModifier(DocumentModifier):
    """Remove the paragraphs about terms of use, privacy and cookies around a document.

    Paragraphs lie between two line feeds; upper and lower case are alike. A document with "lorem
    ipsum" in it becomes empty. The long sentences of cookie banners are known by their first
    clause, where NeMo Curator wants the whole of them.

    Source: Raffel et al. 2020, C4 (arXiv:1910.10683); the paragraph rule is NeMo Curator's.

    >>> BoilerPlateStringModifier().modify_document("A text.\\n\\nThis site uses cookies.")
    'A text.'

    Parameters
    ----------
    remove_if_at_top_or_bottom : bool
        Remove such paragraphs if they stand side by side at the top or at the bottom and are not
        all there is; leave the document as it is otherwise. If not set, a document with one such
        paragraph anywhere becomes empty.
    """

    EXAMPLES = ({}, {"remove_if_at_top_or_bottom": False})

    def __init__(self, remove_if_at_top_or_bottom: bool = True) -> None:
        self.remove_if_at_top_or_bottom = remove_if_at_top_or_bottom

    @property
    def name(self) -> str:
        """What statistics call it."""
        return "boilerplate_string_ratio"

    def modify_document(self, text: str) -> str:
        """The text without notices."""
        paragraphs = text.split("\n\n")
        lowered = [paragraph.lower() for paragraph in paragraphs]
        if any(LOREM_IPSUM in paragraph for paragraph in lowered):
            return ""
        found = [
            place
            for place, paragraph in enumerate(lowered)
            if any(phrase in paragraph for phrase in POLICY_PHRASES)
        ]
        if not found:
            return text
        if not self.remove_if_at_top_or_bottom:
            return ""
        first, last = found[0], found[-1]
        side_by_side = len(found) == last - first + 1
        at_an_end = first == 0 or last == len(paragraphs) - 1
        if side_by_side and at_an_end and len(found) < len(paragraphs):
            return "\n\n".join(paragraphs[:first] + paragraphs[last + 1 :])
        return text

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only documents with one of the phrases are touched."""
        # RE2 knows more characters of one letter than lower() does; the definition decides.
        return modify_some(
            self.modify_document, column, pc.match_substring_regex(column, _ANY_PHRASE)
        )
