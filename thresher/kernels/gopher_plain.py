# SPDX-License-Identifier: Apache-2.0
"""Plain definitions of what the kernels ``gopher_*`` count of one document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from thresher.kernels.gopher_marks import SYMBOLS

_SYMBOLS = frozenset(SYMBOLS)


def words(text: str) -> dict[str, int]:
    """See :func:`thresher.kernels.gopher_words.signals`."""
    found = text.split()
    content = [word for word in found if word[0] not in _SYMBOLS or not _SYMBOLS.issuperset(word)]
    return {
        "gopher_words": len(found),
        "content_words": len(content),
        "content_characters": sum(map(len, content)),
        "letter_words": sum(word.isalpha() or any(map(str.isalpha, word)) for word in found),
        "hashes": text.count("#"),
        "ellipses": text.count("...") + text.count("…"),
    }


def lines(text: str) -> dict[str, int]:
    """See :func:`thresher.kernels.gopher_lines.signals`."""
    found = text.splitlines()
    return {
        "split_lines": len(found),
        "dash_lines": sum(line.lstrip().startswith(("-", "•")) for line in found),
        "cut_lines": sum(line.rstrip().endswith(("...", "…")) for line in found),
    }


def stop_words(text: str, wanted: Iterable[str]) -> dict[str, int]:
    """See :func:`thresher.kernels.gopher_stop_words.signals`."""
    return {"stop_words": len(set(wanted).intersection(text.split()))}


def repeats(text: str) -> dict[str, int]:
    """See :func:`thresher.kernels.gopher_repeats.signals`."""
    lines = re.split("\n+", text)
    paragraphs = re.split("\n{2,}", text.strip())
    repeated_lines, line_characters = count_repeats(lines)
    repeated_paragraphs, paragraph_characters = count_repeats(paragraphs)
    return {
        "text_characters": len(text),
        "feed_lines": len(lines),
        "repeated_lines": repeated_lines,
        "repeated_line_characters": line_characters,
        "blank_line_paragraphs": len(paragraphs),
        "repeated_paragraphs": repeated_paragraphs,
        "repeated_paragraph_characters": paragraph_characters,
    }


def count_repeats(pieces: Iterable[str]) -> tuple[int, int]:
    """How many strings equal an earlier one, and how many characters these have."""
    seen: set[str] = set()
    n_repeats = n_characters = 0
    for piece in pieces:
        if piece in seen:
            n_repeats += 1
            n_characters += len(piece)
        seen.add(piece)
    return n_repeats, n_characters


def ngrams(text: str, top: Sequence[int], repeated: Sequence[int]) -> dict[str, int]:
    """See :func:`thresher.kernels.gopher_ngrams.signals`."""
    found = text.split()
    counts = {f"top_characters:{n}": _top_characters(found, n) for n in top}
    places: Sequence[int] = range(len(found))
    for n in sorted(repeated):  # a sequence can only be there twice if its beginning is
        places = _repeating(found, n, places)
        counts[f"repeated_characters:{n}"] = _repeated_characters(found, n, places)
    return counts


def _sequences(found: list[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(found[k:] for k in range(n)), strict=False)


def _top_characters(found: list[str], n: int) -> int:
    counts = Counter(_sequences(found, n))
    if not counts:
        return 0
    top = max(counts, key=counts.__getitem__)
    return len(" ".join(top)) * counts[top]


def _repeating(found: list[str], n: int, places: Sequence[int]) -> list[int]:
    """At which of ``places``, ascending, n words are that are at another of them too."""
    if len(places) == len(found):
        sequences = list(_sequences(found, n))
    else:
        sequences = [tuple(found[k : k + n]) for k in places if k + n <= len(found)]
    often = Counter(sequences)
    if len(often) == len(sequences):
        return []
    return [k for k, sequence in zip(places, sequences, strict=False) if often[sequence] > 1]


def _repeated_characters(found: list[str], n: int, places: Sequence[int]) -> int:
    seen: set[tuple[str, ...]] = set()
    n_characters = free = 0
    for place in places:
        if place >= free:
            sequence = tuple(found[place : place + n])
            if sequence in seen:
                n_characters += sum(map(len, sequence))
                free = place + n
            seen.add(sequence)
    return n_characters
