# SPDX-License-Identifier: Apache-2.0
"""What the parameters of a class are: names, types and defaults, from its constructor."""

from __future__ import annotations

import collections.abc
import inspect
import os
import types
import typing
from dataclasses import dataclass
from typing import Any

REQUIRED: Any = inspect.Parameter.empty

Hint = Any
"""A type annotation."""

_SCALARS: dict[type, tuple[tuple[type, ...], str, str]] = {
    int: ((int,), "a whole number", "whole numbers"),
    float: ((int, float), "a number", "numbers"),
    str: ((str,), "text", "text"),
    bool: ((bool,), "true or false", "true or false"),
    bytes: ((str,), "text", "text"),
    type(None): ((type(None),), "null", "null"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a constructor."""

    name: str
    hint: Hint
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    @property
    def type_text(self) -> str:
        """Its type as one would write it."""
        return hint_text(self.hint)


@dataclass(frozen=True)
class Signature:
    """Parameters by name; ``open`` if the class takes others as well."""

    parameters: dict[str, Parameter]
    open: bool = False

    @property
    def public(self) -> list[Parameter]:
        """The parameters that are meant for users."""
        return [p for p in self.parameters.values() if not p.name.startswith("_")]


def signature_of(made: Any) -> Signature:
    """The parameters of a class."""
    try:
        found = inspect.signature(made)
    except (TypeError, ValueError):
        return Signature({}, open=True)
    try:
        hints = typing.get_type_hints(vars(made).get("__init__") or getattr(made, "__init__", made))
    except Exception:
        hints = {}
    parameters: dict[str, Parameter] = {}
    is_open = False
    for name, parameter in found.parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            is_open = is_open or parameter.kind == parameter.VAR_KEYWORD
            continue
        hint = hints.get(name, parameter.annotation)
        unknown = hint is REQUIRED or isinstance(hint, str)
        parameters[name] = Parameter(name, Any if unknown else hint, parameter.default)
    return Signature(parameters, is_open)


def accepts(value: Any, hint: Hint) -> bool:
    """Whether a value read from a recipe (or an object made of one) fits an annotation.

    Annotations that say nothing checkable accept everything.
    """
    hint = _bare(hint)
    if hint in _SCALARS:
        allowed = _SCALARS[hint][0]
        return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))
    origin, arguments = _parts(hint)
    if _is_union(origin):
        return any(accepts(value, each) for each in arguments)
    if origin is typing.Literal:
        return value in arguments
    if _is_callable(hint, origin):
        return callable(value)
    kind = origin or hint
    if not isinstance(kind, type) or kind in (object, Any):
        return True
    if issubclass(kind, os.PathLike):
        return isinstance(value, str | os.PathLike)
    if issubclass(kind, collections.abc.Mapping):
        return isinstance(value, dict) and _all_fit(value.values(), arguments[1:])
    if _is_collection(kind):
        return isinstance(value, list | tuple) and _all_fit(value, arguments[:1])
    return isinstance(value, kind)


def expected(hint: Hint, many: bool = False) -> str:
    """What an annotation asks for, in words."""
    hint = _bare(hint)
    if hint in _SCALARS:
        _, one, several = _SCALARS[hint]
        return several if many else one
    origin, arguments = _parts(hint)
    if _is_union(origin):
        options = [a for a in arguments if not _is_callable(a, _parts(a)[0])]
        return " or ".join(dict.fromkeys(expected(each, many) for each in options))
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, arguments))}"
    kind = origin or hint
    if not isinstance(kind, type) or kind in (object, Any):
        return "anything"
    if issubclass(kind, os.PathLike):
        return "a path"
    if issubclass(kind, collections.abc.Mapping):
        return "a mapping"
    if _is_collection(kind):
        return f"a list of {expected(arguments[0], many=True)}" if arguments else "a list"
    return f"{kind.__name__}s" if many else with_article(kind.__name__)


def with_article(noun: str) -> str:
    """``a stage``, ``an executor``."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def hint_text(hint: Hint) -> str:
    """An annotation as one would write it, without the modules of its names."""
    hint = _bare(hint)
    origin, arguments = _parts(hint)
    if hint is type(None):
        return "None"
    if _is_union(origin):
        return " | ".join(map(hint_text, arguments))
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if _is_callable(hint, origin):
        return "function"
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable):
        return f"list[{hint_text(arguments[0])}]" if arguments else "list"
    if origin in (dict, collections.abc.Mapping):
        return f"dict[{', '.join(map(hint_text, arguments))}]" if arguments else "dict"
    if isinstance(hint, type):
        return hint.__name__
    return str(hint).replace("typing.", "")


def _bare(hint: Hint) -> Hint:
    """The hint without ``Annotated`` and alias; a type variable is its bound."""
    if isinstance(hint, typing.TypeVar):
        return hint.__bound__ or Any
    origin, arguments = _parts(hint)
    if origin is typing.Annotated:
        return _bare(arguments[0])
    return type(None) if hint is None else hint


def _parts(hint: Hint) -> tuple[Any, tuple[Any, ...]]:
    """``list[int]`` as ``list`` and ``(int,)``."""
    return typing.get_origin(hint), typing.get_args(hint)


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or origin is types.UnionType


def _is_callable(hint: Hint, origin: Any) -> bool:
    return hint is collections.abc.Callable or origin is collections.abc.Callable


def _is_collection(kind: type) -> bool:
    return issubclass(kind, collections.abc.Iterable) and not issubclass(kind, str)


def _all_fit(values: typing.Iterable[Any], hints: tuple[Any, ...]) -> bool:
    return not hints or hints[0] is Ellipsis or all(accepts(value, hints[0]) for value in values)
