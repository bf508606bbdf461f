# SPDX-License-Identifier: Apache-2.0
"""A pipeline as YAML: the way back."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import yaml

from thresher.catalog import catalog, own_file
from thresher.config.source import Loader
from thresher.config.targets import TARGET
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.runs.report.figures import nearby
from thresher.secrets import MASK, masked
from thresher.stages.parameters import Parametrised
from thresher.stages.resources import Resources


class _Dumper(yaml.SafeDumper):
    """Indents lists below their keys, and quotes text that either YAML 1.1 or 1.2 would not read
    as text.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - that is how PyYAML has it
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *Loader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *Loader.yaml_implicit_resolvers}
    }

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump_recipe(pipeline: Pipeline) -> str:
    """The pipeline as a recipe; reading that gives equal stages.

    Raises
    ------
    PlanError
        If a stage cannot be named in a recipe: it was made by a function that no module holds, or
        has a parameter that YAML cannot hold.
    """
    writer = _Writer()
    stages = [writer.stage(stage) for stage in pipeline.stages]
    recipe: dict[str, Any] = {"name": pipeline.name}
    if pipeline.description:
        recipe["description"] = pipeline.description
    if writer.imports:
        recipe["imports"] = sorted(writer.imports)
    if pipeline.on_error != "quarantine":
        recipe["on_error"] = pipeline.on_error
    if pipeline.max_error_rate != 0.01:
        recipe["max_error_rate"] = pipeline.max_error_rate
    if pipeline.tokenizer is not None:
        recipe["tokenizer"] = pipeline.tokenizer
    recipe["stages"] = stages
    return str(yaml.dump(recipe, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def short_name(stage: Any) -> str:
    """The class name to look a stage up by; of a filter's stage, that of the filter."""
    inner = _stands_for(stage)
    return type(inner if inner is not None else stage).__name__


class _Writer:
    """Turns objects into plain values, and gathers the modules they need."""

    def __init__(self) -> None:
        self.imports: set[str] = set()

    def stage(self, stage: Any) -> Any:
        inner = _stands_for(stage)
        made = self.object(stage if inner is None else inner)
        changes = stage.changes()
        if not changes:
            return made
        named = {made: {}} if isinstance(made, str) else made
        return {**named, "with": self.placement(changes, type(stage).__name__)}

    def object(self, given: Parametrised) -> Any:
        cls = type(given)
        name = cls.__name__
        where = f"{cls.__module__}.{cls.__qualname__}"
        nowhere = cls.__module__ == "__main__" or "<locals>" in cls.__qualname__
        if nowhere or name == "FunctionStage":
            raise PlanError(
                "a recipe cannot name this stage: no module that can be imported holds its class",
                where=f"{name} {getattr(given, 'name', '')!r}",
                todo="move the class into a module",
            )
        values = {
            key: self.value(value, f"{name}, parameter {key!r}", key)
            for key, value in given.parameters().items()
        }
        if (file := own_file(cls.__module__)) is not None:
            self.imports.add(nearby(file))
            return {name: values} if values else name
        known = catalog()
        if name in known and known.entries[name].load() is cls:
            return {name: values} if values else name
        if not where.startswith("thresher."):
            self.imports.add(cls.__module__)
        return {TARGET: where, **values}

    def value(self, value: Any, where: str, name: str = "", *, is_inside: bool = False) -> Any:
        if isinstance(value, Parametrised):
            return self.object(value)
        if isinstance(value, str) and masked(value, name, is_inside=is_inside) == MASK:
            return f"${{{_variable(name)}}}"  # the recipe is no place for secrets
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return str(value).replace("${", "$${")
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, Mapping):
            return {
                str(key): self.value(each, where, str(key), is_inside=True)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, where) for each in value]
        if is_dataclass(value) and not isinstance(value, type):
            cls = type(value)
            inside = {f.name: self.value(getattr(value, f.name), where) for f in fields(value)}
            return {TARGET: f"{cls.__module__}.{cls.__qualname__}", **inside}
        raise PlanError(
            f"a recipe cannot hold a {type(value).__name__}",
            where=where,
            todo="give a number, text, list, mapping or an object made of these",
        )

    def placement(self, changes: Mapping[str, Any], where: str) -> dict[str, Any]:
        placed: dict[str, Any] = {}
        for key, value in changes.items():
            if isinstance(value, Resources):
                placed[key] = {k: v for k, v in asdict(value).items() if v != _DEFAULTS[k]}
            elif key == "substages":
                placed[key] = {name: self.placement(each, where) for name, each in value.items()}
            else:
                placed[key] = self.value(value, f"{where}, with_({key}=...)")
        return placed


def _variable(name: str) -> str:
    """The environment variable in which a dumped recipe looks for a secret."""
    return re.sub(r"\W", "_", name).upper()


_DEFAULTS = asdict(Resources())


def _stands_for(stage: Any) -> Parametrised | None:
    """The filter or modifier that alone makes this stage; None if there is more to it."""
    if not isinstance(stage, Parametrised):
        return None
    given = list(stage.parameters().values())
    if len(given) != 1 or not isinstance(given[0], Parametrised):
        return None
    inner = given[0]
    make = getattr(inner, "as_stage", None)
    made = make() if callable(make) else None
    return inner if type(made) is type(stage) and made is not stage else None
