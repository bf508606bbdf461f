# SPDX-License-Identifier: Apache-2.0
"""Filters by fastText classifiers."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.examples import QUALITY
from thresher.errors import ModelError, PlanError
from thresher.stages.text.filters import (
    FastTextLangId,
    FastTextQualityFilter,
    Filter,
    Score,
    ScoreFilter,
)
from thresher.tasks import DocumentBatch

CORPUS = Path(__file__).parents[4] / "examples" / "corpus"


def junk_and_prose() -> tuple[list[str], list[str]]:
    """Texts of the corpus: those planted as junk, and as many others."""
    planted = json.loads((CORPUS / "_planted.json").read_text(encoding="utf-8"))
    junk_at = {(p["file"], p["line"]) for p in planted if p["defect"] == "symbol junk"}
    planted_at = {(p["file"], p["line"]) for p in planted}
    junk, prose = [], []
    for path in sorted(CORPUS.glob("*/sections-*.jsonl")):
        name = path.relative_to(CORPUS).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if (name, number) in junk_at:
                junk.append(json.loads(line)["text"])
            elif (name, number) not in planted_at and number % 40 == 0:
                prose.append(json.loads(line)["text"])
    return junk, prose


def test_prose_scores_above_junk() -> None:
    junk, prose = junk_and_prose()
    rule = FastTextQualityFilter(QUALITY)

    assert len(junk) >= 20
    assert len(prose) >= 40
    assert max(map(rule.score_document, junk)) < 0.5 < min(map(rule.score_document, prose))


def test_what_is_kept_depends_on_nothing_but_the_document() -> None:
    junk, prose = junk_and_prose()
    texts = [*junk, *prose] * 2
    rule = FastTextQualityFilter(QUALITY)

    def kept(order: list[int], size: int) -> set[int]:
        stage = ScoreFilter(rule)
        found: set[int] = set()
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = DocumentBatch("d", {"text": [texts[i] for i in rows], "__row": rows})
            found |= set(stage.process(batch).data.column("__row").to_pylist())
        return found

    whole = kept(list(range(len(texts))), len(texts))
    assert kept(list(reversed(range(len(texts)))), 7) == whole
    assert {i % (len(texts) // 2) for i in whole} == {i for i in whole if i < len(texts) // 2}
    assert 0 < len(whole) < len(texts)


def test_a_stored_score_decides_alike() -> None:
    junk, prose = junk_and_prose()
    rule = FastTextQualityFilter(QUALITY)
    batch = DocumentBatch("d", {"text": [*junk, *prose]})

    at_once = ScoreFilter(rule, score_field="score").process(batch)
    stored = Score(rule, "score").process(batch)
    assert Filter(rule, "score").process(stored).data.equals(at_once.data)


@pytest.mark.parametrize("alpha", [1.0, 3.0, 9.0])
@pytest.mark.parametrize("score", [0.0, 0.4, 0.9])
def test_draws_follow_the_pareto_distribution(score: float, alpha: float) -> None:
    # Scores of one probability, told apart below the steps of fastText's floats.
    scores = score + np.random.default_rng(0).random(20_000) * 2**-24
    rule = FastTextQualityFilter(QUALITY, alpha=alpha)

    expected = (2.0 - score) ** -alpha  # P(sample > 1 - score)
    assert abs(rule.keep_scores(scores).mean() - expected) < 0.015
    other = FastTextQualityFilter(QUALITY, alpha=alpha, seed=1).keep_scores(scores)
    assert not np.array_equal(rule.keep_scores(scores), other) or expected > 0.99


def test_documents_of_one_probability_share_no_draw() -> None:
    rule = FastTextQualityFilter("bundled", label="__label__none")
    scores = [rule.score_document("x" * n) for n in range(1, 60)]

    assert len(set(scores)) == len(scores)
    assert all(0 <= score < 1 for score in scores)


def test_scores_that_are_none_are_not_kept() -> None:
    rule = FastTextQualityFilter(QUALITY)

    assert rule.keep_scores([None, float("nan"), 1.0]).tolist() == [False, False, True]
    assert not rule.keep_document(None)


def test_labels_within_a_text_are_no_labels() -> None:
    rule = FastTextQualityFilter(QUALITY)

    spoken = rule.score_document("some\nwords __label__hq")
    assert abs(spoken - rule.score_document("some words  hq")) < 2**-20


def test_languages() -> None:
    rule = FastTextLangId("bundled", min_langid_score=0.5)
    score = rule.score_document("Hier steht ein ganzer Satz\nin deutscher Sprache.")

    assert eval(score)[1] == "de"
    assert rule.keep_document(score)
    assert not rule.keep_document("[0.49, 'de']")
    assert FastTextLangId("bundled", lang="DE").keep_document(score)
    assert not FastTextLangId("bundled", lang="en").keep_document(score)
    assert FastTextLangId("bundled", lang="zh").keep_document('[0.9, "ZH_HANT"]')
    assert not FastTextLangId("bundled", lang="zh_Hans").keep_document("[0.9, 'zh_Hant']")


@pytest.mark.parametrize("score", [None, 0.9, [0.9, "en"]])
def test_a_score_of_a_language_is_text(score: object) -> None:
    with pytest.raises(TypeError, match="not text"):
        FastTextLangId("bundled").keep_document(score)


@pytest.mark.parametrize("score", ["", "en", "[0.9]", "0.9", "[None, 'en']", "__import__('os')"])
def test_text_that_is_no_score_is_refused(score: str) -> None:
    with pytest.raises(PlanError, match="no list"):
        FastTextLangId("bundled").keep_document(score)


@pytest.mark.parametrize("cls", [FastTextLangId, FastTextQualityFilter])
def test_a_model_must_be_named_and_there(cls, tmp_path) -> None:
    with pytest.raises(ValueError, match="model_path"):
        cls()
    missing = cls(str(tmp_path / "none.bin"))
    assert len(missing.plan_mistakes()) == 1
    with pytest.raises(FileNotFoundError):
        missing.model_check_or_download()
    (tmp_path / "bad.bin").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded"):
        cls(str(tmp_path / "bad.bin")).load_model()


def test_models_do_not_travel() -> None:
    rule = FastTextQualityFilter(QUALITY)
    rule.load_model()

    assert len(pickle.dumps(rule)) < 1000


def test_another_model_in_its_place_is_another_version(tmp_path) -> None:
    path = tmp_path / "m.ftz"
    path.write_bytes(b"a")
    before = FastTextLangId(str(path)).version
    path.write_bytes(b"b")

    assert FastTextLangId(str(path)).version != before


def test_alpha_is_positive() -> None:
    with pytest.raises(ValueError, match="alpha"):
        FastTextQualityFilter(QUALITY, alpha=0)
