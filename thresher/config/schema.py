# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of recipes, which editors complete and check by."""

from __future__ import annotations

import collections.abc
import os
import types
import typing
from typing import Any

from thresher.catalog import Entry, catalog
from thresher.config.placement import OPTIONS, SUBSTAGES
from thresher.config.reading import STAGE_KINDS
from thresher.config.signatures import Signature, signature_of
from thresher.config.targets import TARGET
from thresher.stages.resources import Resources

Schema = dict[str, Any]

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
_TARGET: Schema = {
    "type": "object",
    "properties": {TARGET: {"type": "string"}},
    "required": [TARGET],
}
_SCALARS: dict[Any, str] = {
    int: "integer",
    float: "number",
    str: "string",
    bytes: "string",
    bool: "boolean",
    type(None): "null",
}
_OBJECT_KINDS = ("filter", "modifier")


def schema() -> Schema:
    """The schema (draft 2020-12), with every stage, filter, modifier and executor there is."""
    known = catalog()
    definitions = {entry.name: _definition(entry) for entry in known}
    definitions["with"] = _with()
    definitions["stage"] = _one_of([e.name for e in known.of_kind(*STAGE_KINDS)], placed=True)
    definitions["executor"] = _one_of([e.name for e in known.of_kind("executor")])
    for kind in _OBJECT_KINDS:
        definitions[kind] = _one_of([e.name for e in known.of_kind(kind)])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Thresher recipe",
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Names the run's own folder."},
            "description": {"type": "string"},
            "imports": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Modules or .py files with stages of your own.",
            },
            "params": {"type": "object", "description": "Values for ${NAME}."},
            "stages": {"type": "array", "minItems": 1},
            "executor": {"$ref": "#/$defs/executor"},
            "on_error": {"enum": ["quarantine", "raise"], "default": "quarantine"},
            "max_error_rate": _or_variable(
                {"type": "number", "minimum": 0, "maximum": 1, "default": 0.01}
            ),
            "tokenizer": {"type": "string", "description": "tokenizer.json for counts."},
            "run_dir": {"type": "string", "description": "Where the run keeps its records."},
        },
        "required": ["stages"],
        "additionalProperties": False,
        # Names from a recipe's own files are not known here.
        "if": {"required": ["imports"]},
        "then": _stages({"anyOf": [{"$ref": "#/$defs/stage"}, {"type": ["object", "string"]}]}),
        "else": _stages({"$ref": "#/$defs/stage"}),
        "$defs": definitions,
    }


def _stages(item: Schema) -> Schema:
    return {"properties": {"stages": {"items": item}}}


def _definition(entry: Entry) -> Schema:
    """The parameters of one entry."""
    described: Schema = {"description": entry.summary} if entry.summary else {}
    try:
        made = entry.load()
    except Exception:
        return {**described, "type": ["object", "null"]}
    if not isinstance(made, type):
        return {**described, "type": ["object", "null"], "maxProperties": 0}
    signature = signature_of(made)
    required = _required(signature)
    return {
        **described,
        "type": "object" if required else ["object", "null"],
        "properties": _properties(signature),
        **({"required": required} if required else {}),
        "additionalProperties": signature.open,
    }


def _properties(signature: Signature) -> Schema:
    properties: Schema = {}
    for parameter in signature.public:
        made = _or_variable(schema_of(parameter.hint))
        if not parameter.required and _is_plain(parameter.default):
            made = {**made, "default": parameter.default}
        properties[parameter.name] = made
    return properties


def _required(signature: Signature) -> list[str]:
    return [p.name for p in signature.parameters.values() if p.required]


def _one_of(names: list[str], placed: bool = False) -> Schema:
    """A name, or a mapping of one name to its parameters."""
    properties: Schema = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    if placed:
        properties["with"] = {"$ref": "#/$defs/with"}
    return {
        "anyOf": [
            {"enum": names},
            {
                "type": "object",
                "properties": properties,
                "minProperties": 1,
                "maxProperties": 2 if placed else 1,
                "additionalProperties": False,
            },
            _TARGET,
        ]
    }


def _with() -> Schema:
    known: Schema = {
        "name": {"type": "string"},
        "batch_size": _or_variable({"type": "integer", "minimum": 1}),
        "num_workers": _or_variable({"type": ["integer", "null"]}),
        "resources": {
            "type": "object",
            "properties": _properties(signature_of(Resources)),
            "additionalProperties": False,
        },
    }
    options = {name: known.get(name, {"type": "object"}) for name in (*OPTIONS, SUBSTAGES)}
    return {"type": "object", "properties": options, "additionalProperties": False}


def schema_of(hint: Any) -> Schema:
    """An annotation as a schema; one that says nothing checkable accepts everything."""
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin: Any = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is typing.Union or origin is types.UnionType:
        return _any_of([schema_of(each) for each in arguments])
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    kind = origin or hint
    if not isinstance(kind, type) or kind in (object, Any):
        return {}
    if issubclass(kind, os.PathLike):
        return {"type": "string"}
    if issubclass(kind, collections.abc.Mapping):
        values = schema_of(arguments[1]) if len(arguments) == 2 else {}
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    if issubclass(kind, collections.abc.Iterable):
        items = schema_of(arguments[0]) if arguments else {}
        return {"type": "array", **({"items": items} if items else {})}
    return _object(kind)


def _object(kind: type) -> Schema:
    """A class: anything of its kind, by name."""
    names = {base.__name__ for base in kind.__mro__}
    for family, room in (("Judge", "filter"), ("DocumentModifier", "modifier")):
        if family in names:
            return {"$ref": f"#/$defs/{room}"}
    return {"$ref": "#/$defs/stage"} if "ProcessingStage" in names else {}


def _any_of(options: list[Schema]) -> Schema:
    if {} in options:
        return {}
    plain = [option["type"] for option in options if list(option) == ["type"]]
    if len(plain) == len(options):
        return {"type": plain}
    return {"anyOf": options}


def _or_variable(made: Schema) -> Schema:
    """The schema, or text with a variable in it."""
    if not made or made.get("type") == "string":
        return made
    if "default" in made:
        inside = {key: value for key, value in made.items() if key != "default"}
        return {"anyOf": [inside, _VARIABLE], "default": made["default"]}
    return {"anyOf": [made, _VARIABLE]}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)
