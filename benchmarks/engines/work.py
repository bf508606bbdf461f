# SPDX-License-Identifier: Apache-2.0
"""What both sides run: the names of the filters, and how programs are called.

``python SIDE.py ENGINE WORK INPUT OUTPUT RUNS``: the cluster is started, then the pipeline is run
``RUNS`` times, each time into another folder; the seconds of each are printed as a JSON list.
"""

TEN = (
    "WordCountFilter",
    "MeanWordLengthFilter",
    "NonAlphaNumericFilter",
    "SymbolsToWordsFilter",
    "NumbersFilter",
    "UrlsFilter",
    "BulletsFilter",
    "WhiteSpaceFilter",
    "ParenthesesFilter",
    "LongWordFilter",
)
FILTERS = {"ten filters": TEN, "tiny tasks": TEN[:3], "small files": TEN[:3]}
"""With a reader and a writer, "tiny tasks" has five stages."""
CPUS = 2
