# SPDX-License-Identifier: Apache-2.0
"""How stages that take one rule or a list of rules read their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from thresher.errors import PlanError

T = TypeVar("T")


class WrongTypeError(PlanError, TypeError):
    """A stage was given an argument of a type it cannot use."""


def one_or_many(value: T | Sequence[T], argument: str, stage: str) -> list[T]:
    """The value, or the values of a list, as a list that is not empty."""
    values: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise PlanError(f"{argument} is an empty list", where=stage, todo="name at least one")
    return values


def one_for_each(
    value: Any, count: int, argument: str, stage: str, *, listed: bool, broadcast: bool
) -> list[Any]:
    """``count`` values: a list of as many, or a single value.

    A single value serves all rules if ``broadcast``, and the only rule if that one was not given
    as a list (``listed``).
    """
    if isinstance(value, list | tuple):
        if len(value) == count and (listed or count == 1):
            return list(value)
        raise PlanError(
            f"{argument} has {len(value)} values for {count} rules",
            where=stage,
            todo=f"give one {argument} for each rule",
        )
    if broadcast or not listed:
        return [value] * count
    raise PlanError(
        f"{argument}={value!r} is one value for a list of {count} rules",
        where=stage,
        todo=f"give a list of {count}",
    )


def column_names(values: Sequence[Any], argument: str, stage: str, optional: bool) -> None:
    """Refuse what is no column name; ``None`` passes if ``optional``."""
    for value in values:
        if value is None and optional:
            continue
        if value is None:
            raise PlanError(f"{argument} is None", where=stage, todo="name a column")
        if not isinstance(value, str):
            raise WrongTypeError(
                f"{argument} holds a {type(value).__name__}", where=stage, todo="name a column"
            )


def chain_name(kind: str, rules: Sequence[Any], names: Sequence[str]) -> str:
    """The name of a stage: its only rule's, or a list's as ``<kind>_chain_of_a_b``."""
    if len(rules) > 1:
        return f"{kind}_chain_of_{'_'.join(names)}"
    return names[0] if hasattr(rules[0], "as_stage") else f"{kind}_fn"


def name_of(rule: Any) -> str:
    """What to call a rule: its ``name``, or the function's."""
    declared = getattr(rule, "name", None)
    if isinstance(declared, str):
        return declared
    return str(getattr(rule, "__name__", type(rule).__name__)).strip("<>")


def rules(given: Sequence[Any], argument: str, stage: str) -> None:
    """Refuse what is neither a function nor an object that makes a stage of itself."""
    for rule in given:
        if not callable(rule) and not hasattr(rule, "as_stage"):
            raise WrongTypeError(
                f"{argument} holds a {type(rule).__name__}",
                where=stage,
                todo="give functions or objects such as filters",
            )
