# SPDX-License-Identifier: Apache-2.0
"""Fingerprints change with what a stage does, and with nothing else."""

import functools
import json
import logging
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.toys import Pass, RaiseOn
from thresher.planning.fingerprint import describe, segment_fingerprint
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
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
