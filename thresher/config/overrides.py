# SPDX-License-Identifier: Apache-2.0
"""Overrides: ``STAGE.parameter=value`` from the command line, set in a recipe's tree."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from thresher.config.mistakes import Mistakes
from thresher.config.source import Node, parse_value

_Entries = dict[str, Node]


def apply_overrides(
    root: Node, sets: tuple[str, ...], names: Mapping[str, str], mistakes: Mistakes
) -> None:
    """Change the tree of a recipe in place.

    ``names`` maps a stage's own name to the name of its class, for stages whose name is not
    written in the recipe.
    """
    for each in sets:
        path, equals, text = each.partition("=")
        place = f"--set {each}"
        if not equals or not path.strip():
            mistakes.add("this sets nothing", place, "write --set STAGE.parameter=value")
            continue
        keys = path.strip().split(".")
        target = _target(root, keys, names, place, mistakes)
        if target is not None:
            node, last = target
            assert isinstance(node.value, dict)
            node.value[last] = parse_value(text, place)
            node.keys[last] = place


def _target(
    root: Node, keys: list[str], names: Mapping[str, str], place: str, mistakes: Mistakes
) -> tuple[Node, str] | None:
    """The mapping to change, and the key to change in it."""
    assert isinstance(root.value, dict)
    entries = root.value
    head, *rest = keys
    if not rest:
        if head in ("stages", "imports"):
            mistakes.add(f"{head} cannot be replaced as a whole", place, "edit the recipe")
            return None
        return root, head
    if head in ("params", "executor"):
        # A recipe that names no executor runs on the local one.
        absent: Node = Node({} if head == "params" else "LocalExecutor", place)
        here = entries.setdefault(head, absent)
        inside = _parameters(here) if head == "executor" else _as_mapping(here)
    else:
        stage = _stage(entries, head, names, place, mistakes)
        if stage is None:
            return None
        inside = _parameters(stage)
        if rest[0] == "with":
            inside = stage
    for key in rest[:-1]:
        assert isinstance(inside.value, dict)
        following = inside.value.setdefault(key, Node({}, place))
        inside = _as_mapping(following) if key in ("with", "resources") else _parameters(following)
    return inside, rest[-1]


def _parameters(node: Node) -> Node:
    """The mapping of parameters in ``Name`` or ``{Name: {...}}``; made if there is none yet."""
    value = node.value
    if isinstance(value, str):
        node.value = {value: Node({}, node.place)}
        node.keys = {value: node.place}
        value = node.value
    if isinstance(value, dict) and "_target_" not in value:
        named = [key for key in value if key != "with"]
        if len(named) == 1 and named[0][:1].isupper():
            return _as_mapping(value[named[0]])
    return _as_mapping(node)


def _as_mapping(node: Node) -> Node:
    if not isinstance(node.value, dict):
        node.value = {}
    return node


def _stage(
    entries: _Entries, head: str, names: Mapping[str, str], place: str, mistakes: Mistakes
) -> Node | None:
    """The stage of that number (from 1), class or name."""
    stages = entries["stages"].value if "stages" in entries else None
    listed = stages if isinstance(stages, list) else []
    if head.isdigit():
        if 1 <= int(head) <= len(listed):
            return listed[int(head) - 1]
        mistakes.add(f"there is no stage {head}", place, f"there are stages 1 to {len(listed)}")
        return None
    found = [node for node in listed if head in _names_of(node, names)]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = [i for i, node in enumerate(listed, 1) if node in found]
        mistakes.add(
            f"{len(found)} stages are called {head}",
            place,
            f"name one by its number: {' or '.join(map(str, numbers))}",
        )
        return None
    known = [name for node in listed for name in _names_of(node, names)]
    near = get_close_matches(head, known, n=1)
    classes = ", ".join(class_of(node) for node in listed) or "none"
    todo = f"the stages are {classes}"
    mistakes.add(
        f"there is no stage called {head!r}",
        place,
        f"did you mean {near[0]}? {todo}" if near else todo,
    )
    return None


def class_of(node: Node) -> str:
    """The name of a stage entry's class."""
    if isinstance(node.value, dict):
        target = node.value.get("_target_")
        if target is not None:
            return str(target.plain).rpartition(".")[2]
        return next((key for key in node.value if key != "with"), "")
    return str(node.value)


def _names_of(node: Node, names: Mapping[str, str]) -> list[str]:
    """Everything a stage entry can be called."""
    plain = node.plain
    found = [class_of(node)]
    if isinstance(plain, dict):
        bodies = [body for body in plain.values() if isinstance(body, dict)]
        found += [body["name"] for body in bodies if isinstance(body.get("name"), str)]
    found += [name for name, made in names.items() if made == found[0]]
    return found
