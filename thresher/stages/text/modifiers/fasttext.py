# SPDX-License-Identifier: Apache-2.0
"""FastTextLabelModifier: makes lines that fastText learns from."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from thresher.stages.text import arguments
from thresher.stages.text.modifiers.document_modifier import DocumentModifier

_PREFIX = "__label__"


class FastTextLabelModifier(DocumentModifier):
    """Put a label before every document, as fastText's supervised training reads it.

    A document becomes one line: line feeds and any ``__label__`` in it are replaced by a blank.

    Source: the input format of fastText (Joulin et al. 2017, arXiv:1607.01759).

    >>> FastTextLabelModifier("__label__hq").modify_document("Two\\nlines.")
    '__label__hq Two lines.'

    Parameters
    ----------
    label : str
        The label with its prefix: ``"__label__hq"``.
    """

    EXAMPLES = ({"label": "__label__hq"},)

    def __init__(self, label: str) -> None:
        if not isinstance(label, str):
            raise arguments.WrongTypeError(
                f"label is a {type(label).__name__}",
                where="FastTextLabelModifier",
                todo='give a string: "__label__hq"',
            )
        self.label = label

    def modify_document(self, text: str) -> str:
        """The label and the text on one line."""
        return f"{self.label} {text.replace(chr(10), ' ').replace(_PREFIX, ' ')}"

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Done by Arrow."""
        if column.null_count == len(column):
            return column
        flat = pc.replace_substring(column, "\n", " ")
        flat = pc.replace_substring(flat, _PREFIX, " ")
        label = pa.scalar(self.label, column.type)
        blank = pa.scalar(" ", column.type)
        return pc.binary_join_element_wise(label, flat, blank)
