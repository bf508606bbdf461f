# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema says of recipes what reading them says."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from thresher.catalog import catalog
from thresher.config import schema
from thresher.config.signatures import accepts, expected, hint_text, signature_of

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_valid(validator: Any, path: Path) -> None:
    recipe = yaml.safe_load(path.read_text())
    assert [error.message for error in validator.iter_errors(recipe)] == []
    if "imports" in recipe:  # other stages than the schema can know
        return
    for number, stage in enumerate(recipe["stages"]):
        name = stage if isinstance(stage, str) else next(iter(stage))
        others = [*recipe["stages"]]
        others[number] = {name: {"no_such_parameter": 1}}
        assert not validator.is_valid({**recipe, "stages": others}), name


@pytest.mark.parametrize(
    "stage",
    [
        "Checkpoint",
        {"Checkpoint": None},
        {"WordCountFilter": {"min_words": 3}},
        {"WordCountFilter": {"min_words": "${MIN}"}, "with": {"resources": {"cpus": 2}}},
        {"ScoreFilter": {"filter_obj": {"WordCountFilter": {"min_words": 3}}}},
        {"ScoreFilter": {"filter_obj": ["WordCountFilter", {"UrlsFilter": {}}]}},
        {"_target_": "thresher.stages.checkpoint.Checkpoint"},
        {"JsonlReader": {"file_paths": {"one": "a", "other": ["b"]}}},
    ],
)
def test_good_stages(validator: Any, stage: object) -> None:
    assert [error.message for error in validator.iter_errors({"stages": [stage]})] == []
    assert not validator.is_valid({"stages": [[stage]]})


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"stages": []},
        {"stages": ["Checkpoint"], "nam": "x"},
        {"stages": ["Checkpont"]},
        {"stages": [{"WordCountFilter": {"min_word": 3}}]},
        {"stages": [{"NewlineNormalizer": {"min_words": 3}}]},
        {"stages": [{"Checkpoint": {"min_words": 3}}]},
        {"stages": [{"WordCountFilter": {"min_words": "3"}}]},
        {"stages": [{"WordCountFilter": 3}]},
        {"stages": ["LocalExecutor"]},
        {"stages": [{"JsonlReader": {}}]},
        {"stages": [{"Checkpoint": {}, "with": {"batch": 2}}]},
        {"stages": ["Checkpoint"], "max_error_rate": 2},
        {"stages": ["Checkpoint"], "executor": "JsonlReader"},
    ],
)
def test_bad_recipes(validator: Any, recipe: object) -> None:
    assert not validator.is_valid(recipe)


def test_everything_in_the_catalog_is_there_with_its_parameters() -> None:
    definitions = schema()["$defs"]
    for entry in catalog():
        public = {parameter.name for parameter in signature_of(entry.load()).public}
        assert set(definitions[entry.name]["properties"]) == public
    minimum = definitions["WordCountFilter"]["properties"]["min_words"]
    assert minimum["default"] == 50


@pytest.mark.parametrize(
    ("hint", "good", "bad", "words", "text"),
    [
        (int, [1], [True, "1", 1.5, None], "a whole number", "int"),
        (float, [1, 1.5], [True, "1"], "a number", "float"),
        (bool, [True], [1, "true"], "true or false", "bool"),
        (str | None, ["a", None], [1], "text or null", "str | None"),
        (list[str], [[], ["a"]], ["a", [1]], "a list of text", "list[str]"),
        (dict[str, int], [{}, {"a": 1}], [[], {"a": "b"}], "a mapping", "dict[str, int]"),
        (str | list[int], ["a", [1]], [1, ["a"]], "text or a list of whole numbers",
         "str | list[int]"),
        (Path, ["a"], [1], "a path", "Path"),
    ],
)  # fmt: skip
def test_types(hint: Any, good: list[Any], bad: list[Any], words: str, text: str) -> None:
    assert all(accepts(value, hint) for value in good)
    assert not any(accepts(value, hint) for value in bad)
    assert expected(hint) == words
    assert hint_text(hint) == text
