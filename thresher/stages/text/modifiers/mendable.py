# SPDX-License-Identifier: Apache-2.0
"""What of a text ftfy could change, told without asking it: nearly nothing of most texts.

ftfy mends lines one by one, in steps. A line that none of the steps would change stays as it is,
and each step, normalization and encoding apart, changes certain characters only. Whether a line
was decoded wrongly ftfy decides by one regular expression; translated to the syntax of Arrow's,
which takes time proportional to the text, it finds the documents that are worth a closer look.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Range = tuple[int, int]

_CHANGED_BY: dict[str, tuple[Range, ...]] = {
    "remove_terminal_escapes": ((0x1B, 0x1B),),
    "remove_control_chars": (
        (0x00, 0x08),
        (0x0B, 0x0C),
        (0x0E, 0x1F),
        (0x7F, 0x7F),
        (0x206A, 0x206F),
        (0xFEFF, 0xFEFF),
        (0xFFF9, 0xFFFC),
    ),
    "fix_c1_controls": ((0x80, 0x9F),),
    "fix_latin_ligatures": (
        (0x132, 0x133),
        (0x149, 0x149),
        (0x1C4, 0x1CC),
        (0x1F1, 0x1F3),
        (0xFB00, 0xFB06),
    ),
    "fix_character_width": ((0x3000, 0x3000), (0xFF01, 0xFFEF)),
    "uncurl_quotes": ((0x2BC, 0x2BC), (0x2018, 0x201F)),
    "fix_line_breaks": ((0x0D, 0x0D), (0x85, 0x85), (0x2028, 0x2029)),
}
"""Characters without which a step changes nothing; where it is more, a line is mended in vain."""

_BEYOND_ASCII = (0x80, 0x10FFFF)
_ENTITY = "&#?[0-9A-Za-z]{1,24};"
_HAS_ENTITY = re.compile(_ENTITY)


class Mendable:
    """Finds documents and lines that ftfy, with the options of ``config``, could change."""

    def __init__(self, ftfy: Any, config: Any) -> None:
        self._ftfy = ftfy
        self._config = config
        self._looks_bad = ftfy.badness.is_bad if config.fix_encoding else None
        steps = [name for name in _CHANGED_BY if getattr(config, name)]
        ranges = [found for name in steps for found in _CHANGED_BY[name]]
        self._changed = re.compile(_class(ranges, "\\U{:08x}")) if ranges else None
        beyond = [*ranges, _BEYOND_ASCII] if config.normalization else ranges
        self._patterns = [_class(beyond, "\\x{{{:x}}}")] if beyond else []
        if config.unescape_html:
            self._patterns.append(_ENTITY)
        if config.fix_encoding:
            self._patterns.append(linear(ftfy.badness.BADNESS_RE))

    def where(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """bool[n]: which documents may have lines to mend; null for null."""
        found: Any = pc.and_(pc.is_null(column), False)
        for pattern in self._patterns:
            found = pc.or_(found, pc.match_substring_regex(column, pattern))
        return found

    def mend(self, text: str) -> str:
        """What ``ftfy.fix_text`` makes of a text; lines that stay as they are it is not given."""
        config = self._config
        lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        if len(text) > config.max_decode_length and _longest(lines) > config.max_decode_length:
            mended: str = self._ftfy.fix_text(text, config)
            return mended
        made: list[str] = []
        for line in lines:
            if config.unescape_html == "auto" and "<" in line:
                config = config._replace(unescape_html=False)  # for all that follows
            may_change = self._may_change(line, bool(config.unescape_html))
            made.append(self._ftfy.fix_text(line, config) if may_change else line)
        return "".join(made)

    def _may_change(self, line: str, unescapes: bool) -> bool:
        if unescapes and "&" in line and _HAS_ENTITY.search(line):
            return True
        if self._changed is not None and self._changed.search(line):
            return True
        if line.isascii():
            return False
        if self._looks_bad is not None and self._looks_bad(line):
            return True
        form = self._config.normalization
        return form is not None and not unicodedata.is_normalized(form, line)


def linear(pattern: re.Pattern[str]) -> str:
    """A verbose pattern of Python's ``re`` in RE2's syntax: it finds all texts that it finds.

    It may find more, since what the two see differently is taken to be any character. A pattern
    that cannot be translated finds every text with a character beyond ASCII.
    """
    fallback = _class([_BEYOND_ASCII], "\\x{{{:x}}}")
    found: list[str] = []
    in_class = False
    tokens = re.findall(r"(?s)\\.|.", re.sub(r"(?m)(?<=\s)#.*$|^#.*$", "", pattern.pattern))
    for token in tokens:
        if not in_class and token.isspace():
            continue
        if token in (r"\s", r"\S", r"\w", r"\W", r"\b", r"\B"):
            if in_class or token in (r"\b", r"\B"):
                return fallback
            token = "(?s:.)"
        in_class = token == "[" or (in_class and token != "]")
        found.append(token)
    translated = "(?m)" + "".join(found)
    try:
        pc.match_substring_regex(pa.array([""]), translated)
    except pa.ArrowInvalid:
        return fallback
    return translated


def _class(ranges: Iterable[Range], character: str) -> str:
    """A class of characters in a regular expression, each written as ``character`` says."""
    ends = (f"{character.format(low)}-{character.format(high)}" for low, high in ranges)
    return f"[{''.join(ends)}]"


def _longest(lines: list[str]) -> int:
    return max(map(len, lines), default=0)
