# SPDX-License-Identifier: Apache-2.0
"""LanguageIdentifier: languages and their probabilities, as typed columns."""

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from tests.toys import records_of
from thresher.backends.local import LocalExecutor
from thresher.errors import ModelError, PlanError
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.language import LanguageIdentifier
from thresher.tasks import DocumentBatch

CORPUS = Path(__file__).parents[3] / "examples" / "corpus"


def sections(language: str) -> list[str]:
    lines = (CORPUS / language / "sections-01.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        try:
            found.append(json.loads(line)["text"])
        except ValueError:
            continue
    return [text for text in found if len(text) > 500][:15]


@pytest.mark.parametrize("language", ["ar", "de", "en", "es", "fr", "it", "ja", "pt", "ru", "zh"])
def test_languages_of_real_text(language: str) -> None:
    texts = sections(language)
    found = LanguageIdentifier().process(DocumentBatch("d", {"text": texts})).data

    answers = found.column("language").to_pylist()
    # Some sections were left in English by the translators.
    assert set(answers) <= {language, "en", "fr"}
    assert answers.count(language) >= 0.6 * len(texts)


def test_columns_have_types_also_where_there_is_no_text() -> None:
    stage = LanguageIdentifier(top_k=3)
    batch = DocumentBatch("d", {"text": ["Guten Tag, wie geht es Ihnen?", None, " \n", ""]})
    found = stage.process(batch).data

    assert found.column("language").to_pylist() == ["de", None, None, None]
    assert found.schema.field("language_score").type == pa.float32()
    scores = found.column("language_score").to_pylist()
    assert 0.5 < scores[0] <= 1
    assert scores[1:] == [None] * 3
    first, *others = found.column("languages").to_pylist()
    assert [len(first), *others] == [3, None, None, None]
    assert first[0]["language"] == "de"
    assert first[0]["score"] == scores[0] > first[1]["score"] > first[2]["score"]
    assert found.column_names == ["text", *stage.outputs()[1]]


def test_an_empty_batch_keeps_its_types() -> None:
    batch = DocumentBatch("d", pa.table({"text": pa.array([], pa.string())}))
    found = LanguageIdentifier().process(batch).data

    assert found.schema.field("language").type == pa.string()
    assert found.schema.field("language_score").type == pa.float32()


def test_only_the_beginning_is_looked_at_if_asked() -> None:
    text = "Guten Tag, wie geht es Ihnen? " + "This is English, and long. " * 50
    batch = DocumentBatch("d", {"text": [text]})

    for characters, language in ((None, "en"), (29, "de")):
        stage = LanguageIdentifier(max_characters=characters)
        assert stage.process(batch).data.column("language").to_pylist() == [language]


def test_in_a_pipeline(tmp_path) -> None:
    texts = ["Where is the railway station?", "Wo ist der Bahnhof, bitte?", ""]
    (tmp_path / "in").mkdir()
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (tmp_path / "in" / "a.jsonl").write_text(lines)
    pipeline = Pipeline(
        "p",
        stages=[
            JsonlReader(str(tmp_path / "in")),
            LanguageIdentifier(),
            JsonlWriter(str(tmp_path / "out")),
        ],
    )
    pipeline.run(LocalExecutor(workers=0))

    records = records_of(tmp_path / "out")
    assert [record["language"] for record in records] == ["en", "de", None]
    assert records[2]["language_score"] is None


def test_models_are_looked_for_before_a_run_and_do_not_travel(tmp_path) -> None:
    missing = LanguageIdentifier(model_path=str(tmp_path / "none.bin"))
    assert len(missing.plan_mistakes()) == 1
    with pytest.raises(ModelError, match="no such model"):
        missing.setup()
    stage = LanguageIdentifier()
    stage.setup()
    assert pickle.loads(pickle.dumps(stage)) == stage
    assert len(pickle.dumps(stage)) < 1000


@pytest.mark.parametrize(
    "arguments", [{"top_k": 0}, {"max_characters": 0}, {"language_field": "text"}]
)
def test_arguments_that_make_no_sense(arguments) -> None:
    with pytest.raises(PlanError):
        LanguageIdentifier(**arguments)
