# SPDX-License-Identifier: Apache-2.0
"""Door: filters that follow plain rules."""

from thresher.stages.text.filters.heuristic.repetition import (
    RepeatedLinesFilter as RepeatedLinesFilter,
)
from thresher.stages.text.filters.heuristic.repetition import (
    RepeatingTopNGramsFilter as RepeatingTopNGramsFilter,
)
from thresher.stages.text.filters.heuristic.string import BulletsFilter as BulletsFilter
from thresher.stages.text.filters.heuristic.string import EllipsisFilter as EllipsisFilter
from thresher.stages.text.filters.heuristic.string import (
    MeanWordLengthFilter as MeanWordLengthFilter,
)
from thresher.stages.text.filters.heuristic.string import (
    NonAlphaNumericFilter as NonAlphaNumericFilter,
)
from thresher.stages.text.filters.heuristic.string import PunctuationFilter as PunctuationFilter
from thresher.stages.text.filters.heuristic.string import (
    SymbolsToWordsFilter as SymbolsToWordsFilter,
)
from thresher.stages.text.filters.heuristic.string import UrlsFilter as UrlsFilter
from thresher.stages.text.filters.heuristic.string import WordCountFilter as WordCountFilter
