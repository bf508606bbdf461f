# SPDX-License-Identifier: Apache-2.0
"""Filters of documents, and the stages that apply them."""

from thresher.stages.text.filters.boilerplate import (
    BoilerPlateStringFilter as BoilerPlateStringFilter,
)
from thresher.stages.text.filters.characters import NumbersFilter as NumbersFilter
from thresher.stages.text.filters.characters import ParenthesesFilter as ParenthesesFilter
from thresher.stages.text.filters.characters import WhiteSpaceFilter as WhiteSpaceFilter
from thresher.stages.text.filters.code import AlphaFilter as AlphaFilter
from thresher.stages.text.filters.code import (
    NumberOfLinesOfCodeFilter as NumberOfLinesOfCodeFilter,
)
from thresher.stages.text.filters.code import XMLHeaderFilter as XMLHeaderFilter
from thresher.stages.text.filters.code_comment_ratio import (
    GeneralCommentToCodeFilter as GeneralCommentToCodeFilter,
)
from thresher.stages.text.filters.code_comment_ratio import (
    PythonCommentToCodeFilter as PythonCommentToCodeFilter,
)
from thresher.stages.text.filters.code_extension import PerExtensionFilter as PerExtensionFilter
from thresher.stages.text.filters.code_fertility import (
    TokenizerFertilityFilter as TokenizerFertilityFilter,
)
from thresher.stages.text.filters.code_html import HTMLBoilerplateFilter as HTMLBoilerplateFilter
from thresher.stages.text.filters.document_filter import DocumentFilter as DocumentFilter
from thresher.stages.text.filters.fasttext import FastTextLangId as FastTextLangId
from thresher.stages.text.filters.fasttext import FastTextQualityFilter as FastTextQualityFilter
from thresher.stages.text.filters.filter import Filter as Filter
from thresher.stages.text.filters.histogram import HistogramFilter as HistogramFilter
from thresher.stages.text.filters.incomplete_story import (
    IncompleteStoryFilter as IncompleteStoryFilter,
)
from thresher.stages.text.filters.length import LongWordFilter as LongWordFilter
from thresher.stages.text.filters.length import MeanWordLengthFilter as MeanWordLengthFilter
from thresher.stages.text.filters.length import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.lines import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.lines import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.lines import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.ngrams import (
    RepeatingDuplicateNGramsFilter as RepeatingDuplicateNGramsFilter,
)
from thresher.stages.text.filters.ngrams import (
    RepeatingTopNGramsFilter as RepeatingTopNGramsFilter,
)
from thresher.stages.text.filters.repetition import (
    RepeatedLinesByCharFilter as RepeatedLinesByCharFilter,
)
from thresher.stages.text.filters.repetition import RepeatedLinesFilter as RepeatedLinesFilter
from thresher.stages.text.filters.repetition import (
    RepeatedParagraphsByCharFilter as RepeatedParagraphsByCharFilter,
)
from thresher.stages.text.filters.repetition import (
    RepeatedParagraphsFilter as RepeatedParagraphsFilter,
)
from thresher.stages.text.filters.score import Score as Score
from thresher.stages.text.filters.score_filter import ScoreFilter as ScoreFilter
from thresher.stages.text.filters.substring import SubstringFilter as SubstringFilter
from thresher.stages.text.filters.symbols import NonAlphaNumericFilter as NonAlphaNumericFilter
from thresher.stages.text.filters.symbols import SymbolsToWordsFilter as SymbolsToWordsFilter
from thresher.stages.text.filters.token import TokenCountFilter as TokenCountFilter
from thresher.stages.text.filters.urls import PornographicUrlsFilter as PornographicUrlsFilter
from thresher.stages.text.filters.urls import UrlsFilter as UrlsFilter
from thresher.stages.text.filters.vocabulary import (
    CommonEnglishWordsFilter as CommonEnglishWordsFilter,
)
from thresher.stages.text.filters.vocabulary import (
    WordsWithoutAlphabetsFilter as WordsWithoutAlphabetsFilter,
)
