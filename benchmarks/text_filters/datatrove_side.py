# SPDX-License-Identifier: Apache-2.0
"""datatrove's side: Gopher quality, Gopher repetition and C4 on every document, one after another.

python datatrove_side.py JSONL RUNS WORDS

``WORDS`` is ``split`` for words between white space, as ours are, or ``shipped`` for its own
tokenizer. No filter ends a document early: each is given every document.
"""

import sys

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils import text as words_of
from timing import repeat, tell, texts_of


def main(path: str, runs: int, words: str) -> None:
    """Give all documents to all filters."""
    texts = texts_of(path)
    if words == "split":
        _split_at_white_space()
    figures = {}
    for name, filters in (
        ("gopher", [GopherQualityFilter(), GopherRepetitionFilter()]),
        ("all", [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter()]),
    ):

        def work(filters=filters):
            kept = []
            for number, text in enumerate(texts):
                answers = [rule.filter(Document(text=text, id=str(number))) for rule in filters]
                kept.append(all(answer is True for answer in answers))
            return kept

        seconds, kept = repeat(work, runs)
        figures[name] = {"seconds": seconds, "kept": kept}
    tell(**figures)


def _split_at_white_space() -> None:
    """Give every filter words between white space."""
    import datatrove.pipeline.filters.gopher_quality_filter as quality
    import datatrove.pipeline.filters.gopher_repetition_filter as repetition

    for module in (words_of, quality, repetition):
        if hasattr(module, "split_into_words"):
            module.split_into_words = lambda text, language=None: text.split()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
