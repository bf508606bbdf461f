# SPDX-License-Identifier: Apache-2.0
"""Stop words, against real text of their languages."""

import json
from pathlib import Path

import pytest

from thresher.errors import PlanError
from thresher.stages.text.stop_words import stop_word_languages, stop_words

CORPUS = Path(__file__).parents[3] / "examples" / "corpus"


def words_of(language: str) -> list[str]:
    path = CORPUS / language / "sections-01.jsonl"
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found += json.loads(line)["text"].lower().split()
        except ValueError:
            continue
    return found[:4000]


@pytest.mark.parametrize("language", ["ar", "de", "en", "es", "fr", "id", "it", "pt", "ru"])
def test_text_has_more_stop_words_of_its_language_than_of_any_other(language: str) -> None:
    words = words_of(language)
    share = {
        other: sum(word in stop_words(other) for word in words) / len(words)
        for other in stop_word_languages()
    }

    assert max(share, key=share.__getitem__) == language
    assert share[language] > 0.1


@pytest.mark.parametrize("language", sorted(stop_word_languages()))
def test_lists_are_of_some_length_and_in_lower_case(language: str) -> None:
    words = stop_words(language)

    assert 30 <= len(words) <= 100
    assert all(word == word.lower() and word.split() == [word] for word in words)


def test_main_languages_are_there() -> None:
    assert len(stop_word_languages()) >= 40
    assert {"en", "zh", "ja", "hi", "ar", "ru", "ko", "th", "vi"} <= (stop_word_languages())


def test_codes_are_read_in_whatever_form() -> None:
    assert stop_words("pt-BR") == stop_words("PT") == stop_words("pt_PT")
    assert stop_words("nb") == stop_words("no")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(PlanError, match="xx") as caught:
        stop_words("xx")

    assert "en" in caught.value.todo
