# SPDX-License-Identifier: Apache-2.0
"""Stop words: the function words that running text of a language is full of.

Short lists of articles, pronouns, prepositions, conjunctions, particles and auxiliaries, written
for this package; a text that holds few of them is a list, a table or another language.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from thresher.errors import PlanError

_FILE = Path(__file__).with_suffix(".txt")

# Codes that name a language of the file otherwise.
_ALSO = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}


def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, in lower case.

    Words of ``"zh"``, ``"ja"`` and ``"th"`` are those that a word splitter of the language gives.

    Parameters
    ----------
    language : str
        An ISO 639-1 code in whatever case; what follows it (``"pt-BR"``, ``"zh_Hant"``) is ignored.

    Raises
    ------
    PlanError
        If there is no list for the language; :func:`stop_word_languages` names those there are.
    """
    code = language.replace("_", "-").partition("-")[0].lower()
    words = _lists().get(_ALSO.get(code, code))
    if words is None:
        raise PlanError(
            f"there are no stop words for the language {language!r}",
            todo=f"give your own words, or one of {', '.join(sorted(_lists()))}",
        )
    return words


def stop_word_languages() -> frozenset[str]:
    """The ISO 639-1 codes of the languages that :func:`stop_words` knows."""
    return frozenset(_lists())


@cache
def _lists() -> dict[str, frozenset[str]]:
    lists = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, _, words = line.partition(":")
            lists[language] = frozenset(words.split())
    return lists
