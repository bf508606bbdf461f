# SPDX-License-Identifier: Apache-2.0
"""Door: filters of source code."""

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
