# SPDX-License-Identifier: Apache-2.0
"""FineWeb: the rules that FineWeb's authors added to those of Gopher and C4."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from thresher.errors import PlanError
from thresher.kernels import fineweb_plain
from thresher.kernels.gopher_marks import TERMINALS
from thresher.stages.text.presets.counting import Counter, Counts
from thresher.stages.text.presets.preset import Mode, Preset, Rule, Scores, share


class FineWeb(Preset):
    """Drop documents of unended, short or repeated lines, and lists, by FineWeb's own rules.

    Source: Penedo et al. 2024 (arXiv:2406.17557), section 3.6 and the released configuration of
    datatrove's ``FineWebQualityFilter``, which is followed to the letter. The paper keeps documents
    with up to 0.1 of their characters in repeated lines, the release up to 0.01; the default is
    the release's.

    Lines are what stands between line feeds; those of nothing but white space do not count. Words
    are what stands between white space. A document without lines is dropped by the rule ``empty``.

    Rules, in this order, named after their parameters; None switches a rule off. A score at a
    bound is kept.

    Parameters
    ----------
    min_ended_line_ratio : float | None
        Score: lines whose last character is one of ``end_marks`` / lines.
    max_short_line_ratio : float | None
        Score: lines of at most ``short_line_length`` characters / lines.
    max_repeated_line_character_ratio : float | None
        Score: characters of lines that equal an earlier one / characters that are no line feeds.
    max_feed_ratio : float | None
        Score: line feeds / words.
    short_line_length : int
        Characters of a short line, at most.
    end_marks : str | list[str] | None
        Characters that end a line; those that end sentences in any script when not given.
    keep_without_end_marks : bool
        Keep documents none of whose lines end with a mark by the first rule.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`.

    Raises
    ------
    PlanError
        If an end mark is not a single character.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = FineWeb()
    >>> batch = DocumentBatch("docs", {"text": ["Home\\nAbout us\\nContact"]})
    >>> stage.process(batch).num_items, stage.drops()
    (0, {'fineweb.min_ended_line_ratio': 1})
    """

    name = "fineweb"

    def __init__(
        self,
        min_ended_line_ratio: float | None = 0.12,
        max_short_line_ratio: float | None = 0.67,
        max_repeated_line_character_ratio: float | None = 0.01,
        max_feed_ratio: float | None = 0.3,
        short_line_length: int = 30,
        end_marks: str | Sequence[str] | None = None,
        keep_without_end_marks: bool = False,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.min_ended_line_ratio = min_ended_line_ratio
        self.max_short_line_ratio = max_short_line_ratio
        self.max_repeated_line_character_ratio = max_repeated_line_character_ratio
        self.max_feed_ratio = max_feed_ratio
        self.short_line_length = short_line_length
        self.end_marks = end_marks
        self.keep_without_end_marks = keep_without_end_marks
        for mark in end_marks or ():
            if len(mark) != 1:
                raise PlanError(
                    f"end_marks has {mark!r}", where="FineWeb", todo="give single characters"
                )

    def rules(self) -> list[Rule]:
        """The rules, but for those switched off."""
        rules = (
            Rule("empty", low=1),
            Rule("min_ended_line_ratio", low=self.min_ended_line_ratio),
            Rule("max_short_line_ratio", high=self.max_short_line_ratio),
            Rule("max_repeated_line_character_ratio", high=self.max_repeated_line_character_ratio),
            Rule("max_feed_ratio", high=self.max_feed_ratio),
        )
        return [rule for rule in rules if rule[1:] != (None, None)]

    def counters(self) -> list[Counter]:
        """Lines, words and characters."""
        ends = TERMINALS if self.end_marks is None else "".join(self.end_marks)
        plain = partial(fineweb_plain.lines, ends=ends, short=self.short_line_length)
        return [Counter("fineweb_lines", plain, (ends, self.short_line_length))]

    def score_counts(self, counts: Counts) -> Scores:
        """The scores of the rules."""
        lines = counts["inked_lines"]
        ended = share(counts["ended_lines"], lines)
        if self.keep_without_end_marks:
            ended[counts["ended_lines"] == 0] = 1.0
        return {
            "empty": (lines > 0).astype(float),
            "min_ended_line_ratio": ended,
            "max_short_line_ratio": share(counts["short_lines"], lines),
            "max_repeated_line_character_ratio": share(
                counts["repeated_inked_line_characters"], counts["unbroken_characters"]
            ),
            "max_feed_ratio": share(counts["feeds"], counts["fineweb_words"]),
        }
