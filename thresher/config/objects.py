# SPDX-License-Identifier: Apache-2.0
"""Objects made of a recipe's nodes: stages, filters, modifiers, executors and their insides."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from thresher.catalog import KINDS, PART, Catalog
from thresher.config.mistakes import Mistakes
from thresher.config.signatures import (
    Parameter,
    Signature,
    accepts,
    expected,
    signature_of,
    with_article,
)
from thresher.config.source import Node, kind_of
from thresher.config.targets import TARGET, find_target
from thresher.errors import PlanError

BROKEN: Any = object()
"""What stands for an object that could not be made; the mistake has been told."""


class Builder:
    """Makes objects by name and tells what is wrong with their parameters."""

    def __init__(self, catalog: Catalog, mistakes: Mistakes) -> None:
        self.catalog = catalog
        self.mistakes = mistakes

    def make(self, node: Node, kinds: Sequence[str]) -> Any:
        """The object that ``Name``, ``{Name: {parameters}}`` or ``{_target_: path}`` stands for."""
        if node.broken:
            return BROKEN
        if isinstance(node.value, dict) and TARGET in node.value:
            named = self._target_and_body(node)
        else:
            named = self._name_and_body(node, kinds)
        if named is None:
            return BROKEN
        name, place, body = named
        try:
            entry = self.catalog.find(name, kinds)
            if entry.kind not in kinds:  # before anything of it is made
                raise PlanError(
                    f"{name} is {with_article(entry.kind)}, and this is the place of "
                    f"{with_article(' or '.join(kinds))}",
                    todo=f"`thresher show {name}` shows where it belongs",
                )
            made = entry.load()
        except Exception as error:
            self.mistakes.take(error, place, f"{name} cannot be imported")
            return BROKEN
        if isinstance(made, type):
            return self._construct(made, name, body, place)
        if body.value:
            self.mistakes.add(f"{name} takes no parameters", body.place, f"write just {name}")
        return made

    def _name_and_body(self, node: Node, kinds: Sequence[str]) -> tuple[str, str, Node] | None:
        """Name, place and parameters."""
        value = node.value
        if isinstance(value, str):
            return value, node.place, Node(None, node.place)
        if isinstance(value, dict) and len(value) == 1:
            [(name, body)] = value.items()
            return name, node.keys[name], body
        if isinstance(value, dict) and value:
            self._tell_many_keys(node, value)
        else:
            self.mistakes.add(
                f"{node.kind} stands in the place of a {kinds[0]}",
                node.place,
                "write Name, or Name: {parameter: value}",
            )
        return None

    def _tell_many_keys(self, node: Node, value: dict[str, Node]) -> None:
        """The most frequent slip: parameters in the column of the name they belong to."""
        first, *others = value
        body = value[first].value
        if body is None and not any(other in self.catalog for other in others):
            self.mistakes.add(
                f"{', '.join(others)} stands beside {first}, not below it",
                node.keys[others[0]],
                f"indent the parameters of {first} by two more spaces",
            )
        else:
            self.mistakes.add(
                f"{first} and {others[0]} are one entry",
                node.keys[others[0]],
                f"begin a new entry with '- {others[0]}:'",
            )

    def _target_and_body(self, node: Node) -> tuple[str, str, Node] | None:
        """The same of an entry with ``_target_``."""
        assert isinstance(node.value, dict)
        target = node.value[TARGET]
        try:
            entry = find_target(target.plain, self.catalog)
        except Exception as error:
            self.mistakes.take(error, target.place, f"{target.plain} cannot be imported")
            return None
        rest = {key: value for key, value in node.value.items() if key != TARGET}
        return entry.name, node.place, Node(rest, node.place, node.keys)

    def _construct(self, made: Any, name: str, body: Node, place: str) -> Any:
        """Call a class with the parameters of a node."""
        signature = signature_of(made)
        if not isinstance(body.value, dict | None):
            if not body.broken:
                self._tell_no_mapping(name, signature, body)
            return BROKEN
        before = len(self.mistakes.found)
        arguments = {
            key: self._argument(name, key, signature, body, value)
            for key, value in (body.value or {}).items()
        }
        for parameter in signature.parameters.values():
            if parameter.required and parameter.name not in arguments:
                self.mistakes.add(
                    f"{name} needs the parameter {parameter.name}",
                    place,
                    f"add {parameter.name}: ... ({expected(parameter.hint)})",
                )
        if len(self.mistakes.found) > before or any(a is BROKEN for a in arguments.values()):
            return BROKEN
        try:
            return made(**arguments)
        except Exception as error:
            self.mistakes.take(error, place, f"{name} does not accept these parameters")
            return BROKEN

    def _tell_no_mapping(self, name: str, signature: Signature, body: Node) -> None:
        first = next(iter(signature.parameters), None)
        example = f"{{{first}: {body.plain}}}" if first is not None else "{}"
        shown = example if not isinstance(body.value, list) else f"{{{first}: [...]}}"
        self.mistakes.add(
            f"{name} has {body.kind} where its parameters belong",
            body.place,
            f"write {name}: {shown}",
        )

    def _argument(self, owner: str, key: str, signature: Signature, body: Node, node: Node) -> Any:
        place = body.keys.get(key, node.place)
        parameter = signature.parameters.get(key)
        if parameter is None and not signature.open:
            self._tell_unknown(owner, key, signature, place)
            return BROKEN
        value = self.value(node, parameter.hint if parameter else Any)
        if parameter is None or value is BROKEN or accepts(value, parameter.hint):
            return value
        if node.text is not None and accepts(node.text, parameter.hint):
            return node.text
        self.mistakes.add(
            f"{owner}: {key} is {kind_of(value)}, not {expected(parameter.hint)}",
            node.place,
            _type_advice(parameter, value),
        )
        return BROKEN

    def value(self, node: Node, hint: Any = Any) -> Any:
        """A parameter's value; ``{Name: {...}}`` inside it becomes an object."""
        if node.broken:
            return BROKEN
        value = node.value
        if isinstance(value, list):
            # One or many are mostly taken alike, so the hint serves the insides of a list, too.
            items = [self.value(each, hint) for each in value]
            return BROKEN if any(item is BROKEN for item in items) else items
        if isinstance(value, dict):
            if TARGET in value or self._names_object(value):
                return self.make(node, (*KINDS, PART))
            made = {key: self.value(each) for key, each in value.items()}
            return BROKEN if any(each is BROKEN for each in made.values()) else made
        if isinstance(value, str) and value in self.catalog and not accepts(value, hint):
            return self.make(node, (*KINDS, PART))
        return value

    def _names_object(self, value: dict[str, Node]) -> bool:
        """Whether a mapping is an object: one key, which is a class or is written like one."""
        if len(value) != 1:
            return False
        [(name, body)] = value.items()
        if name in self.catalog:
            return True
        looks_like_class = name[:1].isupper() and name.isalnum() and not name.isupper()
        near = get_close_matches(name, [entry.name for entry in self.catalog], n=1, cutoff=0.8)
        return looks_like_class and bool(near) and isinstance(body.value, dict | None)

    def _tell_unknown(self, owner: str, key: str, signature: Signature, place: str) -> None:
        known = [parameter.name for parameter in signature.public]
        if key == "with":
            todo = f"write with: beside {owner}, in the same column"
        elif not known:
            todo = "remove it"
        else:
            near = get_close_matches(key, known, n=1)
            listing = f"its parameters are {', '.join(known)}"
            todo = f"did you mean {near[0]}? {listing}" if near else listing
        self.mistakes.add(f"{owner} has no parameter {key!r}", place, todo)


def _type_advice(parameter: Parameter, value: Any) -> str:
    """How to write the value so that it fits."""
    if isinstance(value, str):
        for read in (int, float):
            try:
                number = read(value)
            except ValueError:
                continue
            if accepts(number, parameter.hint):
                return f"remove the quotes: {parameter.name}: {value}"
        switch = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower())
        if switch is not None and accepts(True, parameter.hint):
            return f"write {parameter.name}: {switch}"
    if isinstance(value, int | float) and accepts(str(value), parameter.hint):
        return f'put it in quotes: {parameter.name}: "{value}"'
    if not isinstance(value, list) and accepts([value], parameter.hint):
        return f"write a list: {parameter.name}: [{value}]"
    if not parameter.required and value is None:
        return "give a value, or remove the line"
    return f"give {expected(parameter.hint)}"
