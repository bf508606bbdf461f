# SPDX-License-Identifier: Apache-2.0
"""Fingerprints: what decides that work already done is still good, and nothing else.

A stage's fingerprint covers its class, the parameters it was made with and its ``version``; for
code that belongs to no installed distribution also the code itself: its code objects, closures and
the functions, classes and values of its module that it names. Where a stage runs, line numbers and
comments do not count.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import pickle
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pyarrow as pa
import xxhash

from thresher.planning.plan import Stage
from thresher.stages.parameters import Parametrised

_PLACEMENT_ONLY = frozenset(
    ("resources", "batch_size", "num_workers", "runtime_env", "ray_stage_spec", "xenna_stage_spec")
)
_PLAIN = (bool, int, float, str, bytes, tuple, list, set, frozenset, dict, re.Pattern)


def segment_fingerprint(stages: Iterable[Stage], facts: Iterable[Any] = ()) -> str:
    """Fingerprint of a Segment: its stages in order, and what else shapes its output."""
    described = [[describe(stage), getattr(stage, "version", "1")] for stage in stages]
    text = json.dumps([described, [describe(fact) for fact in facts]], sort_keys=True)
    return xxhash.xxh3_128_hexdigest(text.encode())


def describe(value: Any) -> Any:
    """A JSON-ready description that is equal for equal values, on every machine."""
    return _Description().of(value)


class _Description:
    """Walks a value; code it has met before, and what it is in the middle of, is only named."""

    def __init__(self) -> None:
        self._met: set[int] = set()

    def of(self, value: Any) -> Any:
        """The description of ``value``."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if id(value) in self._met:
            return {"again": getattr(value, "__qualname__", type(value).__qualname__)}
        self._met.add(id(value))
        described = self._of(value)
        if not isinstance(value, type | FunctionType):
            self._met.discard(id(value))
        return described

    def _of(self, value: Any) -> Any:
        for kinds, how in _KINDS:
            if isinstance(value, kinds):
                return how(self, value)
        wrapped = inspect.unwrap(value) if callable(value) else value
        if wrapped is not value:  # functools.cache and its like
            return self.of(wrapped)
        if inspect.ismethod(value):
            return ["method", value.__name__, self.of(value.__self__)]
        return self._object(value)

    def _list(self, value: Any) -> Any:
        return [self.of(item) for item in value]

    def _set(self, value: Any) -> Any:
        return {"set": sorted(json.dumps(self.of(item), sort_keys=True) for item in value)}

    def _dict(self, value: Any) -> Any:
        return {str(key): self.of(item) for key, item in value.items()}

    def _parametrised(self, value: Parametrised) -> Any:
        changes = {k: v for k, v in value.changes().items() if k not in _PLACEMENT_ONLY}
        where = value.placement_parameters
        parameters = {k: v for k, v in value.parameters().items() if k not in where}
        return {
            "class": self.of(type(value)),
            "parameters": self.of(parameters),
            "changes": self.of(changes),
            "version": getattr(value, "version", "1"),
        }

    def _object(self, value: Any) -> Any:
        described = {"class": _qualified(type(value))}
        state = getattr(value, "__dict__", None)
        if state:
            return {**described, "state": self.of(state)}
        try:
            pickled = pickle.dumps(value, protocol=5)
        except Exception:  # anything may refuse to be pickled: its class has to do
            return described
        return {**described, "bytes": xxhash.xxh3_128_hexdigest(pickled)}

    def _class(self, cls: type) -> Any:
        if _is_installed(cls.__module__):
            return _qualified(cls)
        members = {name: _plain_member(member) for name, member in vars(cls).items()}
        own = {
            name: self.of(member)
            for name, member in sorted(members.items())
            if name not in _PLACEMENT_ONLY
            and (
                isinstance(member, FunctionType)
                or (isinstance(member, _PLAIN) and not name.startswith("__"))
            )
        }
        bases = [self.of(base) for base in cls.__bases__ if base is not object]
        return {"class": cls.__qualname__, "members": own, "bases": bases}

    def _function(self, function: FunctionType) -> Any:
        if _is_installed(function.__module__):
            return f"{function.__module__}.{function.__qualname__}"
        return {
            "code": self._code(function.__code__, function.__doc__),
            "defaults": self.of([function.__defaults__, function.__kwdefaults__]),
            "closure": [self._cell(cell) for cell in function.__closure__ or ()],
            "names": self._named(function),
        }

    def _cell(self, cell: Any) -> Any:
        try:
            return self.of(cell.cell_contents)
        except ValueError:  # not filled yet
            return None

    def _named(self, function: FunctionType) -> dict[str, Any]:
        """The functions, classes and values of modules that are not installed that it names."""
        names = _names(function.__code__)
        found: dict[str, Any] = {}
        for name in names:
            value = function.__globals__.get(name)
            if isinstance(value, ModuleType):
                found[name] = self._of_module(value, names)
            elif _counts(value):
                found[name] = self.of(value)
        return found

    def _of_module(self, module: ModuleType, names: list[str]) -> Any:
        if _is_installed(module.__name__):
            return module.__name__
        values = {name: getattr(module, name, None) for name in names}
        return {name: self.of(value) for name, value in values.items() if _counts(value)}

    def _code(self, code: CodeType, doc: str | None = None) -> Any:
        """Bytecode and constants; line numbers, file names and the docstring do not count."""
        constants = code.co_consts
        if doc is not None and constants[:1] == (doc,):
            constants = constants[1:]
        described = [
            self._code(constant) if isinstance(constant, CodeType) else self.of(constant)
            for constant in constants
        ]
        return [xxhash.xxh3_128_hexdigest(code.co_code), list(code.co_names), described]


def _plain_member(member: Any) -> Any:
    """The function inside a static or class method, a property or a cached one."""
    for attribute in ("__func__", "fget", "func"):
        inner = getattr(member, attribute, None)
        if isinstance(inner, FunctionType):
            return inner
    return inspect.unwrap(member) if callable(member) and not isinstance(member, type) else member


def _counts(value: Any) -> bool:
    """Whether a global that code names is part of that code."""
    return isinstance(value, (type, FunctionType, functools.partial, Parametrised, *_PLAIN)) or (
        callable(value) and hasattr(value, "__wrapped__")
    )


def _names(code: CodeType) -> list[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_names(constant))
    return sorted(names)


@functools.cache
def _is_installed(module: str) -> bool:
    """Whether a module belongs to an installed distribution or the standard library.

    Their code is not hashed: their ``version`` attributes speak for them.
    """
    root = module.partition(".")[0]
    if root == "thresher" or (root in sys.stdlib_module_names and root != "__main__"):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return False
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return any(Path(file).is_relative_to(folder) for folder in folders)


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


_KINDS: tuple[tuple[Any, Callable[[_Description, Any], Any]], ...] = (
    (bytes, lambda _, value: {"bytes": xxhash.xxh3_128_hexdigest(value)}),
    (list | tuple, _Description._list),
    (set | frozenset, _Description._set),
    (dict, _Description._dict),
    (Parametrised, _Description._parametrised),
    (pa.Schema | pa.DataType, lambda _, value: str(value)),
    (logging.Logger, lambda _, value: ["logger", value.name]),
    (re.Pattern, lambda _, value: ["pattern", value.pattern, value.flags]),
    (
        functools.partial,
        lambda d, value: ["partial", d.of([value.func, value.args, value.keywords])],
    ),
    (type, _Description._class),
    (FunctionType, _Description._function),
)
