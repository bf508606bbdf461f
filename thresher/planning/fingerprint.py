# SPDX-License-Identifier: Apache-2.0
"""Fingerprints: what decides that work already done is still good, and nothing else.

A stage's fingerprint covers its class, the parameters it was made with and its ``version``; for
code that belongs to no installed distribution also the code itself: its code objects, closures and
the functions, classes and values of its module that it names. Where a stage runs, line numbers and
comments do not count. Values are described by their content where it can be read, else by class.
"""

from __future__ import annotations

import array
import collections
import contextlib
import copyreg
import datetime
import decimal
import enum
import fractions
import functools
import json
import logging
import math
import operator
import pathlib
import pickle
import re
import sys
import types
import typing
import uuid
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from thresher.planning.plan import Stage
from thresher.stages.parameters import Parametrised

_PLACEMENT_ONLY = frozenset(
    ("resources", "batch_size", "num_workers", "runtime_env", "ray_stage_spec", "xenna_stage_spec")
)
# A description that is larger or deeper is replaced by its digest: shared parts would be described
# exponentially often, and JSON cannot be nested deeply. A value with inner values, or one that is
# open already, weighs 100 and any other 1.
_MAX_WEIGHT = 100_000
_MAX_HEIGHT = 100
_MAX_DEPTH = 100_000
_MAX_VISITS_PER_ITEM = 1_000
_MAX_NESTED_SETS = 5
_MAX_TEXT = 1_000_000
_MAX_BITS = 2_000  # fewer digits than the least limit Python can be given for printing integers

_text = functools.partial(json.dumps, sort_keys=True)
_digest = xxhash.xxh3_128_hexdigest
_Steps = Generator[Any, Any, Any]
_NEEDS_VISIT = object()


def segment_fingerprint(stages: Iterable[Stage], facts: Iterable[Any] = ()) -> str:
    """Fingerprint of a Segment: its stages in order, and what else shapes its output."""
    described = [[describe(stage), describe(_attribute(stage, "version", "1"))] for stage in stages]
    return _digest(_text([described, [describe(fact) for fact in facts]]).encode())


def describe(value: Any) -> Any:
    """A JSON-ready description that is equal for equal values, on every machine."""
    return _Description().of(value)


@dataclass(slots=True)
class _Visit:
    """A value that is being described, and the steps that are left of it."""

    value: Any
    steps: _Steps
    weight_before: int
    height: int = 0


