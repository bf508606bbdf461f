# SPDX-License-Identifier: Apache-2.0
"""Stages in another interpreter: here an environment of its own, with a package nobody else has."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import thresher
from tests.other_python import Reverse, other_python
from tests.toys import Pass, quarantined, records_of, run_quietly, write_input
from thresher.backends import other_python as module
from thresher.backends.local import LocalExecutor
from thresher.errors import StageError
from thresher.pipeline import Pipeline
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
    module.check_python.cache_clear()
    monkeypatch.setattr(module, "__version__", "0.0.1")
    write_input(tmp_path / "in", files=1, rows=1)
    with pytest.raises(StageError, match=f"has thresher {re.escape(thresher.__version__)}"):
        run_quietly(pipeline(tmp_path, other), LocalExecutor(workers=0))
