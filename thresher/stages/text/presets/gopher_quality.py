# SPDX-License-Identifier: Apache-2.0
"""GopherQuality: the quality rules of Gopher's MassiveText."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from thresher.kernels import gopher_plain
from thresher.stages.text.presets.counting import Counter, Counts
from thresher.stages.text.presets.preset import Mode, Preset, Rule, Scores, share

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""The English words of which Gopher wants two."""


class GopherQuality(Preset):
    """Drop documents by Gopher's quality rules: length, words, symbols, lists and stop words.

    Source: Rae et al. 2021 (arXiv:2112.11446), section A.1.1, "Quality Filtering". What the paper
    leaves open is done as datatrove's ``GopherQualityFilter`` does it: words of nothing but
    symbols count neither for the number nor for the length of words; an ellipsis is ``...`` or
    ``…``; a bullet is ``•`` or ``-``.

    Words are what stands between white space, lines are those of ``str.splitlines``. A document
    without words scores 0.0 by every rule.

    Rules, in this order, each named after its parameter; None switches a rule off. A score at a
    bound is kept.

    Parameters
    ----------
    min_words, max_words : int | None
        Score: words that are more than symbols.
    min_mean_word_length, max_mean_word_length : float | None
        Score: characters of these words / these words.
    max_hash_ratio : float | None
        Score: ``#`` / words.
    max_ellipsis_ratio : float | None
        Score: ellipses / words.
    max_bullet_line_ratio : float | None
        Score: lines that begin with a bullet / lines.
    max_ellipsis_line_ratio : float | None
        Score: lines that end with an ellipsis / lines.
    min_letter_word_ratio : float | None
        Score: words with a letter / words.
    min_stop_words : int | None
        Score: how many different ones of ``stop_words`` there are.
    stop_words : list[str] | None
        Words to look for, as they are spelt; the eight of the paper when not given.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = GopherQuality(min_words=3)
    >>> batch = DocumentBatch("docs", {"text": ["# # #", "The end of all that we have seen."]})
    >>> stage.process(batch).data.column("text").to_pylist()
    ['The end of all that we have seen.']
    >>> stage.drops()
    {'gopher_quality.min_words': 1}
    """

    name = "gopher_quality"

    def __init__(
        self,
        min_words: int | None = 50,
        max_words: int | None = 100_000,
        min_mean_word_length: float | None = 3,
        max_mean_word_length: float | None = 10,
        max_hash_ratio: float | None = 0.1,
        max_ellipsis_ratio: float | None = 0.1,
        max_bullet_line_ratio: float | None = 0.9,
        max_ellipsis_line_ratio: float | None = 0.3,
        min_letter_word_ratio: float | None = 0.8,
        min_stop_words: int | None = 2,
        stop_words: Sequence[str] | None = None,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.min_words = min_words
        self.max_words = max_words
        self.min_mean_word_length = min_mean_word_length
        self.max_mean_word_length = max_mean_word_length
        self.max_hash_ratio = max_hash_ratio
        self.max_ellipsis_ratio = max_ellipsis_ratio
        self.max_bullet_line_ratio = max_bullet_line_ratio
        self.max_ellipsis_line_ratio = max_ellipsis_line_ratio
        self.min_letter_word_ratio = min_letter_word_ratio
        self.min_stop_words = min_stop_words
        self.stop_words = stop_words

    def rules(self) -> list[Rule]:
        """The ten rules, but for those switched off."""
        rules = (
            Rule("min_words", low=self.min_words),
            Rule("max_words", high=self.max_words),
            Rule("min_mean_word_length", low=self.min_mean_word_length),
            Rule("max_mean_word_length", high=self.max_mean_word_length),
            Rule("max_hash_ratio", high=self.max_hash_ratio),
            Rule("max_ellipsis_ratio", high=self.max_ellipsis_ratio),
            Rule("max_bullet_line_ratio", high=self.max_bullet_line_ratio),
            Rule("max_ellipsis_line_ratio", high=self.max_ellipsis_line_ratio),
            Rule("min_letter_word_ratio", low=self.min_letter_word_ratio),
            Rule("min_stop_words", low=self.min_stop_words),
        )
        return [rule for rule in rules if rule[1:] != (None, None)]

    def counters(self) -> list[Counter]:
        """Words, lines and stop words, as far as rules ask for them."""
        counters = [Counter("gopher_words", gopher_plain.words)]
        if self.max_bullet_line_ratio is not None or self.max_ellipsis_line_ratio is not None:
            counters.append(Counter("gopher_lines", gopher_plain.lines))
        if self.min_stop_words is not None:
            wanted = frozenset(STOP_WORDS if self.stop_words is None else self.stop_words)
            plain = partial(gopher_plain.stop_words, wanted=wanted)
            counters.append(Counter("gopher_stop_words", plain, (wanted,)))
        return counters

    def score_counts(self, counts: Counts) -> Scores:
        """The scores of the rules, two of them by words and two by their length."""
        words, content = counts["gopher_words"], counts["content_words"]
        n_words = content.astype(np.float64)
        length = share(counts["content_characters"], content)
        scores = {
            "min_words": n_words,
            "max_words": n_words,
            "min_mean_word_length": length,
            "max_mean_word_length": length,
            "max_hash_ratio": share(counts["hashes"], words),
            "max_ellipsis_ratio": share(counts["ellipses"], words),
            "min_letter_word_ratio": share(counts["letter_words"], words),
        }
        if "split_lines" in counts:
            lines = counts["split_lines"]
            scores["max_bullet_line_ratio"] = share(counts["dash_lines"], lines)
            scores["max_ellipsis_line_ratio"] = share(counts["cut_lines"], lines)
        if "stop_words" in counts:
            scores["min_stop_words"] = counts["stop_words"].astype(np.float64)
        return scores
