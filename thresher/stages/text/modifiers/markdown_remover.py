# SPDX-License-Identifier: Apache-2.0
"""MarkdownRemover: leaves the words of marked-up text."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some

# A dot is no line feed: a mark and its fellow stand on one line.
_MARKS = (re.compile(r"\*\*(.*?)\*\*"), re.compile(r"\*(.*?)\*"), re.compile(r"_(.*?)_"))
_ANY_PAIR = r"\*.*\*|_.*_|\[.*\]\(.*\)"


class MarkdownRemover(DocumentModifier):
    """Take away Markdown's marks of bold, italic and underlined text, and its links.

    In this order, each from left to right and to its nearest fellow on the same line: ``**x**``,
    ``*x*`` and ``_x_`` become ``x``, and ``[name](address)`` becomes ``address``. All else that is
    written so goes too: ``snake_case_name`` loses its underscores.

    Links are found in one walk through a line, however many brackets it has.

    Source: the modifiers of NeMo Curator.

    >>> MarkdownRemover().modify_document("**Note:** see [here](https://a.b)")
    'Note: see https://a.b'
    """

    def modify_document(self, text: str) -> str:
        """The text without marks."""
        for mark in _MARKS:
            text = mark.sub(r"\1", text)
        return _without_links(text)

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only documents with a pair of marks on one line are touched."""
        return modify_some(
            self.modify_document, column, pc.match_substring_regex(column, _ANY_PAIR)
        )


def _without_links(text: str) -> str:
    """The text with every ``[name](address)`` replaced by its address.

    What ``re.sub(r"\\[(.*?)\\]\\((.*?)\\)", r"\\2", text)`` gives, which takes the cube of a line's
    length where brackets are not closed.
    """
    made: list[str] = []
    done = at = 0
    line_end = -1
    while (start := text.find("[", at)) >= 0:
        if start > line_end:
            line_end = text.find("\n", start)
            line_end = len(text) if line_end < 0 else line_end
        middle = text.find("](", start + 1, line_end)
        end = text.find(")", middle + 2, line_end) if middle >= 0 else -1
        if end < 0:  # and so for every later bracket of this line
            at = line_end
            continue
        made += (text[done:start], text[middle + 2 : end])
        done = at = end + 1
    return "".join((*made, text[done:])) if done else text
