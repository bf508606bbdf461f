# SPDX-License-Identifier: Apache-2.0
"""Names of persons, places and organisations, by spaCy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from thresher.errors import ModelError, PlanError, missing_extra
from thresher.stages.text.pii.match import Match

MODELS = {
    "ca": "ca_core_news_sm", "da": "da_core_news_sm", "de": "de_core_news_sm",
    "el": "el_core_news_sm", "en": "en_core_web_sm", "es": "es_core_news_sm",
    "fi": "fi_core_news_sm", "fr": "fr_core_news_sm", "hr": "hr_core_news_sm",
    "it": "it_core_news_sm", "ja": "ja_core_news_sm", "ko": "ko_core_news_sm",
    "lt": "lt_core_news_sm", "mk": "mk_core_news_sm", "nb": "nb_core_news_sm",
    "nl": "nl_core_news_sm", "pl": "pl_core_news_sm", "pt": "pt_core_news_sm",
    "ro": "ro_core_news_sm", "ru": "ru_core_news_sm", "sl": "sl_core_news_sm",
    "sv": "sv_core_news_sm", "uk": "uk_core_news_sm", "zh": "zh_core_web_sm",
}  # fmt: skip
"""The small model that spaCy publishes for a language."""

_TYPES = {
    "PERSON": "PERSON", "PER": "PERSON", "PS": "PERSON", "persName": "PERSON",
    "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "LC": "LOCATION",
    "placeName": "LOCATION", "geogName": "LOCATION",
    "ORG": "ORGANIZATION", "OG": "ORGANIZATION", "orgName": "ORGANIZATION",
}  # fmt: skip

_NOT_NEEDED = ("parser", "lemmatizer", "textcat")
_LONGEST = 100_000  # characters at a time: spaCy takes memory in proportion


class NamedEntities:
    """Finds named entities by a spaCy pipeline, loaded on first use.

    Parameters
    ----------
    model : str
        What ``spacy.load`` takes: an installed package or a folder.
    types : sequence of str
        Which of PERSON, LOCATION and ORGANIZATION.
    score : float
        The score of every match; spaCy tells none.
    """

    def __init__(self, model: str, types: Sequence[str], score: float = 0.85) -> None:
        self.model = model
        self.types = frozenset(types)
        self.score = score

    def find_all(self, texts: Sequence[str]) -> list[list[Match]]:
        """The matches of each text."""
        pieces = [
            (text[at : at + _LONGEST], (row, at))
            for row, text in enumerate(texts)
            for at in range(0, len(text), _LONGEST)
        ]
        found: list[list[Match]] = [[] for _ in texts]
        for document, (row, at) in self._pipeline.pipe(pieces, as_tuples=True):
            for entity in document.ents:
                kind = _TYPES.get(entity.label_)
                if kind in self.types and entity.text.strip():
                    start, end = at + entity.start_char, at + entity.end_char
                    found[row].append(Match(start, end, str(kind), self.score))
        return found

    @cached_property
    def _pipeline(self) -> Any:
        try:
            import spacy
        except ImportError:
            raise missing_extra("finding named entities", "spacy", "pii") from None
        try:
            return spacy.load(self.model, exclude=_NOT_NEEDED)
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(
                f"spaCy cannot load {self.model!r}: {error}",
                todo="install the model beside spaCy, or give ner_model the path of one",
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_pipeline"}


def model_of(language: str, where: str) -> str:
    """The model for a language."""
    if language not in MODELS:
        raise PlanError(
            f"no model is known for language={language!r}",
            where=where,
            todo=f"give ner_model, or a language of {', '.join(MODELS)}",
        )
    return MODELS[language]
