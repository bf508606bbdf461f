# SPDX-License-Identifier: Apache-2.0
"""RefinedWebLines: the line-wise corrections of RefinedWeb."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from thresher.stages.text.presets.counting import Column, Counts, chunks_of, documents, stacked
from thresher.stages.text.presets.preset import Mode, Rule, Scores, share
from thresher.stages.text.presets.rewriting import RewritingPreset, rewritten

COUNTED = (
    "likes", "comments", "shares", "views", "replies", "followers", "following", "retweets",
    "reposts", "quotes", "bookmarks", "downloads", "upvotes", "downvotes", "votes", "reviews",
    "subscribers", "posts", "reactions", "ratings", "answers", "members", "items", "results",
)  # fmt: skip
AT_START = ("sign in", "sign-in", "sign up", "sign-up", "log in", "log-in", "login", "skip to")
AT_END = (
    "read more...", "read more…", "read more", "read more »", "continue reading",
    "continue reading...", "see more", "show more", "load more", "learn more",
)  # fmt: skip
ANYWHERE = (
    "items in cart", "item(s) in cart", "items in your cart", "add to cart", "add to wishlist",
    "all rights reserved", "share on facebook", "share on twitter", "share this",
)  # fmt: skip


def _any_of(phrases: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))


_ONE_OF = _any_of([*COUNTED, *(word[:-1] for word in COUNTED if word.endswith("s"))])
_COUNTER = re.compile(rf"\W*\d[\d.,]*\s?[km]?\s+(?:{_ONE_OF})\W*", re.IGNORECASE)
_EDITS = re.compile(
    rf"^(?:{_any_of(AT_START)})\b\W*"
    rf"|\s*\b(?:{_any_of(AT_END)})\W*$"
    rf"|\b(?:{_any_of(ANYWHERE)})(?!\w)",
    re.IGNORECASE,
)


class RefinedWebLines(RewritingPreset):
    """Leave out lines that are no running text, and drop documents that are full of them.

    A line is left out if most of its letters are upper case, it holds nothing but digits, it is a
    counter ("3 likes"), or it has one word only. Of a line of at most ``short_line_words`` words
    the phrases of navigation are left out: at its beginning ("Sign in"), at its end ("Read
    more..."), or anywhere ("Items in cart"). Blank lines stay.

    Source: Penedo et al. 2023 (arXiv:2306.01116), section 3 and the line-wise corrections of the
    appendix. The paper gives one example of each kind and no more numbers than 10 words and 5%:
    the lists of words, and "most" as more than half of the letters, are ours.

    Rule: ``max_flagged_word_ratio`` (score: words left out / words; 0.0 without words).

    Parameters
    ----------
    max_flagged_word_ratio : float | None
        Documents with more are dropped.
    max_upper_case_ratio : float | None
        Lines with more of their letters in upper case are left out.
    digit_lines, counter_lines, one_word_lines : bool
        Leave out such lines.
    short_line_words : int
        Words of a line that phrases of navigation are looked for in; 0 for none.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`. Annotating leaves the text as it is.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = RefinedWebLines(max_flagged_word_ratio=0.5)
    >>> text = "It has been raining since the day before. Read more...\\n3 likes\\nShare"
    >>> stage.process(DocumentBatch("docs", {"text": [text]})).data.column("text").to_pylist()
    ['It has been raining since the day before.']
    """

    name = "refinedweb_lines"
    gil_free = False

    def __init__(
        self,
        max_flagged_word_ratio: float | None = 0.05,
        max_upper_case_ratio: float | None = 0.5,
        digit_lines: bool = True,
        counter_lines: bool = True,
        one_word_lines: bool = True,
        short_line_words: int = 10,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.max_flagged_word_ratio = max_flagged_word_ratio
        self.max_upper_case_ratio = max_upper_case_ratio
        self.digit_lines = digit_lines
        self.counter_lines = counter_lines
        self.one_word_lines = one_word_lines
        self.short_line_words = short_line_words

    def rules(self) -> list[Rule]:
        """The rule, unless it is switched off."""
        bound = self.max_flagged_word_ratio
        return [] if bound is None else [Rule("max_flagged_word_ratio", high=bound)]

    def score_counts(self, counts: Counts) -> Scores:
        """The share of words that were left out."""
        return {"max_flagged_word_ratio": share(counts["flagged_words"], counts["words"])}

    def clean(self, column: Column) -> tuple[pa.ChunkedArray, Counts]:
        """The documents of a column, corrected; ``words`` and ``flagged_words`` of each."""
        if not len(column):
            return column, dict.fromkeys(("words", "flagged_words"), np.empty(0, np.int64))
        chunks_of(column)  # refuses what is no text
        rows = [self.correct(text) for text in documents(column)]
        texts = pa.array([text for text, _ in rows], pa.large_string())
        return rewritten(column, [texts]), stacked([counts for _, counts in rows])

    def correct(self, text: str) -> tuple[str, dict[str, int]]:
        """One document, corrected, and how many words it had and lost."""
        kept = []
        n_words = n_kept = 0
        for line in text.split("\n"):
            words = line.split()
            n_words += len(words)
            if words and self._is_left_out(line, words):
                continue
            if 0 < len(words) <= self.short_line_words:
                edited = _EDITS.sub("", line.strip())
                if edited != line.strip():
                    line, words = edited, edited.split()
                    if not words:
                        continue
            n_kept += len(words)
            kept.append(line)
        return "\n".join(kept), {"words": n_words, "flagged_words": n_words - n_kept}

    def _is_left_out(self, line: str, words: list[str]) -> bool:
        if self.one_word_lines and len(words) == 1:
            return True
        if self.digit_lines and all(map(str.isdecimal, words)):
            return True
        if self.counter_lines and len(words) <= 4 and _COUNTER.fullmatch(line.strip()):
            return True
        if self.max_upper_case_ratio is None or line.islower():
            return False
        n_letters = sum(map(str.isalpha, line))
        return sum(map(str.isupper, line)) > self.max_upper_case_ratio * n_letters
