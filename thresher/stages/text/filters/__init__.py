# SPDX-License-Identifier: Apache-2.0
"""Filters of documents, and the stages that apply them."""

from thresher.stages.text.filters.document_filter import DocumentFilter as DocumentFilter
from thresher.stages.text.filters.filter import Filter as Filter
from thresher.stages.text.filters.length import MeanWordLengthFilter as MeanWordLengthFilter
from thresher.stages.text.filters.length import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.lines import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.lines import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.lines import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.repetition import RepeatedLinesFilter as RepeatedLinesFilter
from thresher.stages.text.filters.repetition import (
    RepeatingTopNGramsFilter as RepeatingTopNGramsFilter,
)
from thresher.stages.text.filters.score import Score as Score
from thresher.stages.text.filters.score_filter import ScoreFilter as ScoreFilter
from thresher.stages.text.filters.symbols import NonAlphaNumericFilter as NonAlphaNumericFilter
from thresher.stages.text.filters.symbols import SymbolsToWordsFilter as SymbolsToWordsFilter
from thresher.stages.text.filters.urls import UrlsFilter as UrlsFilter
