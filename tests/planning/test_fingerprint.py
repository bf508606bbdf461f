# SPDX-License-Identifier: Apache-2.0
"""Fingerprints change with what a stage does, and with nothing else."""

import functools
import importlib
import json
import logging
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.toys import Pass, RaiseOn, write_input
from thresher.pipeline import Pipeline
from thresher.planning.fingerprint import describe, segment_fingerprint
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter

RECIPE = '''
import functools
import re
from thresher.stages.base import ProcessingStage
from thresher.stages.function_decorators import processing_stage
from thresher.stages.resources import Resources
import @HELPER@ as tools
from @HELPER@ import Base

WORDS = ["one", "two"]
ENDS = {"b", "c", "a"}
PATTERN = re.compile("x+")

def clean(text):
    """Clean a text."""
    return helper(text).strip()

def helper(text):
    return text.lower()  # to lower case

@functools.cache
def remembered(text):
    return text + "!"

class Marker:
    sign = "*"

class Stage(Base):
    name = "stage"
    batch_size = 2
    resources = Resources(cpus=1)
    threshold = 3

    def __init__(self, factor=1):
        super().__init__()
        self.factor = factor

    def process(self, task):
        if task in {"p", "q", "r"}:
            return clean(task) + remembered(task) + Marker.sign + self.tail(task) + self.end
        return WORDS, ENDS, PATTERN.match(task), [tools.twice(t) for t in task]

    @staticmethod
    def tail(task):
        return task[-1]

    @property
    def end(self):
        return "."

def make(limit):
    @processing_stage(name="made", resources=Resources(cpus=1), batch_size=2)
    def made(task):
        return task if task.num_items < limit else None
    return made
'''

HELPER = """
from thresher.stages.base import ProcessingStage

class Base(ProcessingStage):
    offset = 1

    def shift(self, n):
        return n + self.offset

def twice(text):
    return text * 2
"""


def load(recipe: str = RECIPE, helper: str = HELPER) -> ModuleType:
    """The recipe as a module of its own, as if a script had been edited and run again."""
    modules = []
    for name, source in (("recipe_helper", helper), ("recipe", recipe)):
        module = ModuleType(name)
        sys.modules[name] = module
        exec(
            compile(source.replace("@HELPER@", "recipe_helper"), f"{name}.py", "exec"), vars(module)
        )
        modules.append(module)
    return modules[1]


def stage_print(*edits: tuple[str, str], arguments: Any = (), helper: str = HELPER) -> str:
    recipe = RECIPE
    for old, new in edits:
        assert old in recipe
        recipe = recipe.replace(old, new)
    return segment_fingerprint([load(recipe, helper).Stage(*arguments)])


# -- what does not count --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# to lower case", "# all small"),
        ("WORDS =", "\n\n\nWORDS ="),
        ('"""Clean a text."""', '"""Clean a text very well."""'),
        ("batch_size = 2\n    res", "batch_size = 9\n    res"),
        ("Resources(cpus=1)", "Resources(cpus=4)"),
        ('{"b", "c", "a"}', '{"c", "a", "b"}'),
        ('{"p", "q", "r"}', '{"r", "q", "p"}'),
        ("def helper", "def unused(x):\n    return x\n\ndef helper"),
        ("    @staticmethod", "    def num_workers(self):\n        return 2\n\n    @staticmethod"),
    ],
    ids=["comment", "lines", "docstring", "batch_size", "resources", "set", "constant", "unused",
         "num_workers"],
)  # fmt: skip
def test_what_does_not_change_results_does_not_count(old: str, new: str) -> None:
    assert stage_print((old, new)) == stage_print()


def test_placement_does_not_count() -> None:
    stage = Pass("a")
    moved = stage.with_(
        resources=Resources(cpus=8), batch_size=4, num_workers=2, runtime_env={"pip": ["x"]},
        ray_stage_spec={"a": 1}, xenna_stage_spec={"b": 2},
    )  # fmt: skip
    assert segment_fingerprint([moved]) == segment_fingerprint([stage])


def test_placement_of_a_decorated_stage_does_not_count() -> None:
    here = segment_fingerprint([load().make(3)])
    moved = load(RECIPE.replace("cpus=1), batch_size=2", "cpus=2), batch_size=4"))

    assert segment_fingerprint([moved.make(3)]) == here


def test_where_a_writer_writes_does_not_count() -> None:
    one = JsonlWriter("here", mode="overwrite")

    assert segment_fingerprint([one]) == segment_fingerprint([JsonlWriter("there")])
    other = JsonlWriter("here", write_kwargs={"force_ascii": True})
    assert segment_fingerprint([one]) != segment_fingerprint([other])


