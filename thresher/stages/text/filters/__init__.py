# SPDX-License-Identifier: Apache-2.0
"""Filters of documents, and the stages that apply them."""

from thresher.stages.text.filters.document_filter import DocumentFilter as DocumentFilter
from thresher.stages.text.filters.length import WordCountFilter as WordCountFilter
from thresher.stages.text.filters.score_filter import ScoreFilter as ScoreFilter
