# SPDX-License-Identifier: Apache-2.0
"""PerExtensionFilter: other rules for every kind of source file."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from thresher import storage
from thresher.errors import PlanError
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.code import letters_of
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.ratios import ratio, ratios
from thresher.stages.text.filters.signals import Signal

OWN_TABLE = "code_meta.csv"

_MEAN_LINE = 100
_COLUMNS = ("language", "extension", "Include", "Long_line_threshold", "Alphanum_threshold")
_LETTERS = "Alpha filter"
_SHARP = {"c#": "c-sharp", "f#": "f-sharp"}
_PLAIN = re.compile(r"[A-Za-z0-9\n?!,.]")


@dataclass(frozen=True)
class Rule:
    """What a table says of files of one extension; NaN is no rule."""

    include: bool = False
    longest_line: float = math.nan
    alphanumerics: float = math.nan
    letters: float = math.nan


class PerExtensionFilter(DocumentFilter):
    """Keep source files that pass the rules of a table for their language and extension.

    Score: int64, 0 if the table does not include the extension, or does not know it; if the longest
    line, without its line feed, is longer than ``Long_line_threshold`` characters, or lines are on
    average, (characters + 1) / lines - 1, longer than 100; if ASCII letters and digits, line feeds
    and ``? ! , .`` / characters are less than ``Alphanum_threshold``, or letters of any script /
    characters less than ``Alpha filter``. Else 1. An empty cell of the table is no rule; without a
    ``Long_line_threshold`` there is no rule for the average either.

    Null rule: an empty document has shares of 0.0, and so fails where a share is asked for.

    Source: Li et al. 2023, StarCoder (arXiv:2305.06161), section 3.1. The shipped table was made
    from what is published: the usual extensions of some ninety languages, with lines of at most
    1000 characters and a quarter of letters and digits (the basic filters of The Stack), a quarter
    of letters for languages whose files often hold tables of numbers, and half for JSON and YAML;
    data formats are not included.

    >>> PerExtensionFilter("C#", "cs").score_document("using System;")
    1

    Parameters
    ----------
    lang : str
        Language, such as ``"python"``, ``"C#"`` or ``"Visual Basic"``, in whatever case.
    extension : str
        What file names end in, with or without the dot.
    metadata_file : str
        A table of your own: CSV with the columns ``language``, ``extension``, ``Include`` (1 or 0),
        ``Long_line_threshold``, ``Alphanum_threshold`` and ``Alpha filter``. ``code_meta.csv``
        stands for the shipped one.

    Raises
    ------
    PlanError
        If the table has no row of the language, lacks a column, or a threshold is no number (also
        a ValueError).
    StorageError
        If there is no such table.
    """

    name = "per_extension_filter"
    signals = ("characters", "line_feeds", "longest_line", "plain_characters", "letters")
    EXAMPLES = (
        {"lang": "python", "extension": "py"},
        {"lang": "JSON", "extension": ".json"},
        {"lang": "SVG", "extension": "svg"},
    )

    def __init__(self, lang: str, extension: str, metadata_file: str = OWN_TABLE) -> None:
        self.lang = lang
        self.extension = extension
        self.metadata_file = metadata_file
        _ = self.rule

    @cached_property
    def rule(self) -> Rule:
        """The row of the table."""
        rows = _rows(self.metadata_file)
        language = _normal(self.lang)
        of_language = [row for row in rows if _normal(row["language"]) == language]
        if not of_language:
            known = ", ".join(sorted({row["language"] for row in rows}))
            raise PlanError(
                f"the table has no row for the language {self.lang!r}",
                where=f"PerExtensionFilter, {self.metadata_file}",
                todo=f"it knows {known}",
            )
        extension = self.extension.lower().removeprefix(".")
        for row in of_language:
            if row["extension"].strip().lower().removeprefix(".") == extension:
                return _rule(row, self.metadata_file)
        return Rule()

    def score_document(self, text: str) -> int:
        """Whether a source passes."""
        lines = text.split("\n")
        n, rule = len(text), self.rule
        alphanumerics = ratio(len(_PLAIN.findall(text)), n, undefined=0.0)
        fails = (
            not rule.include
            or max(map(len, lines)) > rule.longest_line
            or (rule.longest_line == rule.longest_line and _mean_line(n, len(lines)) > _MEAN_LINE)
            or alphanumerics < rule.alphanumerics
            or ratio(letters_of(text), n, undefined=0.0) < rule.letters
        )
        return int(not fails)

    def score_signals(self, signals: dict[str, Signal]) -> Scores:
        """Which sources pass."""
        rule, n = self.rule, signals["characters"]
        fails = np.full(len(n), not rule.include)
        fails |= signals["longest_line"] > rule.longest_line
        if rule.longest_line == rule.longest_line:
            fails |= _mean_line(n, signals["line_feeds"] + 1) > _MEAN_LINE
        fails |= ratios(signals["plain_characters"], n, undefined=0.0) < rule.alphanumerics
        fails |= ratios(signals["letters"], n, undefined=0.0) < rule.letters
        return (~fails).astype(np.int64)

    def bounds(self) -> Bounds:
        """Only 1."""
        return 1, None


def _mean_line(n_characters: Any, n_lines: Any) -> Any:
    return (n_characters + 1) / n_lines - 1


def _normal(language: str) -> str:
    plain = language.strip().lower().replace(" ", "-")
    return _SHARP.get(plain, plain)


def _rows(path: str) -> list[dict[str, str]]:
    if str(path) == OWN_TABLE:
        return _own_rows()
    with storage.failures("read", str(path)):
        text = storage.store_for(str(path)).read(str(path)).decode("utf-8-sig", "replace")
    return _parsed(text, str(path))


@cache
def _own_rows() -> list[dict[str, str]]:
    return _parsed(Path(__file__).with_name(OWN_TABLE).read_text(encoding="utf-8"), OWN_TABLE)


def _parsed(text: str, path: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    missing = [name for name in (*_COLUMNS, _LETTERS) if name not in (reader.fieldnames or ())]
    if missing:
        raise PlanError(
            f"the table has no column {missing[0]!r}", where=path, todo="add it to the first line"
        )
    return list(reader)


def _rule(row: dict[str, str], path: str) -> Rule:
    if _number(row, "Include", path) != 1:
        return Rule()
    return Rule(True, *(_number(row, name, path) for name in (*_COLUMNS[3:], _LETTERS)))


def _number(row: dict[str, str], column: str, path: str) -> float:
    cell = row[column].strip()
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        raise PlanError(
            f"the {column} of {row['language']} {row['extension']!r} is {cell!r}, not a number",
            where=path,
            todo="give a number, or leave the cell empty for no rule",
        ) from None
