# SPDX-License-Identifier: Apache-2.0
"""``--set STAGE.parameter=value``."""

import pytest

from thresher.backends.local import LocalExecutor
from thresher.config import Recipe, parse_recipe
from thresher.errors import PlanError
from thresher.stages.resources import Resources

TEXT = """
params: {least: 3}
stages:
  - JsonlReader: {file_paths: in}
  - WordCountFilter: {min_words: "${least}"}
  - UrlsFilter
  - ScoreFilter: {filter_obj: {WordCountFilter: {min_words: 9}}, name: late}
  - ScoreFilter: {filter_obj: UrlsFilter}
  - Checkpoint
"""


def read(*sets: str) -> Recipe:
    return parse_recipe(TEXT, "r.yaml", sets, {})


def words(recipe: Recipe, index: int) -> object:
    return recipe.pipeline.stages[index].filters[0].parameters()


@pytest.mark.parametrize(
    ("given", "index", "parameters"),
    [
        ("WordCountFilter.max_words=50", 1, {"min_words": 3, "max_words": 50}),
        ("WordCountFilter.min_words=50", 1, {"min_words": 50}),
        ("word_count.min_words=50", 1, {"min_words": 50}),
        ("2.min_words=50", 1, {"min_words": 50}),
        ("params.least=50", 1, {"min_words": 50}),
        ("UrlsFilter.max_url_to_text_ratio=0.5", 2, {"max_url_to_text_ratio": 0.5}),
        ("late.filter_obj.max_words=50", 3, {"min_words": 9, "max_words": 50}),
        ("late.filter_obj={WordCountFilter: {min_words: 50}}", 3, {"min_words": 50}),
        ("5.filter_obj.max_url_to_text_ratio=0.5", 4, {"max_url_to_text_ratio": 0.5}),
    ],
)
def test_parameters(given: str, index: int, parameters: dict[str, object]) -> None:
    assert words(read(given), index) == parameters


def test_values_are_yaml_and_may_hold_anything() -> None:
    recipe = read("JsonlReader.file_paths=[a, 'b=c']", "JsonlReader.fields=[text]", "name=a b")
    reader = recipe.pipeline.stages[0]
    assert reader.parameters() == {"file_paths": ["a", "b=c"], "fields": ["text"]}
    assert recipe.pipeline.name == "a b"


def test_the_executor_and_the_top() -> None:
    recipe = read("executor.workers=1", "run_dir=there", "max_error_rate=0.5", "name=other")
    assert isinstance(recipe.executor, LocalExecutor)
    assert recipe.executor.workers == 1
    assert (recipe.run_dir, recipe.pipeline.max_error_rate) == ("there", 0.5)
    assert recipe.pipeline.name == "other"


def test_placement() -> None:
    recipe = read("Checkpoint.with.resources.cpus=2", "UrlsFilter.with.name=links")
    assert recipe.pipeline.stages[5].resources == Resources(cpus=2)
    assert recipe.pipeline.stages[2].name == "links"


@pytest.mark.parametrize(
    ("given", "what", "todo"),
    [
        ("WordCountFilter.min_words", "sets nothing", "STAGE.parameter=value"),
        ("WordCountFilter.min_word=3", "no parameter 'min_word'", "min_words"),
        ("WordCountFilter.min_words=many", "not a whole number", "whole number"),
        ("WordCounFilter.min_words=3", "'WordCounFilter'", "did you mean WordCountFilter"),
        ("ScoreFilter.invert=true", "2 stages", "4 or 5"),
        ("9.min_words=3", "no stage 9", "1 to 6"),
        ("stages=[]", "as a whole", "edit"),
        ("nam=x", "no key 'nam'", "did you mean name"),
    ],
)
def test_mistakes_name_the_option(given: str, what: str, todo: str) -> None:
    with pytest.raises(PlanError) as caught:
        read(given)
    assert what in caught.value.what
    assert todo in caught.value.todo
    assert caught.value.where == f"--set {given}"
