# SPDX-License-Identifier: Apache-2.0
"""Presets: published sets of rules, each as one stage."""

from thresher.stages.text.presets.c4 import C4 as C4
from thresher.stages.text.presets.code_quality import CodeQuality as CodeQuality
from thresher.stages.text.presets.fineweb import FineWeb as FineWeb
from thresher.stages.text.presets.gopher_quality import GopherQuality as GopherQuality
from thresher.stages.text.presets.gopher_repetition import GopherRepetition as GopherRepetition
from thresher.stages.text.presets.nemo_cascade import NemoCodeCascade as NemoCodeCascade
from thresher.stages.text.presets.nemo_cascade import NemoEnglishCascade as NemoEnglishCascade
from thresher.stages.text.presets.nemo_cascade import (
    NemoNonEnglishCascade as NemoNonEnglishCascade,
)
from thresher.stages.text.presets.non_english_quality import NonEnglishQuality as NonEnglishQuality
from thresher.stages.text.presets.preset import Preset as Preset
from thresher.stages.text.presets.refinedweb_lines import RefinedWebLines as RefinedWebLines