class _Description:
    """Walks a value; code it has met before, and what it is in the middle of, is only named.

    Methods are generators that yield inner values and are sent their descriptions: values may be
    nested more deeply than Python's stack.
    """

    def __init__(self) -> None:
        self._open: dict[int, Any] = {}
        self._known: dict[int, tuple[Any, Any]] = {}
        self._weight = 0
        self._sets_around = 0
        self._visits_left = 0
        self._code_in_set: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """The description of ``value``."""
        stack = [_Visit(value, self._as(value), 0)]
        answer = None
        while True:
            try:
                inner = stack[-1].steps.send(answer)
            except StopIteration as end:
                visit = stack.pop()
                if not stack:
                    return end.value
                answer = self._leave(visit, end.value)
                stack[-1].height = max(stack[-1].height, visit.height + 1)
                continue
            answer = self._without_visit(inner, len(stack))
            if answer is _NEEDS_VISIT:
                self._open[id(inner)] = inner
                stack.append(_Visit(inner, self._steps(inner), self._weight))
                answer = None

    def _without_visit(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if leaf := _LEAVES.get(id(kind)):
            return leaf(value)
        is_code = issubclass(kind, _CODE)
        if self._sets_around and is_code:
            self._code_in_set[id(value)] = value
            if self._sets_around > 1 or issubclass(kind, type):
                return _name(value)
        if id(value) in self._open:
            self._weight += 0 if is_code else 100
            return {"again": _text_leaf(_qualname(value if is_code else kind))}
        if id(value) in self._known and not (is_code and self._sets_around):
            return self._known[id(value)][1]
        if self._sets_around == 1:
            self._visits_left -= 1
        too_far = self._sets_around and self._visits_left < 0
        too_far = too_far or depth > _MAX_DEPTH or self._sets_around > _MAX_NESTED_SETS
        return self._name_only(value) if too_far else _NEEDS_VISIT

    def _leave(self, visit: _Visit, described: Any) -> Any:
        value = visit.value
        del self._open[id(value)]
        is_code = issubclass(type(value), _CODE)
        self._weight += 100 if visit.height else 1
        heavy = self._weight - visit.weight_before > _MAX_WEIGHT and not is_code
        if is_code:  # described once only
            self._weight = visit.weight_before + 1
        if heavy or visit.height > _MAX_HEIGHT:
            described = {"digest": _digest(_text(described).encode())}
            visit.height = 0
        if (is_code or heavy) and not self._sets_around:
            again = {"again": _text_leaf(_qualname(value))} if is_code else described
            self._known[id(value)] = value, again
        return described

    def _steps(self, value: Any) -> _Steps:
        """Describe a value by its kind, then as any object, then by its class."""
        for how in (_how(type(value)), _Description._object):
            with contextlib.suppress(Exception):  # of properties, pickling hooks, foreign types
                described = how(self, value)
                is_generator = isinstance(described, types.GeneratorType)
                return (yield from described) if is_generator else described
        return self._name_only(value)

    def _each(self, items: Iterable[Any]) -> _Steps:
        found = []
        for item in items:
            leaf = _LEAVES.get(id(type(item)))
            found.append(leaf(item) if leaf else (yield item))
        self._weight += len(found)
        return found

    def _set(self, value: Any) -> _Steps:
        texts, code = yield from self._apart(tuple(value))
        return {"set": sorted(texts), **code}

    def _apart(self, items: Sequence[Any]) -> _Steps:
        """Texts for items in any order: code is named in them, and described after all items."""
        outermost = not self._sets_around
        self._sets_around += 1
        self._weight += len(items)
        texts, code = [], []
        try:
            for item in items:
                self._visits_left = _MAX_VISITS_PER_ITEM if outermost else self._visits_left
                leaf = _LEAVES.get(id(type(item)))
                texts.append(_text(leaf(item) if leaf else (yield item)))
            if outermost:
                for own in filter(_is_own, tuple(self._code_in_set.values())):
                    self._visits_left = _MAX_VISITS_PER_ITEM
                    text = _text((yield from self._steps(own)))
                    code.append((text, own))
                self._code_in_set = {}
        finally:
            self._sets_around -= 1
        ordered = [c for _, c in sorted(code, key=operator.itemgetter(0))]
        return texts, {"code": (yield from self._each(ordered))} if ordered else {}

    def _dict(self, value: dict[Any, Any]) -> _Steps:
        """Entries in the order of their keys; all keys as texts if JSON does not have them all."""
        like_ours = len(value) == 1 and not _MARKS.isdisjoint(value)
        if all(type(k) is str and _text_leaf(k) is k for k in value) and not like_ours:
            inner = yield from self._each(map(value.__getitem__, sorted(value)))
            return dict(zip(sorted(value), inner, strict=True))
        keys, code = yield from self._apart(tuple(value))
        entries = sorted(zip(keys, value.values(), strict=True), key=operator.itemgetter(0))
        inner = yield from self._each(item for _, item in entries)
        return {"dict": list(zip(sorted(keys), inner, strict=True)), **code}

    def _as(self, plain: Any) -> _Steps:
        """Describe something simpler that has the same content."""
        return (yield plain)

    def _pickled(self, value: Any) -> Any:
        """Content by its pickled form: of types for which equal values have equal ones."""
        return {"class": _name(type(value)), "bytes": _digest(pickle.dumps(value, protocol=5))}

    def _array(self, value: Any) -> Any:
        if value.dtype.hasobject or value.dtype.char in "gG":  # bytes are addresses or padding
            return self._as(["array", str(value.dtype), value.shape, value.ravel().tolist()])
        alike = value.flags.c_contiguous and value.flags.writeable
        return self._pickled(value if alike else np.array(value, order="C"))

    def _arrow(self, value: Any) -> Any:
        """Rows by their IPC form; how they are cut into chunks and slices does not count."""
        table = pa.table({"": value} if isinstance(value, pa.Array | pa.ChunkedArray) else value)
        rows = table.take(pa.array(np.arange(len(table)))).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return {"class": _name(type(value)), "bytes": _digest(sink.getvalue())}

    def _tensor(self, value: Any) -> _Steps:
        flat = value.detach().cpu().reshape(-1).contiguous().view(sys.modules["torch"].uint8)
        return self._as(["tensor", str(value.dtype), list(value.shape), flat.numpy().tobytes()])

    def _parametrised(self, value: Parametrised) -> _Steps:
        changes = {k: v for k, v in value.changes().items() if k not in _PLACEMENT_ONLY}
        where = value.placement_parameters
        parameters = {k: v for k, v in value.parameters().items() if k not in where}
        version = _attribute(value, "version", "1")
        inner = yield from self._each([type(value), parameters, changes, version])
        return dict(zip(("class", "parameters", "changes", "version"), inner, strict=True))

    def _method(self, method: Any) -> Any:
        """A bound method; with its function where the object's class does not tell it."""
        owner, name = method.__self__, method.__name__
        if owner is None or isinstance(owner, ModuleType):
            return self._pickled(method)
        cls = owner if isinstance(owner, type) else type(owner)
        if not _is_own(cls) and _attribute(sys.modules.get(_module(cls)), name) is method:
            return f"{_module(cls)}.{name}"  # as random.choice: the object belongs to the process
        function, member = _attribute(method, "__func__"), _static(cls, name)
        told = function is None or function in (member, _attribute(member, "__func__"))
        return self._as(["method", name, owner, *([] if told else [function])])

    def _object(self, value: Any) -> _Steps:
        """What an object is pickled as, or its attributes."""
        kind = type(value)
        if issubclass(kind, _CODE):
            return _name(value)
        described = {"class": (yield kind)}
        if any(_module(base).partition(".")[0] in _OF_PROCESS for base in kind.__mro__):
            return described
        state = _state(value)
        flat = all(id(type(inner)) in _LEAVES for inner in state.values())
        if callable(value) and "__wrapped__" in state and not _is_own(kind):
            return (yield state["__wrapped__"])  # functools.cache and its like
        if reduced := _reduced(value):
            described["reduced"] = yield from self._each(reduced)
        elif state and (flat or self._sets_around < 2):
            described["state"] = yield from self._dict(state)
        return described

    def _name_only(self, value: Any) -> Any:
        return _name(value) if issubclass(type(value), _CODE) else {"class": _name(type(value))}

    def _class(self, cls: type) -> _Steps:
        if _is_installed(_module(cls)):
            return _name(cls)
        own = yield from self._dict(_members(cls))
        bases = yield from self._each(base for base in cls.__bases__ if base is not object)
        described = {"class": _qualname(cls), "members": own, "bases": bases}
        if not _is_installed(_module(type(cls))):
            described["metaclass"] = yield type(cls)
        return described

    def _function(self, function: FunctionType) -> _Steps:
        if not _is_own(function) and "<locals>" not in function.__qualname__:
            return _name(function)
        module = function.__globals__.get("__name__")
        if module == "functools" and "registry" in vars(function):  # of singledispatch
            return (yield ["dispatch", vars(function)["registry"]])
        if _is_installed(module):  # a library's function around the user's
            names, code = [], [module, function.__code__.co_qualname]
        else:
            names = _names(function.__code__)
            code = yield from self._code(function.__code__, function.__doc__)
        cells = (_attribute(cell, "cell_contents") for cell in function.__closure__ or ())
        described = {
            "code": code,
            "defaults": (yield from self._each([function.__defaults__, function.__kwdefaults__])),
            "closure": (yield from self._each(cells)),
        }
        if not self._sets_around:
            described["names"] = yield from self._named(function.__globals__.get, names)
        return described

    def _named(self, look_up: Callable[[str], Any], names: list[str], above: str = "") -> _Steps:
        """The functions, classes and values of modules that are not installed that are named."""
        found: dict[str, Any] = {}
        for name in names:
            value = look_up(name)
            if issubclass(type(value), ModuleType):
                inner = str(_attribute(value, "__name__"))
                if not above or (inner.startswith(above) and not _is_installed(inner)):
                    found[name] = yield from self._of_module(value, names)
            elif _counts(value):
                found[name] = yield value
        return found

    def _of_module(self, module: ModuleType, names: list[str] | None = None) -> _Steps:
        name = str(_attribute(module, "__name__"))
        if _is_installed(name):
            return name
        names = names or sorted(key for key in vars(module) if not key.startswith("__"))
        look_up = functools.partial(_attribute, module)
        return (yield from self._named(look_up, names, f"{name}."))

    def _code(self, code: CodeType, doc: Any = None) -> _Steps:
        """Bytecode and constants; line numbers, file names and the docstring do not count."""
        constants = code.co_consts
        if type(doc) is str and constants[:1] == (doc,):
            constants = constants[1:]
        described = []
        for constant in constants:
            inner = isinstance(constant, CodeType)
            described.append((yield from self._code(constant)) if inner else (yield constant))
        return [_digest(code.co_code + code.co_exceptiontable), list(code.co_names), described]


def _attribute(value: Any, name: str, default: Any = None) -> Any:
    try:
        return getattr(value, name, default)
    except Exception:  # properties and __getattr__ may raise anything, empty cells ValueError
        return default


def _static(cls: type, name: str) -> Any:
    """What a class or its bases define under a name, without running descriptors."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _qualname(code: Any) -> str:
    is_class = issubclass(type(code), type)
    return str(type.__dict__["__qualname__"].__get__(code) if is_class else code.__qualname__)


def _module(code: Any) -> str:
    """The module that a class or a function says it is of; empty if it does not say it."""
    is_class = issubclass(type(code), type)
    module = type.__dict__["__module__"].__get__(code) if is_class else code.__module__
    return module if type(module) is str else ""


def _name(code: Any) -> str:
    return f"{_module(code)}.{_qualname(code)}"


def _state(value: Any) -> dict[str, Any]:
    """An instance's attributes, also those in slots, without what a cached_property keeps."""
    found = object.__getstate__(value)
    state: dict[str, Any] = {}
    for part in found if type(found) is tuple else (found,):
        state |= part if type(part) is dict else {}
    dropped = [k for k in state if type(_static(type(value), k)) is functools.cached_property]
    for name in ("__doc__", *dropped):
        state.pop(name, None)
    return state


def _reduced(value: Any) -> list[Any] | None:
    """What an object is pickled as by a library or by Python; hooks of users are not run."""
    kind: Any = type(value)
    reducer = next((r for known, r in copyreg.dispatch_table.items() if known is kind), None)
    hooks = [_static(kind, name) for name in ("__reduce_ex__", "__reduce__", "__getstate__")]
    others = [hook for hook in hooks if hook not in _OBJECT_HOOKS]
    if not reducer and all(isinstance(h, FunctionType) and _is_own(h) for h in others):
        return None
    with contextlib.suppress(Exception):  # of what refuses to be pickled the attributes are left
        told: Any = reducer(value) if reducer else kind.__reduce_ex__(value, 4)
        made, *rest = [told] if isinstance(told, str) else told
        return [made, *rest[:2], *(part and list(part) for part in rest[2:4])]
    return None


def _of_subclass(value: Any) -> Any:
    """What an instance of a built-in type's subclass, or a member of an Enum, consists of."""
    kind, state = type(value), _state(value)
    if issubclass(kind, enum.Enum):
        plain = issubclass(kind, int | str) and not _is_own(kind)
        return state["_value_"] if plain else ["member", kind, state["_name_"], state["_value_"]]
    content = next(copy(value) for base, copy in _BUILT_IN.items() if issubclass(kind, base))
    if issubclass(kind, collections.OrderedDict):
        content = ["ordered", list(collections.OrderedDict.items(value))]
    if issubclass(kind, collections.defaultdict):
        state["default_factory"] = value.default_factory
    return ["instance", kind, content, state] if state or _is_own(kind) else content


def _names(code: CodeType) -> list[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return sorted(set(code.co_names).union(*inner))


def _members(cls: type) -> dict[str, Any]:
    """What a class itself defines and its results may depend on."""
    members = {k: _plain_member(v) for k, v in vars(cls).items() if type(k) is str}
    functions = {k: v for k, v in members.items() if type(v) is FunctionType}
    if issubclass(cls, enum.Enum):
        values = {k: _state(member).get("_value_") for k, member in cls._member_map_.items()}
        return {k: v for k, v in functions.items() if _is_own(v)} | values
    values = {k: v for k, v in members.items() if not k.startswith("__") and _counts(v)}
    return {k: v for k, v in (functions | values).items() if k not in _PLACEMENT_ONLY}


def _plain_member(member: Any) -> Any:
    """The function inside a static or class method, a property or a cached one."""
    kind = type(member)
    if issubclass(kind, functools.partialmethod):
        return functools.partial(member.func, *member.args, **member.keywords)
    if issubclass(kind, functools.singledispatchmethod):
        return member.dispatcher
    if issubclass(kind, (functools.partial, *_CODE)) or _is_own(kind):
        return member
    found = [_attribute(member, name) for name in ("__func__", "fget", "func")]
    return next((inner for inner in found if type(inner) is FunctionType), member)


def _counts(value: Any) -> bool:
    """Whether a global that code names is part of it; a library's object may be the process's."""
    kind = type(value)
    if value is None or issubclass(kind, _CONTENT):
        return value is not None
    if issubclass(kind, _METHODS):
        owner = value.__self__
        return not issubclass(type(owner), ModuleType) and _counts(owner)
    if _is_own(kind):
        return not issubclass(kind, (ModuleType, logging.Logger))
    module = _module(kind)
    with contextlib.suppress(Exception):  # what cannot be read has nothing to add
        is_table = module.partition(".")[0] in ("pandas", "polars") or module == "torch"
        return is_table or (callable(value) and "__wrapped__" in _state(value))
    return False


def _is_own(code: Any) -> bool:
    return not _is_installed(_module(code))


def _is_installed(module: Any) -> bool:
    """Whether a module belongs to an installed distribution: its version speaks for its code."""
    if type(module) is not str:
        return False
    root = module.partition(".")[0]
    if root == "thresher" or (root in sys.stdlib_module_names and root != "__main__"):
        return True
    file = _attribute(sys.modules.get(module), "__file__")
    return type(file) is str and _is_installed_file(file, module.count("."))


@functools.cache
def _is_installed_file(file: str, depth: int) -> bool:
    """Whether a distribution lists a module's file; an editable one lists no code of its own."""
    path = pathlib.PurePath(file)
    if any(part in _SITE_FOLDERS or part.endswith(".egg") for part in path.parts[:-1]):
        return True
    for folder in list(path.parents)[: depth + (2 if path.stem == "__init__" else 1)]:
        inner = path.relative_to(folder)
        root = inner.parts[0].partition(".")[0]
        names = {inner.as_posix(), inner.with_suffix(".py").as_posix(), f"{root}/"}
        if names & _installed_files(str(folder)):
            return True
    return False


@functools.cache
def _installed_files(folder: str) -> frozenset[str]:
    """What distributions installed in a folder or archive; ``name/`` stands for all below it."""
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    files: set[str] = set()
    context = DistributionFinder.Context(path=[folder])
    for distribution in MetadataPathFinder.find_distributions(context):
        with contextlib.suppress(OSError, ValueError):  # a list that cannot be read lists nothing
            read = distribution.read_text
            if listed := read("RECORD") or read("installed-files.txt"):
                lines = (line.partition(",")[0] for line in listed.splitlines())
                files.update(line.removeprefix("../") for line in lines)
            elif read("METADATA"):
                roots = read("top_level.txt") or distribution.metadata["Name"]
                files.update(f"{root.replace('-', '_')}/" for root in roots.split())
    return frozenset(files)


def _text_leaf(value: str) -> Any:
    """A string as it is, unless it is very long or UTF-8 does not have its characters."""
    if len(value) <= _MAX_TEXT and (value.isascii() or not _SURROGATE.search(value)):
        return value
    return {"text": _digest(value.encode("utf-8", "surrogatepass"))}


_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = frozenset(("again", "bytes", "class", "dict", "digest", "float", "int", "set", "text"))
_SITE_FOLDERS = ("site-packages", "dist-packages")
_OBJECT_HOOKS = (None, object.__reduce_ex__, object.__reduce__, object.__getstate__)
# Instances of these modules' classes hold what belongs to a process.
_OF_PROCESS = frozenset(("_socket", "_thread", "_weakrefset", "asyncio", "concurrent")).union(
    ("multiprocessing", "selectors", "socket", "ssl", "subprocess", "threading", "weakref")
)
# By identity: a metaclass may make a class unhashable.
_LEAVES: dict[int, Callable[[Any], Any]] = {
    id(type(None)): lambda value: value,
    id(bool): lambda value: value,
    id(int): lambda value: value if value.bit_length() < _MAX_BITS else {"int": hex(value)},
    id(float): lambda value: value if math.isfinite(value) else {"float": repr(value)},
    id(str): _text_leaf,
    id(bytes): lambda value: {"bytes": _digest(value)},
}
_BUILT_IN: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    tuple: lambda value: list(tuple.__iter__(value)),
    dict: dict.copy,
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: set(frozenset.__iter__(value)),
    str: str.__str__,
    bytes: bytes.__bytes__,
    int: int.__int__,
    float: float.__float__,
}
_CODE = (type, FunctionType)
_MEMBERS = (staticmethod, classmethod, property, functools.cached_property)
_METHODS = (MethodType, BuiltinFunctionType)
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_UNIONS = (types.UnionType, type(typing.Union.__getitem__((int, str))), type(typing.Literal[1]))
_ARROW = (pa.Array, pa.ChunkedArray, pa.RecordBatch, pa.Table)
_ARROW_TYPES = (pa.Schema, pa.DataType)
_TIMES = (datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone)
_NUMBERS = (complex, decimal.Decimal, fractions.Fraction, range, slice, uuid.UUID, bytearray)
_PATHS = (pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.WindowsPath)
_PICKLED = (*_TIMES, *_NUMBERS, *_PATHS, object, type(...), type(NotImplemented))
_CONTENT = (
    *(bool, *_BUILT_IN, re.Pattern, *_CODE, functools.partial, Parametrised, enum.Enum),
    *(np.ndarray, np.generic, np.dtype, *_ARROW, *_ARROW_TYPES, pa.Field, pa.Scalar),
    *(*_TIMES, *_NUMBERS, pathlib.PurePath, datetime.tzinfo, array.array, memoryview),
    *(collections.deque, collections.ChainMap, types.MappingProxyType, types.SimpleNamespace),
    *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
)
_Kinds = tuple[tuple[type, ...], Callable[[_Description, Any], Any]]
_KINDS: tuple[_Kinds, ...] = (
    ((Parametrised,), _Description._parametrised),
    ((FunctionType,), _Description._function),
    ((type,), _Description._class),
    ((enum.Enum, *_BUILT_IN), lambda d, v: d._as(_of_subclass(v))),
    ((re.Pattern,), lambda d, v: d._as(["pattern", v.pattern, v.flags])),
    ((functools.partial,), lambda d, v: d._as(["partial", [v.func, v.args, v.keywords]])),
    ((logging.Logger,), lambda _, v: ["logger", v.name]),
    ((ModuleType,), _Description._of_module),
    (_METHODS, _Description._method),
    ((CodeType,), _Description._code),
    ((types.MethodDescriptorType, types.WrapperDescriptorType), _Description._pickled),
    ((np.longdouble, np.clongdouble), lambda _, v: [_name(type(v)), str(v)]),
    ((np.generic, np.dtype), _Description._pickled),
    (_ARROW_TYPES, lambda _, v: str(v)),
    (_ARROW, _Description._arrow),
    (_UNIONS, lambda d, v: d._as(["union", set(v.__args__)])),
    ((memoryview,), lambda d, v: d._as(["memory", v.format, v.shape, v.tobytes()])),
    ((types.MappingProxyType,), lambda d, v: d._as(["proxy", dict(v)])),
    (_VIEWS, lambda d, v: d._as(["view", _name(type(v)), dict(v.mapping)])),
    (_MEMBERS, lambda d, v: d._as(["descriptor", _name(type(v)), _plain_member(v)])),
)
_BY_ID: dict[int, Callable[[_Description, Any], Any]] = {
    **dict.fromkeys(map(id, _PICKLED), _Description._pickled),
    **dict.fromkeys(map(id, (list, tuple)), lambda description, value: description._each(value)),
    **dict.fromkeys(map(id, (set, frozenset)), _Description._set),
    id(dict): _Description._dict,
    id(np.ndarray): _Description._array,
    id(type(iter(set()))): _Description._name_only,
}


def _how(kind: type) -> Callable[[_Description, Any], Any]:
    """What describes the instances of a class."""
    if how := _BY_ID.get(id(kind)):
        return how
    if found := next((how for kinds, how in _KINDS if issubclass(kind, kinds)), None):
        return found
    tensor = _attribute(sys.modules.get("torch"), "Tensor")
    is_tensor = isinstance(tensor, type) and issubclass(kind, tensor)
    return _Description._tensor if is_tensor else _Description._object
