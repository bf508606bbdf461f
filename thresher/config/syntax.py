# SPDX-License-Identifier: Apache-2.0
"""Syntax errors of YAML, told with what is most often behind them."""

from __future__ import annotations

import yaml

from thresher.config.mistakes import Mistakes

_NEVER_CLOSED = "what opens here is never closed"

# Words of PyYAML's problem, and advice. The first that fits is given.
_ADVICE = (
    (
        "mapping values are not allowed",
        "put text that holds ': ' in quotes, and begin entries of one level in one column",
    ),
    ("',' or", "close every { and [, and put a comma between entries"),
    (
        "expected <block end>",
        "begin entries of one level in the same column, list entries with '- '",
    ),
    ("cannot start any token", "put text that begins with %, @ or ` in quotes"),
    (_NEVER_CLOSED, "close the quote or bracket"),
    (
        "alphabetic or numeric",
        "put text that begins with * or & in quotes (file patterns, for example)",
    ),
    ("undefined alias", "put text that begins with * in quotes, or define the anchor before it"),
)


def tell_syntax(error: yaml.MarkedYAMLError, text: str, file: str, mistakes: Mistakes) -> None:
    """Add a syntax error of the file's ``text`` to the mistakes."""
    mark, opening = error.problem_mark or error.context_mark, error.context_mark
    problem = str(error.problem or error.context or "something is wrong")
    if mark is None:
        mistakes.add(f"this is not YAML: {problem}", file, "check the file")
        return
    advice = _advice(problem, _line(text, mark))
    if _is_tab(problem, _line(text, mark)):
        mistakes.add("the line is indented with a tab", _place(file, mark), "indent with spaces")
        return
    if opening is not None and ("end of stream" in problem or "<stream end>" in problem):
        # Where it began tells more than where the file ends.
        mark, problem = opening, _NEVER_CLOSED
        advice = _advice(problem, "")
    elif opening is not None and opening.line < mark.line and "',' or" in problem:
        problem = f"what opens here is not closed by line {mark.line + 1}, or lacks a comma"
        mark = opening
    mistakes.add(f"this is not YAML: {problem}", _place(file, mark), advice)


def _advice(problem: str, line: str) -> str:
    if "',' or" in problem and "${" in line:
        return 'inside { } and [ ], put ${...} in quotes: "${NAME}"'
    general = "compare the line and the one above with an example: thresher show JsonlReader"
    return next((advice for words, advice in _ADVICE if words in problem), general)


def _is_tab(problem: str, line: str) -> bool:
    return "\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]


def _line(text: str, mark: yaml.Mark) -> str:
    lines = text.splitlines()
    return lines[mark.line] if mark.line < len(lines) else ""


def _place(file: str, mark: yaml.Mark) -> str:
    return f"{file}, line {mark.line + 1}, column {mark.column + 1}"
