# SPDX-License-Identifier: Apache-2.0
"""Fifty small files, one filter: what a newcomer runs first. Arguments: source, output."""

import sys

from thresher.pipeline import Pipeline
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter

source, output = sys.argv[1:]
stages = [JsonlReader(source), ScoreFilter(WordCountFilter(min_words=80)), JsonlWriter(output)]
Pipeline("start_up", stages=stages).run()
