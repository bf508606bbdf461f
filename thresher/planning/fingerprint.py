# SPDX-License-Identifier: Apache-2.0
"""Fingerprints: what decides that work already done is still good, and nothing else.

A stage's fingerprint covers its class, the parameters it was made with and its ``version``; for
code that belongs to no installed distribution also the code itself: its code objects, closures and
the functions of its own module that it names.
"""

from __future__ import annotations

import functools
import inspect
import json
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

_PLACEMENT_ONLY = frozenset(("resources", "batch_size", "num_workers", "runtime_env"))


def segment_fingerprint(stages: Iterable[Stage], facts: Iterable[Any] = ()) -> str:
    """Fingerprint of a Segment: its stages in order, and what else shapes its output."""
    described = [[describe(stage), getattr(stage, "version", "1")] for stage in stages]
    text = json.dumps([described, [describe(fact) for fact in facts]], sort_keys=True)
    return xxhash.xxh3_128_hexdigest(text.encode())


def describe(value: Any) -> Any:
    """A JSON-ready description that is equal for equal values, on every machine."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    for kinds, how in _KINDS:
        if isinstance(value, kinds):
            return how(value)
    if inspect.ismethod(value):
        return ["method", value.__name__, describe(value.__self__)]
    return _other(value)


def _set(value: Any) -> Any:
    return {"set": sorted(json.dumps(describe(item), sort_keys=True) for item in value)}


def _partial(value: functools.partial[Any]) -> Any:
    return ["partial", describe(value.func), describe(value.args), describe(value.keywords)]


def _parametrised(value: Parametrised) -> Any:
    changes = {k: v for k, v in value.changes().items() if k not in _PLACEMENT_ONLY}
    where = value.placement_parameters
    parameters = {k: v for k, v in value.parameters().items() if k not in where}
    return {
        "class": _code_of_class(type(value)),
        "parameters": describe(parameters),
        "changes": describe(changes),
        "version": getattr(value, "version", "1"),
    }


def _other(value: Any) -> Any:
    name = _qualified(type(value))
    state = getattr(value, "__dict__", None)
    if state is not None:
        return {"class": name, "state": describe(state)}
    text = repr(value)
    return {"class": name, "repr": "" if " at 0x" in text else text}


def _code_of_class(cls: type) -> Any:
    name = _qualified(cls)
    if _is_installed(cls.__module__):
        return name
    methods = {
        key: _code_of_function(member, set())
        for key, member in sorted(vars(cls).items())
        if isinstance(member, FunctionType)
    }
    values = {
        key: describe(member)
        for key, member in sorted(vars(cls).items())
        if not key.startswith("__") and isinstance(member, bool | int | float | str | tuple | list)
    }
    bases = [_code_of_class(base) for base in cls.__bases__ if base is not object]
    return {"class": cls.__qualname__, "methods": methods, "values": values, "bases": bases}


def _code_of_function(function: FunctionType, seen: set[int]) -> Any:
    if _is_installed(function.__module__):
        return f"{function.__module__}.{function.__qualname__}"
    if id(function) in seen:
        return function.__qualname__
    seen.add(id(function))
    cells = [_cell(cell, seen) for cell in function.__closure__ or ()]
    return {
        "code": _code(function.__code__),
        "defaults": describe(function.__defaults__),
        "closure": cells,
        "names": _named_globals(function, seen),
    }


def _cell(cell: Any, seen: set[int]) -> Any:
    try:
        content = cell.cell_contents
    except ValueError:  # not filled yet
        return None
    if isinstance(content, FunctionType):
        return _code_of_function(content, seen)
    return describe(content) if not isinstance(content, type) else _qualified(content)


def _named_globals(function: FunctionType, seen: set[int]) -> dict[str, Any]:
    """The functions and plain values of its own module that a function names."""
    found: dict[str, Any] = {}
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType):
            found[name] = _code_of_function(value, seen)
        elif isinstance(value, bool | int | float | str | bytes | tuple | frozenset):
            found[name] = describe(value)
        elif isinstance(value, ModuleType):
            found[name] = value.__name__
    return found


def _names(code: CodeType) -> list[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_names(constant))
    return sorted(names)


def _code(code: CodeType) -> Any:
    """Bytecode and constants; line numbers and file names do not count."""
    constants = [
        _code(constant) if isinstance(constant, CodeType) else describe(constant)
        for constant in code.co_consts
    ]
    return [xxhash.xxh3_128_hexdigest(code.co_code), list(code.co_names), constants]


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


_KINDS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bytes, lambda value: {"bytes": xxhash.xxh3_128_hexdigest(value)}),
    (list | tuple, lambda value: [describe(item) for item in value]),
    (set | frozenset, _set),
    (dict, lambda value: {str(key): describe(item) for key, item in value.items()}),
    (Parametrised, _parametrised),
    (pa.Schema | pa.DataType, str),
    (functools.partial, _partial),
    (type, _code_of_class),
    (FunctionType, lambda value: _code_of_function(value, set())),
)
