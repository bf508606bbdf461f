# SPDX-License-Identifier: Apache-2.0
"""Door: filters by characters, words and lines."""

from thresher.stages.text.filters.length import MeanWordLengthFilter as MeanWordLengthFilter
from thresher.stages.text.filters.length import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.lines import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.lines import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.lines import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.symbols import NonAlphaNumericFilter as NonAlphaNumericFilter
from thresher.stages.text.filters.symbols import SymbolsToWordsFilter as SymbolsToWordsFilter
from thresher.stages.text.filters.urls import UrlsFilter as UrlsFilter
