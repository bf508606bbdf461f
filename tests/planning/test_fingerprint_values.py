# SPDX-License-Identifier: Apache-2.0
"""Any value that a stage, a closure or a module may hold has a description."""

import array
import collections
import copy
import datetime
import decimal
import enum
import fractions
import functools
import io
import json
import logging
import math
import operator
import os
import random
import re
import socket
import subprocess
import sys
import threading
import types
import typing
import uuid
import weakref
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresher.planning.fingerprint import describe


class Color(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Point:
    x: int
    y: Any = 0


@dataclass(slots=True)
class Slotted:
    x: int
    names: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    left: int
    right: int = 0


class Bare:
    __slots__ = ("never_set", "size")

    def __init__(self, size: int) -> None:
        self.size = size


class Words(list[str]):
    """Iterating over it does not give its content."""

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("not now")


class Table(dict[Any, Any]):
    keys = items = values = None  # type: ignore[assignment]


class Label(str):
    def __str__(self) -> str:
        raise RuntimeError("not now")


class Resists:
    """Raises at whatever is done with it."""

    def __init__(self, size: int = 1) -> None:
        self.size = size

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not now")

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        raise RuntimeError("not now")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("not now")

    @property
    def length(self) -> int:
        raise RuntimeError("not now")


class ResistsAll(Resists):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Unhashable(type):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not now")


class OfUnhashable(metaclass=Unhashable):
    def __init__(self, size: int) -> None:
        self.size = size


class Secretive(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)


class OfSecretive(metaclass=Secretive):
    pass


class Node:
    def __init__(self, name: int) -> None:
        self.name = name
        self.near: Any = []


class Remembers:
    """A decorator of the user's own."""

    def __init__(self, func: Any) -> None:
        self.func = func


class Lazy:
    def __init__(self, size: int) -> None:
        self.size = size

    @functools.cached_property
    def square(self) -> int:
        return self.size**2


def nested(depth: int, around: Callable[[Any], Any], core: Any = 1) -> Any:
    value = core
    for _ in range(depth):
        value = around(value)
    return value


def adding(n: int) -> Callable[[int], int]:
    return lambda number: number + n


def even_or_odd(n: int) -> Callable[[int], bool]:
    def even(number: int) -> bool:
        return number == n or odd(number - 1)

    def odd(number: int) -> bool:
        return number != n and even(number - 1)

    return even


def dispatching(n: int) -> Any:
    @functools.singledispatch
    def size(value: Any) -> int:
        return 0

    size.register(int, adding(n))
    return size


def generating(n: int) -> Iterator[int]:
    yield n


def ring(size: int, near: Callable[[list[Node]], Any]) -> Node:
    nodes = [Node(number) for number in range(size)]
    for node in nodes:
        node.near = near(nodes)
    return nodes[0]


def chain(length: int) -> Callable[[], int]:
    """A function that calls a function that calls a function and so on."""
    space: dict[str, Any] = {"__name__": "chain"}
    lines = [f"def f{n}():\n    return f{n + 1}() + {n}\n" for n in range(length)]
    exec("".join(lines) + f"def f{length}():\n    return 0\n", space)
    return typing.cast(Callable[[], int], space["f0"])


# What is made with 1 and with 2 differs.
VALUES: dict[str, Callable[[int], Any]] = {
    "bytes pattern": lambda n: re.compile(b"x" * n),
    "pattern": lambda n: re.compile("x" * n),
    "flags": lambda n: re.compile("x", re.I if n == 1 else re.M),
    "method of a pattern": lambda n: re.compile(b"x" * n).search,
    "bytes": lambda n: b"x" * n,
    "bytearray": lambda n: bytearray(n),
    "memoryview": lambda n: memoryview(b"x" * n),
    "array": lambda n: array.array("d", [n]),
    "int keys": lambda n: {1: "a", n + 1: "b"},
    "mixed keys": lambda n: {1: 0, "1": n, None: 0, 1.5: 0, (1, "a"): 0, b"x": 0, Color.RED: 0},
    "int or str key": lambda n: {1: 0} if n == 1 else {"1": 0},
    "None or str key": lambda n: {None: 0} if n == 1 else {"None": 0},
    "frozenset key": lambda n: {frozenset(("a", "b", n)): 0},
    "NaN": lambda n: math.nan if n == 1 else 1.0,
    "infinity": lambda n: math.inf if n == 1 else -math.inf,
    "NaN inside": lambda n: {"a": [math.nan, n]},
    "huge integer": lambda n: 10**5000 + n,
    "complex": lambda n: complex(n, math.nan),
    "Decimal": lambda n: decimal.Decimal(n),
    "Fraction": lambda n: fractions.Fraction(n, 3),
    "date": lambda n: datetime.date(2020, 1, n),
    "datetime": lambda n: datetime.datetime(2020, 1, n, tzinfo=datetime.UTC),
    "timedelta": lambda n: datetime.timedelta(n),
    "timezone": lambda n: datetime.timezone(datetime.timedelta(hours=n)),
    "zone": lambda n: zoneinfo.ZoneInfo("UTC" if n == 1 else "Europe/Rome"),
    "Enum member": lambda n: Color.RED if n == 1 else Color.GREEN,
    "IntEnum member": lambda n: Level(n),
    "member or int": lambda n: Level.LOW if n == 1 else 1,
    "Flag member": lambda n: Access.READ | Access(n),
    "Enum class": lambda n: enum.Enum("Color", [("RED", n)], module=__name__),
    "Path": lambda n: PurePosixPath("a", str(n)),
    "UUID": lambda n: uuid.UUID(int=n),
    "range": lambda n: range(n),
    "slice": lambda n: slice(n),
    "numpy array": lambda n: np.arange(5) * n,
    "numpy object array": lambda n: np.array([n, "a", None], dtype=object),
    "numpy strings": lambda n: np.array(["a" * n * 50], dtype=np.dtypes.StringDType()),
    "numpy dates": lambda n: np.array([f"2020-01-0{n}"], dtype="M8[D]"),
    "numpy record array": lambda n: np.rec.array([(n, 2.0)], dtype=[("a", int), ("b", float)]),
    "numpy masked array": lambda n: np.ma.array([1, 2], mask=[0, n - 1]),
    "numpy scalar": lambda n: np.float32(n),
    "numpy long double": lambda n: [np.longdouble(n) / 3, np.array([n], np.clongdouble) / 3],
    "numpy shape": lambda n: np.zeros((n, 0)),
    "numpy dtype": lambda n: np.dtype([("a", f"i{n}")]),
    "numpy Generator": lambda n: np.random.default_rng(n),
    "numpy function": lambda n: np.add if n == 1 else np.multiply,
    "arrow array": lambda n: pa.array([n, None]),
    "arrow chunks": lambda n: pa.chunked_array([[n], [2]]),
    "arrow table": lambda n: pa.table({"a": [n], "b": ["x"]}),
    "arrow batch": lambda n: pa.record_batch({"a": [n]}),
    "arrow scalar": lambda n: pa.scalar({"a": n}),
    "arrow schema": lambda n: pa.schema([(f"a{n}", pa.int32())]),
    "arrow field": lambda n: pa.field(f"a{n}", pa.int32()),
    "arrow buffer": lambda n: pa.py_buffer(b"x" * n),
    "arrow string views": lambda n: pa.array(["x" * n], pa.string_view()),
    "pandas frame": lambda n: pd.DataFrame({"a": [n, None], "b": ["x", None]}),
    "pandas series": lambda n: pd.Series([n], dtype="category"),
    "pandas time": lambda n: pd.Timestamp(n),
    "polars frame": lambda n: pl.DataFrame({"a": [n, None], "b": ["x", None]}),
    "polars expression": lambda n: pl.col("a") + n,
    "dataclass": lambda n: Point(n, [n]),
    "dataclass with slots": lambda n: Slotted(n),
    "namedtuple": lambda n: Pair(n),
    "namedtuple or tuple": lambda n: Pair(1, 2) if n == 1 else (1, 2),
    "slots": lambda n: Bare(n),
    "namespace": lambda n: types.SimpleNamespace(a=n),
    "deque": lambda n: collections.deque([n]),
    "deque's length": lambda n: collections.deque(maxlen=n),
    "Counter": lambda n: collections.Counter("a" * n),
    "OrderedDict": lambda n: collections.OrderedDict([("a", 1), ("b", 2)][:: 3 - 2 * n]),
    "defaultdict": lambda n: collections.defaultdict(list if n == 1 else int, {1: 2}),
    "ChainMap": lambda n: collections.ChainMap({"a": n}, {"b": 1}),
    "UserDict": lambda n: collections.UserDict(a=n),
    "read-only dict": lambda n: types.MappingProxyType({"a": n}),
    "view of a dict": lambda n: {"a": n}.items(),
    "list of a class": lambda n: Words(["a" * n]),
    "dict of a class": lambda n: Table({1: n}),
    "str of a class": lambda n: Label("a" * n),
    "frozenset of mixed types": lambda n: frozenset(
        [n, "1", None, 2.5, b"x", (1, ("a",)), Color.RED, int, adding, Point(n), frozenset("abc")]
    ),
    "set of functions": lambda n: {adding(n), adding(n + 1), even_or_odd},
    "set of objects": lambda n: {Point(1, Point(n)), Point(2), Point(3)},
    "set of sets": lambda n: {frozenset([frozenset(["a", "b"]), n]), frozenset([Point(n)])},
    "set or dict": lambda n: {1} if n == 1 else {"set": ["1"]},
    "resists": lambda n: [Resists(n), {"a": Resists(n)}],
    "unhashable class": lambda n: OfUnhashable(n),
    "exception": lambda n: ValueError("wrong", n),
    "lambda": lambda n: adding(n),
    "functions that call each other": lambda n: even_or_odd(n),
    "chain of functions": lambda n: chain(500 + n),
    "code": lambda n: (lambda: 1).__code__ if n == 1 else (lambda: 2).__code__,
    "partial": lambda n: functools.partial(adding, n),
    "cached function": lambda n: functools.cache(adding(n)),
    "cached property": lambda n: Lazy(n),
    "singledispatch": lambda n: dispatching(n),
    "partialmethod": lambda n: functools.partialmethod(adding, n),
    "staticmethod": lambda n: staticmethod(adding(n)),
    "property": lambda n: property(adding(n)),
    "method": lambda n: Point(n).__repr__,
    "bound function": lambda n: types.MethodType(adding(n), 1),
    "built-in": lambda n: len if n == 1 else sum,
    "method of a type": lambda n: str.upper if n == 1 else str.lower,
    "built-in method": lambda n: [n].append,
    "method wrapper": lambda n: n.__add__,
    "getter": lambda n: operator.itemgetter(n),
    "iterators": lambda n: [iter([n]), iter({n: 1}), zip([n], "a", strict=False), enumerate([n])],
    "generic alias": lambda n: list[int] if n == 1 else list[str],
    "union": lambda n: int | str if n == 1 else int | bytes,
    "literal": lambda n: typing.Literal["a", "b"] if n == 1 else typing.Literal["a"],
    "annotated": lambda n: typing.Annotated[int, [n]],
    "Random": lambda n: random.Random(n),
    "text buffer": lambda n: io.StringIO("a" * n),
    "logger": lambda n: logging.getLogger("a" * n),
    "module": lambda n: json if n == 1 else math,
    "lone surrogate": lambda n: chr(0xD800 + n),
    "key with a surrogate": lambda n: {chr(0xD800 + n): 1},
    "long string": lambda n: "é" * (2_000_000 + n),
    "1,000 nested lists": lambda n: nested(1_000, lambda value: [value], n),
    "20,000 nested lists": lambda n: nested(20_000, lambda value: [value], n),
    "nested dicts": lambda n: nested(2_000, lambda value: {"a": value}, n),
    "nested objects": lambda n: nested(2_000, lambda value: types.SimpleNamespace(a=value), n),
    "nested closures": lambda n: nested(2_000, lambda value: lambda: value, n),
    "shared lists": lambda n: nested(60, lambda value: [value, value], n),
    "shared objects": lambda n: nested(60, lambda value: Point(0, [value, Point(1, value)]), n),
    "many numbers": lambda n: [*range(500_000), n],
    "many keys": lambda n: {**dict.fromkeys(range(100_000), "a"), 0: n},
    "many tuples": lambda n: [*((number, "a") for number in range(100_000)), n],
    "large set": lambda n: {*((number, Color.RED) for number in range(20_000)), (n, Color.GREEN)},
    "everything near": lambda n: ring(60 + n, list),
    "everything near, in tuples": lambda n: ring(30 + n, tuple),
    "everything near, in sets": lambda n: ring(30 + n, set),
}

# For these the class has to do.
OPAQUE: dict[str, Callable[[], Any]] = {
    "resists all": lambda: [ResistsAll(), {ResistsAll(): 1}, {ResistsAll()}],
    "secretive class": lambda: [OfSecretive, OfSecretive(), {OfSecretive}],
    "property that raises": lambda: Resists.__dict__["length"],
    "generator": lambda: generating(1),
    "set iterator": lambda: iter({"a", "b", "c"}),
    "locks": lambda: [threading.Lock(), threading.RLock(), threading.Event(), threading.local()],
    "thread": lambda: threading.Thread(target=adding),
    "file": lambda: io.TextIOWrapper(io.FileIO(os.devnull)),
    "binary file": lambda: io.FileIO(os.devnull),
    "socket": lambda: socket.socket(),
    "weak reference": lambda: weakref.ref(Node),
    "weak dict": lambda: weakref.WeakKeyDictionary({Node: 1}),
    "dead proxy": lambda: weakref.proxy(Node(1)),
    "typing": lambda: [typing.Any, typing.TypeVar("T"), typing.Callable[[int], str]],
    "random functions": lambda: [random.choice, random.random, np.random.rand],
    "none of them": lambda: [None, ..., NotImplemented, object()],
}  # fmt: skip


def text_of(value: Any) -> str:
    """The description as strict JSON that survives being written to a file."""
    text = json.dumps(describe(value), sort_keys=True, allow_nan=False)
    json.dumps(json.loads(text), ensure_ascii=False).encode()
    return text


@pytest.mark.parametrize("name", VALUES)
def test_equal_values_are_described_alike_and_others_are_not(name: str) -> None:
    make = VALUES[name]
    described = text_of(make(1))

    assert text_of(make(1)) == described
    assert text_of(make(2)) != described
    assert " at 0x" not in described


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", OPAQUE)
def test_what_cannot_be_read_has_a_description_all_the_same(name: str) -> None:
    make = OPAQUE[name]
    first, second = make(), make()

    assert text_of(first) == text_of(second)
    for value in (first, second):
        if issubclass(type(value), io.IOBase | socket.socket):
            value.close()


def test_descriptions_are_the_same_in_every_process_and_for_every_hash_seed() -> None:
    script = (
        "from tests.planning.test_fingerprint_values import OPAQUE, VALUES, text_of\n"
        "for name, make in VALUES.items():\n"
        "    if not name.startswith(('many', 'large', 'everything', '20,000')):\n"
        "        print(name, text_of([make(1), {'a': make(2)}]))\n"
        "for name, make in OPAQUE.items():\n"
        "    print(name, text_of(make()))\n"
    )
    path = str(Path(__file__).parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = [process.communicate()[0].splitlines() for process in started]

    assert len(first) > 100
    assert first == second


def test_a_tensor_is_told_by_its_numbers() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.bfloat16, torch.bool):
        assert text_of(torch.ones(2, dtype=dtype)) == text_of(torch.ones(2, dtype=dtype))
        assert text_of(torch.ones(2, dtype=dtype)) != text_of(torch.zeros(2, dtype=dtype))
    assert text_of(torch.nn.Parameter(torch.ones(2))) == text_of(torch.nn.Parameter(torch.ones(2)))
    assert text_of(torch.eye(2).to_sparse()) == text_of(torch.eye(2).to_sparse())


def test_what_equal_values_look_like_inside_does_not_count() -> None:
    rows = np.arange(12).reshape(3, 4)
    long = pa.array([None, 1, None, 3, 4])
    used = Lazy(2)
    assert used.square == 4
    one = collections.OrderedDict(a=1, b=2)
    one.move_to_end("a")
    point = Point(1)
    for value, equal in [
        (rows[:, ::2], rows[:, ::2].copy()),
        (np.asfortranarray(rows), rows),
        (long.slice(1, 3), pa.array([1, None, 3])),
        (pa.chunked_array([[1], [2, 3]]), pa.chunked_array([[1, 2], [3]])),
        (pa.table({"a": [0, 1, 2]}).slice(1), pa.table({"a": [1, 2]})),
        (used, Lazy(2)),
        (one, collections.OrderedDict(b=2, a=1)),
        ({"a": Point(1), "b": Point(2)}, {"b": Point(2), "a": Point(1)}),
        ({1: 0, "1": 0}, {"1": 0, 1: 0}),
        ([point, point], [Point(1), Point(1)]),
        (int | str, str | int),
        (typing.Literal["a", "b"], typing.Literal["b", "a"]),
    ]:
        assert text_of(value) == text_of(equal)


def test_code_counts_wherever_it_is_kept() -> None:
    def kept(n: int) -> list[Any]:
        class Kept:
            def work(self) -> int:
                return 1 if n else 2

            again = functools.partialmethod(adding, n)

            class Inner:
                size = n

            remembers = Remembers(adding(n))

        return [
            Kept,
            Kept(),
            Kept().work,
            {Kept: 1},
            {Kept},
            [Kept()],
            types.SimpleNamespace(k=Kept),
        ]

    for one, same, other in zip(kept(1), kept(1), kept(2), strict=True):
        assert text_of(one) == text_of(same)
        assert text_of(one) != text_of(other)


# -- any structure of such values -----------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=()))
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.complex_numbers()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([Color.RED, Level.HIGH, Access(3), int, Point, len, adding, ...]),
    lambda inner: (
        st.lists(inner).map(tuple)
        | st.frozensets(inner)
        | st.builds(Point, st.integers(), inner)
        | st.builds(PurePosixPath, st.just("a"))
        | st.builds(Pair, st.integers(), st.integers())
    ),
    max_leaves=8,
)
values = st.recursive(
    hashable
    | st.binary().map(bytearray)
    | st.lists(st.integers(-9, 9)).map(np.array)
    | st.lists(st.none() | st.integers(-9, 9)).map(pa.array)
    | st.just(re.compile(rb"x"))
    | st.builds(Resists),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(collections.deque)
        | st.sets(hashable)
        | st.dictionaries(hashable, inner)
        | st.dictionaries(any_text, inner).map(collections.OrderedDict)
        | st.dictionaries(any_text, inner).map(lambda d: types.SimpleNamespace(a=d))
        | st.builds(Slotted, inner)
        | inner.map(lambda value: functools.partial(adding, value))
        | inner.map(lambda value: lambda: value)
    ),
    max_leaves=20,
)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same value, with dicts and sets made in another order."""
    if type(value) is dict:
        items = [(key, shuffled(item, order)) for key, item in value.items()]
        return dict(order.sample(items, len(items)))
    if type(value) in (list, tuple):
        return type(value)(shuffled(item, order) for item in value)
    if type(value) in (set, frozenset):
        return type(value)(order.sample(list(value), len(value)))
    return value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values, st.randoms(use_true_random=False))
def test_structures_of_any_values_are_described(value: Any, order: random.Random) -> None:
    described = text_of(value)

    assert text_of(value) == described
    assert text_of(shuffled(value, order)) == described


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hashable)
def test_copies_are_described_alike(value: Any) -> None:
    assert text_of(copy.deepcopy(value)) == text_of(value)


keys = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["1", "None", "True", "-1"])


@given(st.dictionaries(keys, st.integers(0, 1)), st.dictionaries(keys, st.integers(0, 1)))
def test_keys_of_different_types_are_told_apart(one: dict[Any, int], other: dict[Any, int]) -> None:
    content = [{(type(key), key): item for key, item in d.items()} for d in (one, other)]

    assert (text_of(one) == text_of(other)) == (content[0] == content[1])
