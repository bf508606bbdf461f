# SPDX-License-Identifier: Apache-2.0
"""Door: filters by characters, words and lines."""

from thresher.stages.text.filters.boilerplate import (
    BoilerPlateStringFilter as BoilerPlateStringFilter,
)
from thresher.stages.text.filters.characters import NumbersFilter as NumbersFilter
from thresher.stages.text.filters.characters import ParenthesesFilter as ParenthesesFilter
from thresher.stages.text.filters.characters import WhiteSpaceFilter as WhiteSpaceFilter
from thresher.stages.text.filters.length import LongWordFilter as LongWordFilter
from thresher.stages.text.filters.length import MeanWordLengthFilter as MeanWordLengthFilter
from thresher.stages.text.filters.length import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.lines import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.lines import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.lines import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.substring import SubstringFilter as SubstringFilter
from thresher.stages.text.filters.symbols import NonAlphaNumericFilter as NonAlphaNumericFilter
from thresher.stages.text.filters.symbols import SymbolsToWordsFilter as SymbolsToWordsFilter
from thresher.stages.text.filters.urls import PornographicUrlsFilter as PornographicUrlsFilter
from thresher.stages.text.filters.urls import UrlsFilter as UrlsFilter
from thresher.stages.text.filters.vocabulary import (
    CommonEnglishWordsFilter as CommonEnglishWordsFilter,
)
from thresher.stages.text.filters.vocabulary import (
    WordsWithoutAlphabetsFilter as WordsWithoutAlphabetsFilter,
)
