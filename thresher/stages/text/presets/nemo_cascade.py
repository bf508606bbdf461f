# SPDX-License-Identifier: Apache-2.0
"""The cascades of heuristic filters that NeMo Curator recommends, each as one stage."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.text.filters.boilerplate import BoilerPlateStringFilter
from thresher.stages.text.filters.characters import (
    NumbersFilter,
    ParenthesesFilter,
    WhiteSpaceFilter,
)
from thresher.stages.text.filters.code import NumberOfLinesOfCodeFilter
from thresher.stages.text.filters.code_comment_ratio import PythonCommentToCodeFilter
from thresher.stages.text.filters.code_fertility import TokenizerFertilityFilter
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.filters.length import (
    LongWordFilter,
    MeanWordLengthFilter,
    WordCountFilter,
)
from thresher.stages.text.filters.lines import BulletsFilter, EllipsisFilter, PunctuationFilter
from thresher.stages.text.filters.ngrams import (
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
)
from thresher.stages.text.filters.repetition import (
    RepeatedLinesByCharFilter,
    RepeatedLinesFilter,
    RepeatedParagraphsByCharFilter,
    RepeatedParagraphsFilter,
)
from thresher.stages.text.filters.score_filter import ScoreFilter
from thresher.stages.text.filters.symbols import NonAlphaNumericFilter, SymbolsToWordsFilter
from thresher.stages.text.filters.urls import UrlsFilter
from thresher.stages.text.filters.vocabulary import (
    CommonEnglishWordsFilter,
    WordsWithoutAlphabetsFilter,
)
from thresher.tasks import DocumentBatch

TOP = ((2, 0.2), (3, 0.18), (4, 0.16))
DUPLICATE = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))


class _Cascade(CompositeStage[DocumentBatch, DocumentBatch]):
    """Filters one after another over one column."""

    def __init__(self, text_field: str = "text") -> None:
        self.text_field = text_field

    @abstractmethod
    def filters(self) -> list[DocumentFilter]:
        """The filters, in order."""

    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        """A ScoreFilter for each filter."""
        return [ScoreFilter(rule, text_field=self.text_field) for rule in self.filters()]


class NemoEnglishCascade(_Cascade):
    """The 28 filters that NeMo Curator applies to English text, in its order, with its bounds.

    Source: the recipe ``heuristic_filter_en.yaml`` published with NeMo Curator.

    Parameters
    ----------
    text_field : str
        The column of text.
    """

    name = "nemo_english_cascade"

    def filters(self) -> list[DocumentFilter]:
        """The filters, in order."""
        return [
            NonAlphaNumericFilter(max_non_alpha_numeric_to_text_ratio=0.25),
            *_symbols(),
            *_repeated_pieces(),
            WordCountFilter(min_words=50, max_words=100_000),
            PunctuationFilter(max_num_sentences_without_endmark_ratio=0.85),
            WordsWithoutAlphabetsFilter(min_words_with_alphabets=0.8),
            CommonEnglishWordsFilter(min_num_common_words=2, stop_at_false=True),
            *_words_and_lines(),
        ]


class NemoNonEnglishCascade(_Cascade):
    """The 25 filters that NeMo Curator applies to text of other languages that use spaces.

    Source: the recipe ``heuristic_filter_non-en.yaml`` published with NeMo Curator, which warns
    that ``PunctuationFilter`` drops much and wants its bound set for each language.

    Parameters
    ----------
    text_field : str
        The column of text.
    max_num_sentences_without_endmark_ratio : float
        The bound of ``PunctuationFilter``.
    """

    name = "nemo_non_english_cascade"

    def __init__(
        self, text_field: str = "text", max_num_sentences_without_endmark_ratio: float = 0.85
    ) -> None:
        super().__init__(text_field)
        self.max_num_sentences_without_endmark_ratio = max_num_sentences_without_endmark_ratio

    def filters(self) -> list[DocumentFilter]:
        """The filters, in order."""
        unended = self.max_num_sentences_without_endmark_ratio
        return [
            *_symbols(),
            *_repeated_pieces(),
            WordCountFilter(min_words=50, max_words=100_000),
            PunctuationFilter(max_num_sentences_without_endmark_ratio=unended),
            *_words_and_lines(),
        ]


class NemoCodeCascade(_Cascade):
    """The filters that NeMo Curator applies to Python sources.

    Source: the recipe ``heuristic_filter_code.yaml`` published with NeMo Curator.

    Parameters
    ----------
    path_to_tokenizer : str | None
        A SentencePiece model for ``TokenizerFertilityFilter``, which is left out when not given.
    text_field : str
        The column of sources.
    """

    name = "nemo_code_cascade"

    def __init__(self, path_to_tokenizer: str | None = None, text_field: str = "text") -> None:
        super().__init__(text_field)
        self.path_to_tokenizer = path_to_tokenizer

    def filters(self) -> list[DocumentFilter]:
        """The filters, in order."""
        rules: list[DocumentFilter] = [
            PythonCommentToCodeFilter(
                min_comment_to_code_ratio=0.001, max_comment_to_code_ratio=0.85
            ),
            NumberOfLinesOfCodeFilter(min_lines=5, max_lines=20_000),
        ]
        if self.path_to_tokenizer is not None:
            rules.append(
                TokenizerFertilityFilter(
                    path_to_tokenizer=self.path_to_tokenizer, min_char_to_token_ratio=2
                )
            )
        return rules


def _symbols() -> list[DocumentFilter]:
    return [
        SymbolsToWordsFilter(max_symbol_to_word_ratio=0.1),
        NumbersFilter(max_number_to_text_ratio=0.15),
        UrlsFilter(max_url_to_text_ratio=0.2),
        WhiteSpaceFilter(max_white_space_ratio=0.25),
        ParenthesesFilter(max_parentheses_ratio=0.1),
        BoilerPlateStringFilter(remove_if_at_top_or_bottom=True, max_boilerplate_string_ratio=0.4),
    ]


def _repeated_pieces() -> list[DocumentFilter]:
    return [
        RepeatedLinesFilter(max_repeated_line_fraction=0.7),
        RepeatedParagraphsFilter(max_repeated_paragraphs_ratio=0.7),
        RepeatedLinesByCharFilter(max_repeated_lines_char_ratio=0.8),
        RepeatedParagraphsByCharFilter(max_repeated_paragraphs_char_ratio=0.8),
    ]


def _words_and_lines() -> list[DocumentFilter]:
    return [
        MeanWordLengthFilter(min_mean_word_length=3, max_mean_word_length=10),
        LongWordFilter(max_word_length=1000),
        EllipsisFilter(max_num_lines_ending_with_ellipsis_ratio=0.3),
        *(RepeatingTopNGramsFilter(n=n, max_repeating_ngram_ratio=most) for n, most in TOP),
        *(
            RepeatingDuplicateNGramsFilter(n=n, max_repeating_duplicate_ngram_ratio=most)
            for n, most in DUPLICATE
        ),
        BulletsFilter(max_bullet_lines_ratio=0.9),
    ]
