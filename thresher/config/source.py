# SPDX-License-Identifier: Apache-2.0
"""YAML text as a tree that knows where each value was written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from thresher.config.mistakes import Mistakes
from thresher.config.syntax import tell_syntax

MAX_CHARACTERS, MAX_DEPTH, MAX_VALUES = 1_000_000, 100, 100_000
"""Bounds of a recipe: a few lines of a stranger's must not keep a machine busy."""

Scalar = str | int | float | bool | None


@dataclass
class Node:
    """A value and its place.

    Parameters
    ----------
    value : scalar | list[Node] | dict[str, Node]
    place : str
        File, line and column; or the command-line option it comes from.
    keys : dict[str, str]
        Places of a mapping's keys.
    text : str | None
        The text that a ``${...}`` was replaced with, where that alone made the value: a parameter
        that takes text gets this instead.
    broken : bool
        A mistake about it has been told.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: str
    keys: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    broken: bool = False

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value

    @property
    def size(self) -> int:
        """How many values it is made of; beyond ``MAX_VALUES`` they are not counted."""
        count, waiting = 0, [self]
        while waiting and count <= MAX_VALUES:
            value = waiting.pop().value
            count += 1
            if isinstance(value, dict | list):
                waiting += value.values() if isinstance(value, dict) else value
        return count

    @property
    def kind(self) -> str:
        """What to call the value in a message."""
        return kind_of(self.value)


class Loader(yaml.SafeLoader):
    """YAML 1.2's plain values: ``no`` and ``on`` are words, ``1e-3`` a number, dates are text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9](?:_?[0-9])*|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9](?:_?[0-9])*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    ("merge", r"<<", ["<"]),
):
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


def parse(text: str, file: str, mistakes: Mistakes) -> Node | None:
    """The document's tree; syntax errors, duplicate keys and odd tags go to ``mistakes``."""
    try:
        if too_much := _beyond_bounds(text):
            mistakes.add(too_much, file, "write it shorter; data belongs into files of its own")
            return None
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        tell_syntax(error, text, file, mistakes)
        return None
    except yaml.YAMLError as error:
        mistakes.add(f"this is not YAML text: {error}", file, "save the file as UTF-8 text")
        return None
    if root is None:
        return Node(None, file)
    try:
        return _Converter(file, mistakes).convert(root)
    except _TooManyValuesError:
        what = f"aliases (*) make more than {MAX_VALUES:,} values of the recipe"
        mistakes.add(what, file, "write out what is needed")
        return None


def _beyond_bounds(text: str) -> str:
    """Which bound a recipe's text breaks, told from its tokens; empty if none."""
    if len(text) > MAX_CHARACTERS:
        return f"the recipe is longer than {MAX_CHARACTERS:,} characters"
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else "?"
                return f"line {line} is nested deeper than {MAX_DEPTH} levels"
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return ""


class _TooManyValuesError(Exception):
    """Aliases name aliases, so that a few lines are millions of values."""


def parse_value(text: str, place: str) -> Node:
    """A value as it could stand in a recipe; text that is no YAML stands for itself."""
    mistakes = Mistakes()
    node = parse(text, place, mistakes)
    return _moved(node, place) if node is not None and not mistakes else Node(text, place)


def kind_of(value: object) -> str:
    """What to call a value in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"a {type(value).__name__}"


class _Converter:
    """PyYAML's nodes to ours."""

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self.file = file
        self.mistakes = mistakes
        self.open: list[int] = []
        self.values = 0

    def place(self, node: yaml.Node) -> str:
        mark = node.start_mark
        return f"{self.file}, line {mark.line + 1}, column {mark.column + 1}"

    def convert(self, node: yaml.Node) -> Node:
        place = self.place(node)
        self.values += 1
        if self.values > MAX_VALUES:
            raise _TooManyValuesError
        if id(node) in self.open:
            self.mistakes.add("an alias (*) stands inside what it names", place, "write it out")
            return Node(None, place, broken=True)
        self.open.append(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, place)
            if isinstance(node, yaml.SequenceNode):
                return Node([self.convert(item) for item in node.value], place)
            return self.scalar(node, place)
        finally:
            self.open.pop()

    def mapping(self, node: yaml.MappingNode, place: str) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, str] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            where = self.place(key_node)
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged |= self.merged(value_node)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self.mistakes.add(
                    "a key is not a word", where, "put text that holds { } or [ ] in quotes"
                )
                continue
            key = key_node.value
            if key in entries:
                self.mistakes.add(
                    f"{key!r} is given twice (first at {short(keys[key])})", where, "remove one"
                )
                continue
            keys[key] = where
            entries[key] = self.convert(value_node)
        for key, value in merged.items():
            entries.setdefault(key, value)
            keys.setdefault(key, place)
        return Node(entries, place, keys)

    def merged(self, node: yaml.Node) -> dict[str, Node]:
        """What ``<<: *name`` adds; of several, the first has a key's value."""
        found: dict[str, Node] = {}
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self.convert(each).value
            if isinstance(value, dict):
                found = {**value, **found}
            else:
                self.mistakes.add("<< takes a mapping", self.place(node), "write <<: *name")
        return found

    def scalar(self, node: yaml.Node, place: str) -> Node:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        text: str = node.value
        if tag == "str":
            return Node(text, place)
        if tag == "null":
            return Node(None, place)
        if tag == "bool":
            return Node(text.lower() == "true", place)
        try:
            if tag == "int":
                return Node(int(text, 0 if text[:2] in ("0x", "0o") else 10), place)
            if tag == "float":
                return Node(float(re.sub(r"\.(?=inf|nan)", "", text.lower())), place)
        except ValueError:
            pass
        self.mistakes.add(
            f"the tag {node.tag} has no meaning here", place, "remove it; quote what is text"
        )
        return Node(None, place, broken=True)


def short(place: str) -> str:
    """A place without its file."""
    return place.partition(", ")[2] or place


def _moved(node: Node, place: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        moved = {key: _moved(each, place) for key, each in value.items()}
        return Node(moved, place, dict.fromkeys(moved, place))
    if isinstance(value, list):
        return Node([_moved(each, place) for each in value], place)
    return replace(node, place=place)
