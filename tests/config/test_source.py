# SPDX-License-Identifier: Apache-2.0
"""YAML as a tree with places."""

import pytest

from thresher.config.mistakes import Mistakes
from thresher.config.source import Node, parse
from thresher.errors import PlanError


def read(text: str) -> Node:
    mistakes = Mistakes()
    node = parse(text, "r.yaml", mistakes)
    mistakes.raise_if_any()
    assert node is not None
    return node


def mistakes_of(text: str) -> list[PlanError]:
    with pytest.raises(PlanError) as caught:
        read(text)
    return list(caught.value.mistakes) or [caught.value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("1e-3", 1e-3),
        ("2024-01-31", "2024-01-31"),
        ("1:30", "1:30"),
        ("0123", 123),
        ("0x1F", 31),
        ("-.5", -0.5),
        ("100_000", 100_000),
        (".inf", float("inf")),
        ("~", None),
        ("'80'", "80"),
        ("[a, 1, null]", ["a", 1, None]),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = read(f"x: {text}").plain["x"]
    assert found == value
    assert type(found) is type(value)


def test_every_value_and_key_has_its_place() -> None:
    root = read("a: 1\nb:\n  - c\n  - d: [e]\n")
    assert isinstance(root.value, dict)
    assert root.keys["b"] == "r.yaml, line 2, column 1"
    second = root.value["b"].value[1]
    assert second.place == "r.yaml, line 4, column 5"
    assert second.value["d"].value[0].place == "r.yaml, line 4, column 9"


def test_duplicate_keys_are_all_told() -> None:
    told = mistakes_of("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    places = [each.where for each in told]
    assert places == ["r.yaml, line 2, column 1", "r.yaml, line 3, column 11"]


def test_anchors_and_merge_keys() -> None:
    plain = read("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nagain: *b\n").plain
    assert plain["more"] == {"x": 1, "y": 3}
    assert plain["again"] == {"x": 1, "y": 2}


def test_an_alias_inside_itself_is_told() -> None:
    [told] = mistakes_of("a: &a [*a]\n")
    assert "alias" in told.what


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("a:\n\t- b\n", "line 2, column 1", "spaces"),
        ("a: b: c\n", "line 1, column 5", "quotes"),
        ("a: [1, 2\n", "line 1, column 4", "close"),
        ("a: 'b\n", "line 1, column 4", "close"),
        ("a: {b: ${X}}\n", "line 1", '"${NAME}"'),
        ("a: *.jsonl\n", "line 1", "quotes"),
        ("a: %b\n", "line 1, column 4", "quotes"),
        ("a:\n  - b\n - c\n", "line 3, column 2", "same column"),
        ("a: !!python/object:os.system x\n", "line 1, column 4", "remove"),
        ("? [a]\n: 1\n", "line 1, column 3", "quotes"),
        ("a\x00b: 1\n", "r.yaml", "UTF-8"),
    ],
)
def test_syntax_errors_say_where_and_what_to_do(text: str, place: str, advice: str) -> None:
    told = mistakes_of(text)[0]
    assert place in told.where
    assert advice in told.todo
