# SPDX-License-Identifier: Apache-2.0
"""``with:``: where a stage of a recipe runs, how many workers it has, what it is called."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

from thresher.config.mistakes import Mistakes
from thresher.config.objects import BROKEN
from thresher.config.signatures import signature_of
from thresher.config.source import Node
from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.resources import Resources

SUBSTAGES = "substages"
OPTIONS = tuple(p for p in inspect.signature(ProcessingStage.with_).parameters if p != "self")

_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "batch_size": (int,),
    "num_workers": (int, type(None)),
}


def apply_placement(stage: Any, node: Node, mistakes: Mistakes) -> Any:
    """The stage changed as a ``with:`` says, or ``BROKEN``."""
    if node.broken:
        return BROKEN
    before = len(mistakes.found)
    options = _options(node, mistakes, (*OPTIONS, SUBSTAGES))
    substages = options.pop(SUBSTAGES, None)
    if substages is not None:
        substages = _substages(stage, node.value, mistakes)
    if len(mistakes.found) > before:
        return BROKEN
    try:
        if substages:
            stage = stage.with_substages(substages)
        return stage.with_(**options) if options else stage
    except Exception as error:
        mistakes.take(error, node.place, "the stage cannot be changed so")
        return BROKEN


def _options(node: Node, mistakes: Mistakes, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        if node.value is not None:
            mistakes.add(f"with is {node.kind}", node.place, f"give it {', '.join(known)}")
        return {}
    options: dict[str, Any] = {}
    for key, value in node.value.items():
        place = node.keys.get(key, value.place)
        if key not in known:
            near = get_close_matches(key, known, n=1)
            listing = f"with takes {', '.join(known)}"
            todo = f"did you mean {near[0]}? {listing}" if near else listing
            mistakes.add(f"with has no option {key!r}", place, todo)
        elif key == "resources":
            options[key] = _resources(value, mistakes)
        elif key in _TYPES and not _fits(value.plain, _TYPES[key]):
            wanted = "text" if key == "name" else "a whole number"
            mistakes.add(f"with: {key} is {value.kind}", value.place, f"give {wanted}")
        else:
            options[key] = value.plain
    return options


def _fits(value: object, allowed: tuple[type, ...]) -> bool:
    return isinstance(value, allowed) and not isinstance(value, bool)


def _resources(node: Node, mistakes: Mistakes) -> Resources | None:
    known = list(signature_of(Resources).parameters)
    given = node.plain
    if not isinstance(given, dict):
        mistakes.add(f"resources is {node.kind}", node.place, "write resources: {cpus: 2}")
        return None
    unknown = [key for key in given if key not in known]
    for key in unknown:
        near = get_close_matches(key, known, n=1)
        listing = f"they are {', '.join(known)}"
        todo = f"did you mean {near[0]}? {listing}" if near else listing
        mistakes.add(f"resources has no {key!r}", node.keys.get(key, node.place), todo)
    if unknown:
        return None
    try:
        return Resources(**given)
    except Exception as error:
        mistakes.take(error, node.place, "these are not resources")
        return None


def _substages(stage: Any, value: Any, mistakes: Mistakes) -> dict[str, dict[str, Any]]:
    node = value[SUBSTAGES]
    if not isinstance(stage, CompositeStage) or not isinstance(node.value, dict):
        what = f"{type(stage).__name__} has no substages to change"
        mistakes.add(what, node.place, "remove substages")
        return {}
    return {name: _options(each, mistakes, OPTIONS) for name, each in node.value.items()}
