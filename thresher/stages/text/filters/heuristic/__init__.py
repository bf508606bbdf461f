# SPDX-License-Identifier: Apache-2.0
"""Door: filters that follow plain rules."""

from thresher.stages.text.filters.heuristic.code import AlphaFilter as AlphaFilter
from thresher.stages.text.filters.heuristic.code import (
    GeneralCommentToCodeFilter as GeneralCommentToCodeFilter,
)
from thresher.stages.text.filters.heuristic.code import (
    HTMLBoilerplateFilter as HTMLBoilerplateFilter,
)
from thresher.stages.text.filters.heuristic.code import (
    NumberOfLinesOfCodeFilter as NumberOfLinesOfCodeFilter,
)
from thresher.stages.text.filters.heuristic.code import PerExtensionFilter as PerExtensionFilter
from thresher.stages.text.filters.heuristic.code import (
    PythonCommentToCodeFilter as PythonCommentToCodeFilter,
)
from thresher.stages.text.filters.heuristic.code import (
    TokenizerFertilityFilter as TokenizerFertilityFilter,
)
from thresher.stages.text.filters.heuristic.code import XMLHeaderFilter as XMLHeaderFilter
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatedLinesByCharFilter as RepeatedLinesByCharFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatedLinesFilter as RepeatedLinesFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatedParagraphsByCharFilter as RepeatedParagraphsByCharFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatedParagraphsFilter as RepeatedParagraphsFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatingDuplicateNGramsFilter as RepeatingDuplicateNGramsFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatingTopNGramsFilter as RepeatingTopNGramsFilter,
)
from thresher.stages.text.filters.heuristic.string import (
    BoilerPlateStringFilter as BoilerPlateStringFilter,
)
from thresher.stages.text.filters.heuristic.string import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.heuristic.string import (
    CommonEnglishWordsFilter as CommonEnglishWordsFilter,
)
from thresher.stages.text.filters.heuristic.string import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.heuristic.string import LongWordFilter as LongWordFilter
from thresher.stages.text.filters.heuristic.string import (
    MeanWordLengthFilter as MeanWordLengthFilter,
)
from thresher.stages.text.filters.heuristic.string import (
    NonAlphaNumericFilter as NonAlphaNumericFilter,
)
from thresher.stages.text.filters.heuristic.string import NumbersFilter as NumbersFilter
from thresher.stages.text.filters.heuristic.string import ParenthesesFilter as ParenthesesFilter
from thresher.stages.text.filters.heuristic.string import (
    PornographicUrlsFilter as PornographicUrlsFilter,
)
from thresher.stages.text.filters.heuristic.string import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.heuristic.string import SubstringFilter as SubstringFilter
from thresher.stages.text.filters.heuristic.string import (
    SymbolsToWordsFilter as SymbolsToWordsFilter,
)
from thresher.stages.text.filters.heuristic.string import UrlsFilter as UrlsFilter
from thresher.stages.text.filters.heuristic.string import WhiteSpaceFilter as WhiteSpaceFilter
from thresher.stages.text.filters.heuristic.string import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.heuristic.string import (
    WordsWithoutAlphabetsFilter as WordsWithoutAlphabetsFilter,
)
