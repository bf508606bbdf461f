# SPDX-License-Identifier: Apache-2.0
"""Stages in another interpreter: here an environment of its own, with a package nobody else has."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

import thresher
from tests.other_python import Reverse, other_python
from tests.toys import Pass, quarantined, records_of, run_quietly, write_input
from thresher.backends import other_python as module
from thresher.backends.guard import needs_guard
from thresher.backends.local import LocalExecutor
from thresher.errors import PlanError, StageError
from thresher.pipeline import Pipeline
from thresher.planning.plan import Step
from thresher.stages.text.io import JsonlReader, JsonlWriter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    return other_python(tmp_path_factory.mktemp("other"))


def pipeline(tmp_path: Path, python: str) -> Pipeline:
    stages = [
        JsonlReader(str(tmp_path / "in")),
        Pass(),
        Reverse().with_(runtime_env={"py_executable": python}),
        JsonlWriter(str(tmp_path / "out")),
    ]
    return Pipeline("other python", stages=stages, max_error_rate=1.0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stage_runs_in_another_python(other: str, workers: int, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=3, rows=4)
    result = run_quietly(pipeline(tmp_path, other), LocalExecutor(workers=workers))
    assert result.status == "complete"
    found = {record["id"]: record["text"] for record in records_of(tmp_path / "out")}
    assert found == {i: f"some words {i % 4}"[::-1] for i in range(12)}


def test_its_death_is_that_of_the_row_alone(other: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=1, rows=5)
    write_input(tmp_path / "in" / "bad", files=1, rows=1, text="poison")
    result = run_quietly(pipeline(tmp_path, other), LocalExecutor(workers=2))
    assert len(records_of(tmp_path / "out")) == 5
    (entry,) = quarantined(result)
    assert "it exited with code 3" in entry["error"]


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("/nowhere/python", "No such file or directory"),
        ("/bin/sh", "cannot be used"),
        (sys.executable + " -S", "No such file or directory"),
    ],
)
def test_what_cannot_be_used_is_told(python: str, told: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=2, rows=4)
    with pytest.raises(StageError, match=told) as raised:
        run_quietly(pipeline(tmp_path, python), LocalExecutor(workers=2))
    assert "reverse" in str(raised.value)
    assert python in str(raised.value)


def test_another_version_of_thresher_is_told(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.version_of.cache_clear()
    monkeypatch.setattr(module, "__version__", "0.0.1")
    write_input(tmp_path / "in", files=1, rows=1)
    with pytest.raises(StageError, match=f"has thresher {re.escape(thresher.__version__)}"):
        run_quietly(pipeline(tmp_path, other), LocalExecutor(workers=0))


def test_an_interpreter_that_cannot_load_the_stages_is_told(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has Thresher, but not the folder that this process imports the stage's module from."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "only_here.py").write_text(
        "from tests.other_python import Reverse\n\nclass Here(Reverse):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    only_here = importlib.import_module("only_here")
    monkeypatch.setattr(module, "_PACKAGES", re.compile("modules$"))
    write_input(tmp_path / "in", files=2, rows=4)
    run = pipeline(tmp_path, other)
    run.stages[2] = only_here.Here().with_(runtime_env={"py_executable": other})
    with pytest.raises(StageError, match="No module named 'only_here'"):
        run_quietly(run, LocalExecutor(workers=0))


def test_a_wrapper_must_become_python(other: str, tmp_path: Path) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\n{other} "$@"\nexit $?\n')
    wrapper.chmod(0o755)
    write_input(tmp_path / "in", files=1, rows=1)
    with pytest.raises(StageError, match="starts Python as a child"):
        run_quietly(pipeline(tmp_path, str(wrapper)), LocalExecutor(workers=0))
    wrapper.write_text(f'#!/bin/sh\nexec {other} "$@"\n')
    module.version_of.cache_clear()
    run_quietly(pipeline(tmp_path, str(wrapper)), LocalExecutor(workers=0))
    assert [record["text"] for record in records_of(tmp_path / "out")] == ["0 sdrow emos"]


def test_code_of_the_script_stays_in_its_version(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "version_of", lambda _: (3, 99))
    monkeypatch.setattr(Reverse, "__module__", "__main__")
    write_input(tmp_path / "in", files=1, rows=1)
    with pytest.raises(StageError, match=r"'reverse' is defined in the script.*is Python 3\.99"):
        run_quietly(pipeline(tmp_path, other), LocalExecutor(workers=0))


def test_what_cannot_be_meant_is_a_plan_error(other: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="py_executable=None is not a path"):
        pipeline(tmp_path, None).plan()  # type: ignore[arg-type]
    run = pipeline(tmp_path, other)
    run.stages[2].collective = True
    with pytest.raises(PlanError, match="leave collective or py_executable out"):
        run.plan()


def test_it_needs_no_guard_of_its_own() -> None:
    assert needs_guard(Step(0, (Reverse(),)))
    assert not needs_guard(
        Step(0, (Reverse().with_(runtime_env={"py_executable": "/opt/python"}),))
    )
