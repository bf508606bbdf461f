# SPDX-License-Identifier: Apache-2.0
"""Where text stages are found, and what finding them loads."""

import importlib
import subprocess
import sys

import pytest

FILTERS = "thresher.stages.text.filters"
STRING = [
    "BulletsFilter",
    "EllipsisFilter",
    "MeanWordLengthFilter",
    "NonAlphaNumericFilter",
    "PunctuationFilter",
    "SymbolsToWordsFilter",
    "UrlsFilter",
    "WordCountFilter",
]
REPETITION = ["RepeatedLinesFilter", "RepeatingTopNGramsFilter"]
ADDRESSES = {
    FILTERS: ["DocumentFilter", "Filter", "Score", "ScoreFilter", *STRING, *REPETITION],
    f"{FILTERS}.heuristic": STRING + REPETITION,
    f"{FILTERS}.heuristic.string": STRING,
    f"{FILTERS}.heuristic.repetition": REPETITION,
    "thresher.stages.text.modifiers": [
        "BoilerPlateStringModifier",
        "DocumentModifier",
        "FastTextLabelModifier",
        "LineRemover",
        "MarkdownRemover",
        "Modify",
        "NewlineNormalizer",
        "QuotationRemover",
        "Slicer",
        "UnicodeReformatter",
        "UrlRemover",
    ],
    "thresher.stages.text.modifiers.string": [
        "BoilerPlateStringModifier",
        "LineRemover",
        "MarkdownRemover",
        "NewlineNormalizer",
        "QuotationRemover",
        "Slicer",
        "UrlRemover",
    ],
    "thresher.stages.text.modifiers.fasttext": ["FastTextLabelModifier"],
    "thresher.stages.text.modifiers.unicode": ["UnicodeReformatter"],
    "thresher.stages.text.modules": [
        "AddId",
        "DocumentJoiner",
        "DocumentSplitter",
        "Filter",
        "Modify",
        "Score",
        "ScoreFilter",
    ],
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_address(address):
    module = importlib.import_module(address)
    for name in ADDRESSES[address]:
        assert hasattr(module, name)


@pytest.mark.parametrize("address", ADDRESSES)
def test_importing_is_cheap(address):
    code = (
        f"import {address}, sys; "
        "print([m for m in ('numba', 'llvmlite', 'ftfy', 'pandas', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
