# SPDX-License-Identifier: Apache-2.0
"""GopherRepetition: the repetition rules of Gopher's MassiveText."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from thresher.errors import PlanError
from thresher.kernels import gopher_plain
from thresher.stages.text.presets.counting import Counter, Counts
from thresher.stages.text.presets.preset import Mode, Preset, Rule, Scores, share

TOP = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


class GopherRepetition(Preset):
    """Drop documents that repeat themselves, by Gopher's rules for lines, paragraphs and n-grams.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1. What the paper leaves open is done as
    datatrove's ``GopherRepetitionFilter`` does it: a line or paragraph is repeated if it equals an
    earlier one; after a repeated n-gram the search goes on behind it; characters of n-grams that
    are repeated do not include the white space between words, those of the top n-gram do. Unlike
    there, the words ``ab c`` and ``a bc`` are not the same.

    Words are what stands between white space; lines what stands between runs of line feeds;
    paragraphs what stands between runs of two and more. An empty document is dropped by the rule
    ``empty``.

    Rules, in this order, named after their parameters; None switches a rule off, and so does
    leaving out an n. A score at a bound is kept.

    Parameters
    ----------
    max_repeated_paragraph_ratio, max_repeated_paragraph_character_ratio : float | None
        Scores: repeated paragraphs / paragraphs; their characters / characters.
    max_repeated_line_ratio, max_repeated_line_character_ratio : float | None
        Scores: repeated lines / lines; their characters / characters.
    top_ngrams : dict[int, float] | None
        Bounds by n, as rules ``top_<n>gram``; those of the paper when not given. Score: characters
        of the most frequent n words (of several, the first) times how often they are there /
        characters. It may be more than 1 where they overlap.
    repeated_ngrams : dict[int, float] | None
        Bounds by n, as rules ``repeated_<n>gram``; those of the paper when not given. Score:
        characters of n words that were there before / characters.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`.

    Raises
    ------
    PlanError
        If an n is no whole number from 1 to 64.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = GopherRepetition()
    >>> batch = DocumentBatch("docs", {"text": ["Again.\\nAgain.\\nAgain."]})
    >>> stage.process(batch).num_items, stage.drops()
    (0, {'gopher_repetition.max_repeated_line_ratio': 1})
    """

    name = "gopher_repetition"

    def __init__(
        self,
        max_repeated_paragraph_ratio: float | None = 0.3,
        max_repeated_paragraph_character_ratio: float | None = 0.2,
        max_repeated_line_ratio: float | None = 0.3,
        max_repeated_line_character_ratio: float | None = 0.2,
        top_ngrams: Mapping[int, float] | None = None,
        repeated_ngrams: Mapping[int, float] | None = None,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.max_repeated_paragraph_ratio = max_repeated_paragraph_ratio
        self.max_repeated_paragraph_character_ratio = max_repeated_paragraph_character_ratio
        self.max_repeated_line_ratio = max_repeated_line_ratio
        self.max_repeated_line_character_ratio = max_repeated_line_character_ratio
        self.top_ngrams = _checked(TOP if top_ngrams is None else top_ngrams, "top_ngrams")
        self.repeated_ngrams = _checked(
            REPEATED if repeated_ngrams is None else repeated_ngrams, "repeated_ngrams"
        )

    def rules(self) -> list[Rule]:
        """The rules, but for those switched off."""
        rules = [
            Rule("empty", low=1),
            Rule("max_repeated_paragraph_ratio", high=self.max_repeated_paragraph_ratio),
            Rule(
                "max_repeated_paragraph_character_ratio",
                high=self.max_repeated_paragraph_character_ratio,
            ),
            Rule("max_repeated_line_ratio", high=self.max_repeated_line_ratio),
            Rule("max_repeated_line_character_ratio", high=self.max_repeated_line_character_ratio),
        ]
        rules += [Rule(f"top_{n}gram", high=bound) for n, bound in self.top_ngrams.items()]
        rules += [
            Rule(f"repeated_{n}gram", high=bound) for n, bound in self.repeated_ngrams.items()
        ]
        return [rule for rule in rules if rule[1:] != (None, None)]

    def counters(self) -> list[Counter]:
        """Lines and paragraphs, and the n-grams of all n at once."""
        sizes = (tuple(self.top_ngrams), tuple(self.repeated_ngrams))
        plain = partial(gopher_plain.ngrams, top=sizes[0], repeated=sizes[1])
        return [
            Counter("gopher_repeats", gopher_plain.repeats),
            Counter("gopher_ngrams", plain, sizes),
        ]

    def score_counts(self, counts: Counts) -> Scores:
        """The scores of the rules."""
        characters = counts["text_characters"]
        scores = {
            "empty": (characters > 0).astype(float),
            "max_repeated_paragraph_ratio": share(
                counts["repeated_paragraphs"], counts["blank_line_paragraphs"]
            ),
            "max_repeated_paragraph_character_ratio": share(
                counts["repeated_paragraph_characters"], characters
            ),
            "max_repeated_line_ratio": share(counts["repeated_lines"], counts["feed_lines"]),
            "max_repeated_line_character_ratio": share(
                counts["repeated_line_characters"], characters
            ),
        }
        for n in self.top_ngrams:
            scores[f"top_{n}gram"] = share(counts[f"top_characters:{n}"], characters)
        for n in self.repeated_ngrams:
            scores[f"repeated_{n}gram"] = share(counts[f"repeated_characters:{n}"], characters)
        return scores


def _checked(bounds: Mapping[int, float], argument: str) -> dict[int, float]:
    """The bounds by n, in order."""
    for n in bounds:
        if not isinstance(n, int) or not 1 <= n <= 64:
            raise PlanError(
                f"{argument} has the key {n!r}",
                where="GopherRepetition",
                todo="give numbers of words from 1 to 64, and the highest share of each",
            )
    return dict(sorted(bounds.items()))
