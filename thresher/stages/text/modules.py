# SPDX-License-Identifier: Apache-2.0
"""Door: stages that work on whole documents, under their older address."""

from thresher.stages.text.add_id import AddId as AddId
from thresher.stages.text.filters.filter import Filter as Filter
from thresher.stages.text.filters.score import Score as Score
from thresher.stages.text.filters.score_filter import ScoreFilter as ScoreFilter
from thresher.stages.text.joiner import DocumentJoiner as DocumentJoiner
from thresher.stages.text.modifiers.modify import Modify as Modify
from thresher.stages.text.splitter import DocumentSplitter as DocumentSplitter