# -- what counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("text.lower()", "text.upper()"),
        ("return helper(text).strip()", "return helper(text)"),
        ("threshold = 3", "threshold = 4"),
        ("    threshold = 3", '    threshold = 3\n    version = "2"'),
        ('["one", "two"]', '["one", "three"]'),
        ('{"b", "c", "a"}', '{"b", "c"}'),
        ('re.compile("x+")', 're.compile("x*")'),
        ('re.compile("x+")', 're.compile("x+", re.I)'),
        ('return text + "!"', 'return text + "?"'),
        ('sign = "*"', 'sign = "+"'),
        ("return task[-1]", "return task[0]"),
        ('return "."', 'return ";"'),
        ("factor=1", "factor=2"),
    ],
    ids=["called function of a called function", "called function", "class attribute", "version",
         "list", "set", "pattern", "flags", "cached function", "class", "static method",
         "property", "default"],
)  # fmt: skip
def test_code_that_is_named_counts(old: str, new: str) -> None:
    assert stage_print((old, new)) != stage_print()


@pytest.mark.parametrize(("old", "new"), [("text * 2", "text * 3"), ("offset = 1", "offset = 2")])
def test_code_of_the_users_other_modules_counts(old: str, new: str) -> None:
    assert stage_print(helper=HELPER.replace(old, new)) != stage_print()


def test_parameters_count() -> None:
    assert stage_print(arguments=(2,)) != stage_print(arguments=(3,))
    assert segment_fingerprint([RaiseOn([1])]) != segment_fingerprint([RaiseOn([2])])
    filters = [ScoreFilter(WordCountFilter(min_words=n)) for n in (1, 2, 2)]
    prints = [segment_fingerprint([stage]) for stage in filters]
    assert prints[0] != prints[1] == prints[2]


def test_closures_count() -> None:
    make = load().make

    assert segment_fingerprint([make(3)]) == segment_fingerprint([make(3)])
    assert segment_fingerprint([make(3)]) != segment_fingerprint([make(4)])


def test_order_and_facts_count() -> None:
    one, other = Pass("a"), Pass("b")

    assert segment_fingerprint([one, other]) != segment_fingerprint([other, one])
    assert segment_fingerprint([one], ["out"]) != segment_fingerprint([one], ["spill"])


def test_a_changed_parameter_shows_through_a_lambda_a_partial_and_an_object() -> None:
    class Model:
        def __init__(self, size: int) -> None:
            self.size = size

    def weigh(text: str, by: int) -> int:
        return len(text) * by

    def of(n: int) -> list[Any]:
        return [lambda text: text * n, functools.partial(weigh, by=n), Model(n), Model(n).__init__]

    for same, again, changed in zip(of(1), of(1), of(2), strict=True):
        assert describe(same) == describe(again)
        assert describe(same) != describe(changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(10_000), np.r_[np.arange(5_000), 0, np.arange(5_001, 10_000)]),
        (pa.array(range(10_000)), pa.array([*range(9_999), 0])),
        (re.compile("a" * 300), re.compile("a" * 299 + "b")),
        (b"a", b"b"),
        (Path("a"), Path("b")),
        (1, True),
        ({"a": [1]}, {"a": [2]}),
        (pa.int32(), pa.int64()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_told_apart_to_the_end(one: Any, other: Any) -> None:
    assert json.dumps(describe(one)) != json.dumps(describe(other))
    assert describe(one) == describe(one)


def test_what_leads_in_circles_or_cannot_be_pickled_has_a_description() -> None:
    circle: list[Any] = [1]
    circle.append(circle)

    assert describe(circle) == describe(circle)
    assert describe(threading.Lock()) == describe(threading.Lock())
    assert describe(logging.getLogger("a")) != describe(logging.getLogger("b"))


def test_dicts_and_sets_count_by_content_not_by_order() -> None:
    one = RaiseOn([1])
    assert segment_fingerprint([one], [{"a": 1, "b": {3, 1}}]) == segment_fingerprint(
        [one], [{"b": {1, 3}, "a": 1}]
    )


# -- values of a module ---------------------------------------------------------------------------

VALUES = """
import array
import collections
import datetime
import enum
import functools
import random
import re
from dataclasses import dataclass
from random import choice

import numpy as np
import pyarrow as pa

from tests.toys import Pass

@dataclass(frozen=True)
class Limits:
    least: int

class Mode(enum.Enum):
    KEEP = 1
    DROP = 2

def limited(limit):
    def around(method):
        @functools.wraps(method)
        def called(self, task):
            return method(self, task) if limit else task
        return called
    return around

class Resists:
    def __getattribute__(self, name):
        raise RuntimeError(name)

VALUE = @VALUE@

class Helper:
    resists = Resists()

    def work(self, task):
        try:
            task.first
            @WITHIN@
        except ValueError:
            return None
        else:
            @AFTER@
        return VALUE

class Stage(Pass):
    @limited(@LIMIT@)
    def process(self, task):
        return Helper().work(task)
"""


def module_of(folder: Path, value: str, limit: str = "1", **lines: str) -> ModuleType:
    """A file of the user's, imported."""
    source = VALUES.replace("@VALUE@", value).replace("@LIMIT@", limit)
    for name in ("within", "after"):
        source = source.replace(f"@{name.upper()}@", lines.get(name, "pass"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "of_values.py").write_text(source)
    sys.modules.pop("of_values", None)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module("of_values")
    finally:
        sys.path.remove(str(folder))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('re.compile(rb"x")', 're.compile(rb"y")'),
        ('re.compile("x").search', 're.compile("y").search'),
        ("Limits(1)", "Limits(2)"),
        ("Mode.KEEP", "Mode.DROP"),
        ("collections.deque([1])", "collections.deque([2])"),
        ("np.array([1, 2])", "np.array([1, 3])"),
        ("pa.array([1, 2])", "pa.array([1, 3])"),
        ("array.array('d', [1])", "array.array('d', [2])"),
        ("datetime.date(2020, 1, 1)", "datetime.date(2020, 1, 2)"),
        ("{1: 2}", "{'1': 2}"),
        ("[Resists(), 1]", "[Resists(), 2]"),
        ("functools.partial(print, 1)", "functools.partial(print, 2)"),
    ],
)
def test_values_that_code_names_count(one: str, other: str, tmp_path: Path) -> None:
    prints = [
        segment_fingerprint([module_of(tmp_path / str(place), value).Stage()])
        for place, value in enumerate((one, one, other))
    ]

    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


