# SPDX-License-Identifier: Apache-2.0
"""Filters of source code by how much of it is comments."""

from __future__ import annotations

import ast
import warnings

from thresher.stages.filtering import Bounds
from thresher.stages.text.filters.code_comments import comment_pattern, comments
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio

UNPARSABLE = 9999.0
"""The score of a source with a block comment that is never ended: more than any bound."""


class PythonCommentToCodeFilter(DocumentFilter):
    """Keep Python sources with some comments and docstrings, and with some code beside them.

    Score: float64, characters of comments (with their ``#``) and of docstrings (as
    ``ast.get_docstring`` cleans them, with a line feed between two) / characters. Docstrings are
    those of the module and of all its classes and functions, also asynchronous ones.

    Null rule: an empty document scores 0.0, and so does one that the running Python cannot parse.

    Source: Ben Allal et al. 2023, SantaCoder (arXiv:2301.03988), section 3.

    >>> PythonCommentToCodeFilter().score_document("a = 1 # one")
    0.45454545454545453
    """

    name = "python_comment_ratio"
    EXAMPLES = ({}, {"min_comment_to_code_ratio": 0.3, "max_comment_to_code_ratio": 0.5})

    def __init__(
        self, min_comment_to_code_ratio: float = 0.01, max_comment_to_code_ratio: float = 0.85
    ) -> None:
        self.min_comment_to_code_ratio = min_comment_to_code_ratio
        self.max_comment_to_code_ratio = max_comment_to_code_ratio

    def score_document(self, text: str) -> float:
        """The share of comments and docstrings."""
        found = _docstrings(text)
        if found is None:
            return 0.0
        # A carriage return ends a line of Python, and so a comment.
        marked = comments(text.replace("\r", "\n"), comment_pattern("python")) or []
        length = sum(len(comment) + 1 for comment in marked)
        return ratio(length + len("\n".join(found)), len(text), undefined=0.0)

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_comment_to_code_ratio, self.max_comment_to_code_ratio


class GeneralCommentToCodeFilter(DocumentFilter):
    """Keep sources with some comments, and with some code beside them.

    Score: float64, characters of all comments without their marks, joined by blanks / characters.
    A source with a block comment that is never ended scores 9999.0.

    Null rule: a null or empty document scores 0.0.

    Source: Ben Allal et al. 2023, SantaCoder (arXiv:2301.03988), section 3.

    >>> GeneralCommentToCodeFilter("text/x-c").score_document("i++; //+")
    0.125

    Parameters
    ----------
    language : str
        The MIME type (``"text/x-java"``) or name (``"rust"``) of the language.

    Raises
    ------
    PlanError
        If it is not known how the language marks comments.
    """

    name = "comment_ratio"
    EXAMPLES = (
        {"language": "text/x-c++"},
        {"language": "python"},
        {"language": "text/html", "min_comment_to_code_ratio": 0.5},
    )

    def __init__(
        self,
        language: str,
        min_comment_to_code_ratio: float = 0.01,
        max_comment_to_code_ratio: float = 0.85,
    ) -> None:
        comment_pattern(language)
        self.language = language
        self.min_comment_to_code_ratio = min_comment_to_code_ratio
        self.max_comment_to_code_ratio = max_comment_to_code_ratio

    def score_document(self, text: str) -> float:
        """The share of comments."""
        found = comments(text, comment_pattern(self.language))
        if found is None:
            return UNPARSABLE
        return ratio(len(" ".join(found)), len(text), undefined=0.0)

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_comment_to_code_ratio, self.max_comment_to_code_ratio


def _docstrings(source: str) -> list[str] | None:
    """The docstrings of a Python source, cleaned; None if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes, which are none of our business
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    holders = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return [found for holder in holders if (found := ast.get_docstring(holder)) is not None]
