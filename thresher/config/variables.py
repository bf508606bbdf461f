# SPDX-License-Identifier: Apache-2.0
"""Variables: ``${NAME}`` and ``${NAME:-default}``, from a recipe's params and the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from thresher.config.mistakes import Mistakes
from thresher.config.source import MAX_CHARACTERS, MAX_VALUES, Node, parse_value

# "$${" is "${" itself.
_VARIABLE = re.compile(r"\$\$\{|\$\{([^{}]*)\}?")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)(?:(:-)(.*))?", re.DOTALL)


class Variables:
    """Replaces variables in a tree; the recipe's own come before the environment's."""

    def __init__(self, environment: Mapping[str, str], mistakes: Mistakes) -> None:
        self.environment = environment
        self.mistakes = mistakes
        self.params: dict[str, Node] = {}
        self.made = 0

    def define(self, params: Node) -> None:
        """Take over a ``params:`` mapping; an entry may use those above it."""
        if not isinstance(params.value, dict):
            self.mistakes.add(
                f"params is {params.kind}", params.place, "write names with values below params:"
            )
            return
        for name, node in params.value.items():
            self.params[name] = self.replaced(node)

    def replaced(self, node: Node) -> Node:
        """The tree with every variable replaced."""
        value = node.value
        if isinstance(value, dict):
            return Node({k: self.replaced(n) for k, n in value.items()}, node.place, node.keys)
        if isinstance(value, list):
            return Node([self.replaced(each) for each in value], node.place)
        if not isinstance(value, str) or "${" not in value:
            return node
        whole = _VARIABLE.fullmatch(value)
        if whole and whole.group(1) is not None and value.endswith("}"):
            return self._value(whole.group(1), node.place)
        text = _VARIABLE.sub(lambda m: self._text(m, node.place), value)
        if len(text) > MAX_CHARACTERS:
            what = f"variables make a text of more than {MAX_CHARACTERS:,} characters"
            self.mistakes.add(what, node.place, "write out what is needed")
            return Node(None, node.place, broken=True)
        return Node(text, node.place)

    def _value(self, inside: str, place: str) -> Node:
        """What stands for a value that is one variable and nothing else; it keeps its type."""
        match = _NAME.fullmatch(inside)
        if match is None:
            self._tell_bad_name(inside, place)
            return Node(None, place, broken=True)
        name, has_default, default = match.groups()
        if name in self.params:
            found = self.params[name]
            self.made += found.size
            if self.made > MAX_VALUES:
                what = f"variables make more than {MAX_VALUES:,} values of the recipe"
                self.mistakes.add(what, place, "write out what is needed")
                return Node(None, place, broken=True)
            text = found.text if found.text is not None else _as_text(found.value)
            return Node(found.value, place, found.keys, text, found.broken)
        text = self.environment.get(name, "")
        if not text and has_default:
            text = default
        elif name not in self.environment:
            self._tell_unset(name, place)
            return Node(None, place, text="", broken=True)
        made = parse_value(text, place)
        made.text = text
        return made

    def _text(self, match: re.Match[str], place: str) -> str:
        if match.group(0) == "$${":
            return "${"
        if not match.group(0).endswith("}"):
            self._tell_bad_name(match.group(1), place)
            return ""
        node = self._value(match.group(1), place)
        if node.text is None:
            self.mistakes.add(
                f"{match.group(0)} is {node.kind}, which cannot stand inside a text",
                place,
                "let it be the whole value",
            )
        return node.text or ""

    def _tell_bad_name(self, inside: str, place: str) -> None:
        self.mistakes.add(
            f"${{{inside}}} is not a variable",
            place,
            "write ${NAME} or ${NAME:-default}; $${ stands for ${ itself",
        )

    def _tell_unset(self, name: str, place: str) -> None:
        known = [*self.params, *self.environment]
        near = get_close_matches(name, known, n=1)
        guess = f"did you mean ${{{near[0]}}}? or " if near else ""
        self.mistakes.add(
            f"the variable {name} is not set",
            place,
            f"{guess}set it in the environment ({name}=... thresher run ...), give it a default "
            f"(${{{name}:-...}}), or define it below params:",
        )


def _as_text(value: object) -> str | None:
    """A scalar as it would be written; None for lists and mappings."""
    if isinstance(value, dict | list):
        return None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
