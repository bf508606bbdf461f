# SPDX-License-Identifier: Apache-2.0
"""Fifty small files, all presets: seven modules of kernels. Arguments: source, output."""

import sys

from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.presets import C4, FineWeb, GopherQuality, GopherRepetition

source, output = sys.argv[1:]
presets = [GopherRepetition(), GopherQuality(), C4(), FineWeb()]
Pipeline("start_up", stages=[JsonlReader(source), *presets, JsonlWriter(output)]).run()
