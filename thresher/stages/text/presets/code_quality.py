# SPDX-License-Identifier: Apache-2.0
"""CodeQuality: the rules that large sets of source code were filtered by."""

from __future__ import annotations

import re

import numpy as np

from thresher.stages.text.presets.counting import Column, Counter, Counts, documents
from thresher.stages.text.presets.preset import Mode, Preset, Rule, Scores, share

GENERATED = re.compile(
    "auto-?generated|automatically generated|generated automatically|do not edit", re.I
)
"""What the first lines of files say that no one has written."""

XML = "<?xml version="


class CodeQuality(Preset):
    """Drop source files that are generated, minified, data, or XML.

    Source: Chen et al. 2021 (arXiv:2107.03374, Codex), section 3.1: files that are likely
    generated, lines longer than 1000 characters or 100 in the mean, few alphanumeric characters;
    Li et al. 2023 (arXiv:2305.06161, StarCoder), section 3.1: less than 25% letters, and an XML
    declaration in the first 100 characters. For alphanumeric characters the 25% of Allal et al.
    2023 (arXiv:2301.03988, SantaCoder) are taken. The phrases of generated files are ours.

    Lines are what stands between line feeds. An empty document scores 0.0 by every rule.

    Rules, in this order, named after their parameters; None (False) switches a rule off. A score
    at a bound is kept.

    Parameters
    ----------
    max_line_length : int | None
        Score: characters of the longest line.
    max_mean_line_length : float | None
        Score: characters that are no line feeds / lines.
    min_alphanumeric_ratio : float | None
        Score: letters and digits of any script / characters.
    min_letter_ratio : float | None
        Score: letters of any script / characters.
    xml : bool
        Drop what declares itself XML. Score: 1.0 if it does.
    generated : bool
        Drop what says in its first 5 lines that it is generated. Score: 1.0 if it does.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = CodeQuality()
    >>> batch = DocumentBatch("docs", {"text": ["# Auto-generated\\nx = 1", "y = f(x)"]})
    >>> stage.process(batch).data.column("text").to_pylist()
    ['y = f(x)']
    """

    name = "code_quality"

    def __init__(
        self,
        max_line_length: int | None = 1000,
        max_mean_line_length: float | None = 100,
        min_alphanumeric_ratio: float | None = 0.25,
        min_letter_ratio: float | None = 0.25,
        xml: bool = True,
        generated: bool = True,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.max_line_length = max_line_length
        self.max_mean_line_length = max_mean_line_length
        self.min_alphanumeric_ratio = min_alphanumeric_ratio
        self.min_letter_ratio = min_letter_ratio
        self.xml = xml
        self.generated = generated
        # Regular expressions hold the GIL.
        self.__dict__["gil_free"] = not generated and not xml

    def rules(self) -> list[Rule]:
        """The rules, but for those switched off."""
        rules = (
            Rule("max_line_length", high=self.max_line_length),
            Rule("max_mean_line_length", high=self.max_mean_line_length),
            Rule("min_alphanumeric_ratio", low=self.min_alphanumeric_ratio),
            Rule("min_letter_ratio", low=self.min_letter_ratio),
            Rule("xml", high=0 if self.xml else None),
            Rule("generated", high=0 if self.generated else None),
        )
        return [rule for rule in rules if rule[1:] != (None, None)]

    def counters(self) -> list[Counter]:
        """Lines, letters and characters."""
        return [
            Counter("source_lines", _lines),
            Counter("letters", _letters),
            Counter("characters", _characters),
        ]

    def score_counts(self, counts: Counts) -> Scores:
        """The scores of the rules that count."""
        characters, feeds = counts["characters"], counts["line_feeds"]
        return {
            "max_line_length": counts["longest_line"].astype(np.float64),
            "max_mean_line_length": share(characters - feeds, feeds + 1),
            "min_alphanumeric_ratio": share(counts["letters"] + counts["digits"], characters),
            "min_letter_ratio": share(counts["letters"], characters),
        }

    def scores(self, column: Column) -> Scores:
        """float64[n_rows] by rule."""
        scores = super().scores(column)
        texts = documents(column)
        if self.xml:
            scores["xml"] = np.array([XML in text[:100] for text in texts], np.float64)
        if self.generated:
            scores["generated"] = np.array([says_generated(text) for text in texts], np.float64)
        return scores


def says_generated(text: str) -> bool:
    """Whether the first five lines say that the file is generated."""
    return GENERATED.search("\n".join(text[:5000].split("\n", 5)[:5])) is not None


def _lines(text: str) -> dict[str, int]:
    lines = text.split("\n")
    return {"line_feeds": len(lines) - 1, "longest_line": max(map(len, lines))}


def _letters(text: str) -> dict[str, int]:
    return {"letters": sum(map(str.isalpha, text))}


def _characters(text: str) -> dict[str, int]:
    return {"characters": len(text), "digits": sum(map(str.isdecimal, text))}
