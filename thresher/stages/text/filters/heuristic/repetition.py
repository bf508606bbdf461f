# SPDX-License-Identifier: Apache-2.0
"""Door: filters by repetition."""

from thresher.stages.text.filters.repetition import RepeatedLinesFilter as RepeatedLinesFilter
from thresher.stages.text.filters.repetition import (
    RepeatingTopNGramsFilter as RepeatingTopNGramsFilter,
)
