# SPDX-License-Identifier: Apache-2.0
"""From Python to YAML and back: equal stages."""

from pathlib import Path

import pytest

from thresher.config import dump_recipe, load_recipe, parse_recipe
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.function_decorators import processing_stage
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.stages.text.modifiers import Modify, UnicodeReformatter


def back(pipeline: Pipeline) -> Pipeline:
    return parse_recipe(dump_recipe(pipeline), "dumped.yaml", (), {}).pipeline


STAGES = [
    JsonlReader(file_paths=["a", "b${c}"], fields=["text", "id"]).with_substages(
        {"file_partitioning": {"resources": Resources(cpus=2)}}
    ),
    ScoreFilter(WordCountFilter(min_words=3)),
    ScoreFilter(WordCountFilter()).with_(name="words", batch_size=3, num_workers=2),
    ScoreFilter([WordCountFilter(3), WordCountFilter(4)], score_field=["a", None]),
    Modify(UnicodeReformatter(), input_fields="title"),
    Checkpoint().with_(resources=Resources(cpus=2, memory_gb=1.5)),
    JsonlWriter("out", mode="overwrite", write_kwargs={"storage_options": {"b": [1, None, 2.5]}}),
]


def test_stages_come_back_equal() -> None:
    pipeline = Pipeline("p", "what it does", STAGES, on_error="raise", max_error_rate=0.25)
    found = back(pipeline)
    assert found.stages == STAGES
    assert (found.name, found.description) == ("p", "what it does")
    assert (found.on_error, found.max_error_rate) == ("raise", 0.25)


def test_filters_and_modifiers_are_written_short() -> None:
    text = dump_recipe(Pipeline("p", stages=[WordCountFilter(3), Modify(UnicodeReformatter())]))
    assert text == (
        "name: p\nstages:\n  - WordCountFilter:\n      min_words: 3\n  - UnicodeReformatter\n"
    )


@pytest.mark.parametrize("text", ["no", "1e-3", "null", "2024-01-01", "80", "a: b", "- x", "é", ""])
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    pipeline = Pipeline("p", stages=[JsonlReader(file_paths=[text])])
    assert back(pipeline).stages == pipeline.stages


def test_what_a_recipe_cannot_hold_is_told() -> None:
    class Local(ProcessingStage):
        """Local."""

    @processing_stage(name="f")
    def function(task):
        return task

    for stage in (Local(), function, JsonlReader(file_paths="in", fields={1, 2})):
        with pytest.raises(PlanError) as caught:
            dump_recipe(Pipeline("p", stages=[stage]))
        assert caught.value.what
        assert caught.value.where
        assert caught.value.todo


def test_stages_of_installed_modules_are_named_by_their_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere_stages.py").write_text(
        "from thresher import ProcessingStage\n\n\n"
        "class Elsewhere(ProcessingStage):\n"
        '    """Elsewhere."""\n\n'
        "    def __init__(self, a=1):\n        self.a = a\n\n"
        "    def process(self, task):\n        return task\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from elsewhere_stages import Elsewhere

    pipeline = Pipeline("p", stages=[Elsewhere(a=2)])
    path = tmp_path / "r.yaml"
    path.write_text(dump_recipe(pipeline))
    assert "imports:\n  - elsewhere_stages" in path.read_text()
    assert load_recipe(path, trust=True).pipeline.stages == pipeline.stages
