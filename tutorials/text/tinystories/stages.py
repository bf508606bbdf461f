# SPDX-License-Identifier: Apache-2.0
"""Door: the stages of the TinyStories tutorial, for scripts that import them from here."""

from thresher.stages.text.download import (
    TinyStoriesDownloadExtractStage as TinyStoriesDownloadExtractStage,
)
from thresher.stages.text.filters import IncompleteStoryFilter as IncompleteStoryFilter
from thresher.stages.text.modifiers import QuotationUnifier as QuotationUnifier
