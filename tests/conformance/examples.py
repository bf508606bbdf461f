# SPDX-License-Identifier: Apache-2.0
"""Arguments to try filters with; of those that need files, which no package holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tokenizer_files import BPE
from thresher.stages.text.filters import DocumentFilter

_MODELS = Path(__file__).parents[1] / "models"
QUALITY = str(_MODELS / "quality.ftz")
PIECES = str(_MODELS / "pieces.model")
HISTOGRAMS = str(_MODELS / "histograms")

WITH_FILES: dict[str, tuple[dict[str, Any], ...]] = {
    "FastTextLangId": ({"model_path": "bundled"}, {"model_path": "bundled", "lang": "EN"}),
    "FastTextQualityFilter": (
        {"model_path": QUALITY},
        {"model_path": QUALITY, "label": "__label__lq", "alpha": 1, "seed": 7},
    ),
    "HistogramFilter": (
        {"cache_dir": HISTOGRAMS},
        {"lang": "de", "threshold": 0.3, "cache_dir": HISTOGRAMS, "threshold_char": ""},
    ),
    "TokenizerFertilityFilter": (
        {"path_to_tokenizer": PIECES},
        {"path_to_tokenizer": str(BPE / "tokenizer.json"), "min_char_to_token_ratio": 1.5},
    ),
    "TokenCountFilter": (
        {"hf_model_name": str(BPE)},
        {"hf_model_name": str(BPE), "min_tokens": 3, "max_tokens": 20},
    ),
}


def examples_of(cls: type[DocumentFilter]) -> tuple[dict[str, Any], ...]:
    """Its own examples, or those here; none where its own tests have to make files first."""
    return cls.EXAMPLES or WITH_FILES.get(cls.__name__, ())
