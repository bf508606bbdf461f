# SPDX-License-Identifier: Apache-2.0
"""Slicer: keeps a stretch of every document."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text import arguments
from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_rows

Edge = int | str | None

# What str.strip() takes away; Arrow's own idea of white space is another.
_SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


class Slicer(DocumentModifier):
    """Keep what lies between two places of a document.

    A place is a number of characters, counted from the end if negative, or a string: its first
    occurrence on the left, its last on the right, both looked for in the whole document. Where a
    string does not occur, nothing is left.

    Source: the modifiers of NeMo Curator.

    >>> body = Slicer("<body>", "</body>", include_left=False, include_right=False)
    >>> body.modify_document("<html><body> Text </body></html>")
    'Text'

    Parameters
    ----------
    left, right : int | str | None
        Where to begin and where to end; None is the document's own begin or end.
    include_left, include_right : bool
        Whether a string that marks a place stays itself.
    strip : bool
        Whether to take white space off both ends of what is left.
    """

    EXAMPLES = (
        {},
        {"left": 2, "right": -1},
        {"left": -3, "right": 1 << 40, "strip": False},
        {"left": " ", "right": "a", "include_left": False},
        {"left": "a", "right": "x", "include_right": False, "strip": False},
    )

    def __init__(
        self,
        left: Edge = 0,
        right: Edge = None,
        include_left: bool = True,
        include_right: bool = True,
        strip: bool = True,
    ) -> None:
        for name, edge in (("left", left), ("right", right)):
            if not isinstance(edge, int | str | None):
                raise arguments.WrongTypeError(
                    f"{name} is a {type(edge).__name__}",
                    where="Slicer",
                    todo="give a number of characters, a string or None",
                )
        self.left = left
        self.right = right
        self.include_left = include_left
        self.include_right = include_right
        self.strip = strip

    def modify_document(self, text: str) -> str:
        """The text between the two places."""
        left, right = self.left, self.right
        if isinstance(left, str):
            place = text.find(left)
            if place < 0:
                return ""
            left = place if self.include_left else place + len(left)
        if isinstance(right, str):
            place = text.rfind(right)
            if place < 0:
                return ""
            right = place + len(right) if self.include_right else place
        kept = text[left:right]
        return kept.strip() if self.strip else kept

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Numbered places are cut by Arrow."""
        if isinstance(self.left, str) or isinstance(self.right, str):
            return modify_rows(self.modify_document, column)
        kept = column
        if (self.left or 0) != 0 or self.right is not None:
            right = None if self.right is None else _clipped(self.right)
            kept = pc.utf8_slice_codeunits(column, _clipped(self.left or 0), right)
        if self.strip:
            kept = pc.utf8_trim(kept, _SPACES)
        return column if kept.equals(column) else kept


def _clipped(place: int) -> int:
    """The place as far as a text can reach."""
    return max(-(1 << 40), min(place, 1 << 40))