@pytest.mark.parametrize("value", ["random.Random()", "choice", "np.random.default_rng()"])
def test_what_belongs_to_the_process_does_not_count(value: str, tmp_path: Path) -> None:
    prints = []
    for place in ("a", "b"):
        module = module_of(tmp_path / place, value)
        module.random.random()
        prints.append(segment_fingerprint([module.Stage()]))

    assert prints[0] == prints[1]


def test_code_counts_beside_values_that_cannot_be_read(tmp_path: Path) -> None:
    forms: list[dict[str, str]] = [
        {}, {"limit": "2"}, {"within": "task.other"}, {"after": "task.other"}
    ]  # fmt: skip
    prints = {
        segment_fingerprint([module_of(tmp_path / str(place), "Resists()", **form).Stage()])
        for place, form in enumerate(forms)
    }

    assert len(prints) == len(forms)


def test_a_stage_whose_module_holds_a_pattern_of_bytes_is_planned(tmp_path: Path) -> None:
    stage = module_of(tmp_path, 're.compile(rb"x")').Stage()
    read = JsonlReader(str(write_input(tmp_path / "in")))
    other = module_of(tmp_path / "other", 're.compile(rb"y")').Stage()
    plans = [
        Pipeline("p", stages=[read, chosen, JsonlWriter(str(tmp_path / "out"))]).plan()
        for chosen in (stage, stage, other)
    ]

    assert plans[0].fingerprints == plans[1].fingerprints
    assert plans[0].fingerprints != plans[2].fingerprints


# -- libraries ------------------------------------------------------------------------------------

RECORD = "{}/__init__.py,sha256=abc,1\n{}/part/mod.py,,\n{}/single.py,,\nx.dist-info/RECORD,,\n"


def lay(root: Path, name: str, source: str) -> Path:
    """A package of three modules with one and the same source."""
    for file in ("__init__.py", "part/__init__.py", "part/mod.py"):
        (root / name / file).parent.mkdir(parents=True, exist_ok=True)
        (root / name / file).write_text(source)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def target_folder(root: Path, name: str, source: str) -> Path:
    """As pip install --target makes it."""
    write(root / "lib-1.0.dist-info/RECORD", RECORD.replace("{}", name))
    write(root / "lib-1.0.dist-info/METADATA", "Name: lib\nVersion: 1.0\n")
    return lay(root, name, source)


def without_list(root: Path, name: str, source: str) -> Path:
    write(root / "lib-1.0.dist-info/METADATA", f"Name: {name.replace('_', '-')}\nVersion: 1.0\n")
    return lay(root, name, source)


def old_install(root: Path, name: str, source: str) -> Path:
    listed = f"../{name}/__init__.py\n../{name}/part/mod.py\n"
    write(root / "lib-1.0-py3.11.egg-info/installed-files.txt", listed)
    write(root / "lib-1.0-py3.11.egg-info/PKG-INFO", "Name: lib\nVersion: 1.0\n")
    return lay(root, name, source)


def system_folder(root: Path, name: str, source: str) -> Path:
    return lay(root / "usr/lib/python3/dist-packages", name, source)


