# SPDX-License-Identifier: Apache-2.0
"""Door: filters by repetition."""

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
