# SPDX-License-Identifier: Apache-2.0
"""C4: the rules of the Colossal Clean Crawled Corpus, for lines and for documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from thresher.kernels import c4_plain
from thresher.kernels.c4_marks import COUNTS
from thresher.kernels.compiled import ready
from thresher.stages.text.presets.counting import (
    Column,
    Counts,
    chunks_of,
    documents,
    joined,
    size_of,
    stacked,
)
from thresher.stages.text.presets.preset import Mode, Rule, Scores
from thresher.stages.text.presets.rewriting import RewritingPreset, rewritten, text_array


class C4(RewritingPreset):
    """Keep of each document the lines that C4's rules keep, and drop what is not prose after that.

    A line is kept, without white space around it and without citations, if none of its words is
    too long, it ends with one of ``. ? ! " '`` and not with ``...``, it has enough words, and it
    speaks neither of JavaScript nor of policies and cookies. Documents with "lorem ipsum" or a
    curly bracket in such a line, or with too few sentences in all that are kept, are dropped.
    Kept lines are joined by line feeds.

    Source: Raffel et al. 2020 (arXiv:1910.10683), section 2.2; where the paper and the released
    code of C4 differ (3 sentences and 5 words, 5 sentences and 3 words), the code is followed, as
    datatrove's ``C4QualityFilter`` does. Sentences are counted by a rule of our own: a word that
    ends in ``. ? !``, but for quotes and brackets behind, ends one, and so does a line.

    Rules for documents, in this order: ``lorem_ipsum`` and ``curly_bracket`` (score: 1.0 if a line
    has it), ``min_sentences`` (score: sentences).

    Parameters
    ----------
    min_sentences : int | None
        Sentences of a document that is kept.
    min_words_per_line : int | None
        Words of a line that is kept, citations included.
    max_word_length : int | None
        Characters of a word of a line that is kept.
    remove_citations : bool
        Take ``[1]``, ``[]``, ``[edit]`` and ``[citation needed]`` out of lines.
    end_mark : bool
        Keep only lines that end as sentences and quotations do.
    lorem_ipsum, curly_bracket : bool
        Drop documents that have it.
    javascript, policy : bool
        Leave out lines that speak of it.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`. Annotating leaves the text as it is.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = C4(min_sentences=1)
    >>> text = "Home | News\\nIt rained all day.[2]\\nPlease log in."
    >>> batch = DocumentBatch("docs", {"text": [text]})
    >>> stage.process(batch).data.column("text").to_pylist()
    ['It rained all day.\\nPlease log in.']
    """

    name = "c4"

    def __init__(
        self,
        min_sentences: int | None = 5,
        min_words_per_line: int | None = 3,
        max_word_length: int | None = 1000,
        remove_citations: bool = True,
        end_mark: bool = True,
        lorem_ipsum: bool = True,
        curly_bracket: bool = True,
        javascript: bool = True,
        policy: bool = True,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        super().__init__(text_field, mode, all_scores)
        self.min_sentences = min_sentences
        self.min_words_per_line = min_words_per_line
        self.max_word_length = max_word_length
        self.remove_citations = remove_citations
        self.end_mark = end_mark
        self.lorem_ipsum = lorem_ipsum
        self.curly_bracket = curly_bracket
        self.javascript = javascript
        self.policy = policy

    def rules(self) -> list[Rule]:
        """The rules for documents, but for those switched off."""
        rules = [Rule("lorem_ipsum", high=0)] if self.lorem_ipsum else []
        rules += [Rule("curly_bracket", high=0)] if self.curly_bracket else []
        return rules + (
            [Rule("min_sentences", low=self.min_sentences)] if self.min_sentences else []
        )

    def kernels(self) -> Sequence[str]:
        """The kernel that cleans text."""
        return ["c4_lines"]

    def score_counts(self, counts: Counts) -> Scores:
        """The scores of the rules."""
        return {
            "lorem_ipsum": counts["c4_placeholder"].astype(np.float64),
            "curly_bracket": counts["c4_brace"].astype(np.float64),
            "min_sentences": counts["c4_sentences"].astype(np.float64),
        }

    def clean(self, column: Column) -> tuple[pa.ChunkedArray, Counts]:
        """The documents of a column, cleaned, and what was counted of each.

        A null stays null. What is counted: :data:`thresher.kernels.c4_marks.COUNTS`.
        """
        chunks = chunks_of(column)
        settings: dict[str, Any] = {
            "max_word_length": self.max_word_length or 0,
            "remove_citations": self.remove_citations,
            "end_mark": self.end_mark,
            "min_words_per_line": self.min_words_per_line or 0,
            "lorem_ipsum": self.lorem_ipsum,
            "javascript": self.javascript,
            "curly_bracket": self.curly_bracket,
            "policy": self.policy,
        }
        if not len(column):
            return column, dict.fromkeys(COUNTS, np.empty(0, np.int64))
        if not ready("c4_lines", size_of(chunks)):
            rows = [c4_plain.clean(text, settings) for text in documents(column)]
            made = [pa.array([text for text, _ in rows], pa.large_string())]
            return rewritten(column, made), stacked([counts for _, counts in rows])
        from thresher.kernels import c4_lines

        parts = [c4_lines.clean(*chunk, settings) for chunk in chunks]
        made = [text_array(text, ends) for text, ends, _ in parts]
        return rewritten(column, made), joined([counts for _, _, counts in parts])