def user_site(root: Path, name: str, source: str) -> Path:
    return lay(root / ".local/lib/python3.11/site-packages", name, source)


def unpacked_egg(root: Path, name: str, source: str) -> Path:
    return lay(root / "lib-1.0-py3.11.egg", name, source)


def archive(root: Path, kind: str) -> Path:
    made = shutil.make_archive(str(root), "zip", root)
    return Path(made).rename(f"{root}{kind}")


def wheel(root: Path, name: str, source: str) -> Path:
    return archive(target_folder(root, name, source), "-1.0-py3-none-any.whl")


def packed_egg(root: Path, name: str, source: str) -> Path:
    return archive(lay(root, name, source), "-1.0-py3.11.egg")


def namespace_part(root: Path, name: str, source: str) -> Path:
    """Part of a namespace package whose other part is in another folder, and the user's."""
    target_folder(root, name, source)
    (root / name / "__init__.py").unlink()
    (root / name / "part/__init__.py").unlink()
    write(root / "other" / name / "own.py", source)
    sys.path.insert(0, str(root / "other"))
    return root


def plain_folder(root: Path, name: str, source: str) -> Path:
    return lay(root, name, source)


def other_library(root: Path, name: str, source: str) -> Path:
    """The user's own package beside an installed one."""
    target_folder(root, "some_other", source)
    return lay(root, name, source)


def editable_install(root: Path, name: str, source: str) -> Path:
    site = root / "site-packages"
    write(site / f"_{name}.pth", str(root / "src"))
    write(site / "lib-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n")
    write(site / "lib-1.0.dist-info/RECORD", f"_{name}.pth,,\nlib-1.0.dist-info/RECORD,,\n")
    write(site / "lib-1.0.dist-info/top_level.txt", name)
    sys.path.insert(0, str(site))
    return lay(root / "src", name, source)


def old_editable_install(root: Path, name: str, source: str) -> Path:
    write(root / f"{name}.egg-info/PKG-INFO", f"Name: {name}\nVersion: 1.0\n")
    write(root / f"{name}.egg-info/SOURCES.txt", f"{name}/__init__.py\n{name}/part/mod.py\n")
    write(root / f"{name}.egg-info/top_level.txt", name)
    return lay(root, name, source)


def plain_archive(root: Path, name: str, source: str) -> Path:
    return archive(lay(root, name, source), ".zip")


Layout = Callable[[Path, str, str], Path]
INSTALLED: list[Layout] = [
    target_folder, without_list, old_install, system_folder, user_site, unpacked_egg, wheel,
    packed_egg, namespace_part,
]  # fmt: skip
OWN: list[Layout] = [
    plain_folder, other_library, editable_install, old_editable_install, plain_archive,
]  # fmt: skip


def described_twice(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str = "part.mod"
) -> list[Any]:
    """A function of a library that calls another one, in two versions of the library."""
    found = []
    for n in (1, 2):
        monkeypatch.setattr(sys, "path", [*sys.path])
        name = f"lib_{layout.__name__}"
        source = f"def work():\n    return inner()\n\ndef inner():\n    return {n}\n"
        monkeypatch.syspath_prepend(layout(tmp_path / f"v{n}", name, source))
        for known in [known for known in sys.modules if known.partition(".")[0] == name]:
            del sys.modules[known]
        found.append(describe(importlib.import_module(f"{name}.{inner}").work))
    return found


@pytest.mark.parametrize("layout", INSTALLED, ids=lambda layout: layout.__name__)
def test_code_of_installed_distributions_is_not_described(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = described_twice(layout, tmp_path, monkeypatch)

    assert first == second == f"lib_{layout.__name__}.part.mod.work"


@pytest.mark.parametrize("layout", OWN, ids=lambda layout: layout.__name__)
def test_all_other_code_is_the_users(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = described_twice(layout, tmp_path, monkeypatch)

    assert json.dumps(first) != json.dumps(second)


def test_each_part_of_a_namespace_package_counts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = described_twice(namespace_part, tmp_path, monkeypatch, "own")

    assert json.dumps(first) != json.dumps(second)


# -- other processes ------------------------------------------------------------------------------


def test_fingerprints_are_the_same_in_every_process_and_for_every_hash_seed(
    tmp_path: Path,
) -> None:
    (tmp_path / "recipe_tools.py").write_text(HELPER)
    script = tmp_path / "script.py"
    script.write_text(
        RECIPE.replace("@HELPER@", "recipe_tools") + "\n"
        "from thresher.planning.fingerprint import segment_fingerprint\n"
        "if __name__ == '__main__':\n"
        "    print(segment_fingerprint([Stage(), make(3)], [{'x', 'y', 'z'}]))\n"
    )
    path = str(Path(__file__).parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, str(script)],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = [process.communicate()[0] for process in started]

    assert len(first.strip()) == 32
    assert first == second
