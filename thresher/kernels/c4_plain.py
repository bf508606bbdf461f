# SPDX-License-Identifier: Apache-2.0
"""Plain definition of what :mod:`thresher.kernels.c4_lines` makes of one document."""

from __future__ import annotations

import re

from thresher.kernels.c4_marks import (
    BRACE,
    CITATION,
    CLOSERS,
    COUNTS,
    ELLIPSIS,
    ENDS,
    PLACEHOLDER,
    POLICIES,
    SCRIPT,
    STOPS,
)

_CITATION = re.compile(CITATION)
_STOPS = tuple(STOPS)
_LAST = STOPS + CLOSERS


def clean(text: str, settings: dict[str, int]) -> tuple[str, dict[str, int]]:
    """The lines that are kept, joined by line feeds, and the counts named in ``COUNTS``.

    ``settings`` are those named in ``SWITCHES``. A document with a placeholder or a brace has no
    text.
    """
    counts = dict.fromkeys(COUNTS, 0)
    lines = text.splitlines()
    counts["c4_lines"] = len(lines)
    kept = []
    for whole in lines:
        line, fate = _judge(whole.strip(), settings)
        if fate:
            counts[fate] += 1
        else:
            counts["c4_kept_lines"] += 1
            counts["c4_sentences"] += count_sentences(line)
            kept.append(line)
        if fate in ("c4_placeholder", "c4_brace"):
            return "", counts
    return "\n".join(kept).strip(), counts


def _judge(line: str, settings: dict[str, int]) -> tuple[str, str]:
    """The line without citations, and the count of those like it if it is not kept."""
    longest = settings["max_word_length"]
    if longest and len(line) > longest and max(map(len, line.split())) > longest:
        return line, "c4_long_word_lines"
    whole = line
    if settings["remove_citations"] and "[" in line:
        line = _CITATION.sub("", line)
    if settings["end_mark"] and (not line.endswith(ENDS) or line.endswith(ELLIPSIS)):
        return line, "c4_unended_lines"
    if len(whole.split()) < settings["min_words_per_line"]:
        return line, "c4_few_word_lines"
    lowered = line.lower()
    phrases = (
        ("lorem_ipsum", (PLACEHOLDER,), "c4_placeholder"),
        ("javascript", (SCRIPT,), "c4_script_lines"),
        ("curly_bracket", (BRACE,), "c4_brace"),
        ("policy", POLICIES, "c4_policy_lines"),
    )
    for switch, wanted, fate in phrases:
        if settings[switch] and any(phrase in lowered for phrase in wanted):
            return line, fate
    return line, ""


def count_sentences(line: str) -> int:
    """Words that end as a sentence does, and the last word of a line in any case."""
    words = line.split()
    ended = [word[-1] in _LAST and word.rstrip(CLOSERS)[-1:] in _STOPS for word in words]
    return sum(ended) + bool(words and not ended[-1])
