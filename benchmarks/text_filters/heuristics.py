# SPDX-License-Identifier: Apache-2.0
"""The 28 heuristics that are measured, by class name and arguments: the same on both sides."""

QUALITY = [
    ("WordCountFilter", {}),
    ("MeanWordLengthFilter", {}),
    ("SymbolsToWordsFilter", {}),
    ("BulletsFilter", {}),
    ("EllipsisFilter", {}),
    ("CommonEnglishWordsFilter", {"stop_at_false": False}),
    ("WordsWithoutAlphabetsFilter", {}),
]
REPETITION = [
    ("RepeatedLinesFilter", {}),
    ("RepeatedParagraphsFilter", {}),
    ("RepeatedLinesByCharFilter", {}),
    ("RepeatedParagraphsByCharFilter", {}),
    *(("RepeatingTopNGramsFilter", {"n": n}) for n in (2, 3, 4)),
    *(("RepeatingDuplicateNGramsFilter", {"n": n}) for n in (5, 6, 7, 8, 9, 10)),
]
STRING = [
    ("NonAlphaNumericFilter", {}),
    ("NumbersFilter", {}),
    ("UrlsFilter", {}),
    ("WhiteSpaceFilter", {}),
    ("ParenthesesFilter", {}),
    ("BoilerPlateStringFilter", {}),
    ("LongWordFilter", {}),
    ("PunctuationFilter", {}),
]
ALL = [*QUALITY, *REPETITION, *STRING]


def made(module):
    """The filters, as classes of a module make them."""
    return [getattr(module, name)(**arguments) for name, arguments in ALL]
