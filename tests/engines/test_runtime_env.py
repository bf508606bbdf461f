# SPDX-License-Identifier: Apache-2.0
"""Stages with an environment of their own: packages that nobody else has, and variables."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.engines.executors import ENGINES
from tests.engines.pipelines import ONE
from tests.other_python import Reverse, other_python
from tests.toys import Pass, quarantined, read_output, records_of, run_quietly, write_input
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore"),
]
PACKAGE = "inflection"
COLOUR = "THRESHER_TEST_COLOUR"


class Titles(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Uses the package in one environment, and does without in the other."""

    name = "titles"
    rows = "same"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        import inflection

        made = [inflection.titleize(text) for text in task.data.column("text").to_pylist()]
        made = [f"{os.environ[COLOUR]}: {text}" for text in made]
        return task.with_column("text", made)


class Finds(Pass):
    """Fails where the package is."""

    name = "finds"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        assert importlib.util.find_spec(PACKAGE) is None
        assert COLOUR not in os.environ
        return task


@pytest.mark.parametrize("engine", ["ray actor pool", "xenna", "ray data"])
def test_a_stage_has_packages_of_its_own(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=2, rows=3)
    environment = {"uv": [f"{PACKAGE}==0.5.1"], "env_vars": {COLOUR: "red"}}
    stages = [
        JsonlReader(str(tmp_path / "in")),
        Finds().with_(resources=ONE),
        Titles().with_(runtime_env=environment),
        JsonlWriter(str(tmp_path / "out")),
    ]

    result = run_quietly(Pipeline("environments", stages=stages), ENGINES[engine]())

    assert result.status == "complete"
    written = b"".join(read_output(tmp_path / "out").values()).decode()
    assert written.count('"red: ') == 6


@pytest.mark.parametrize("engine", ["ray actor pool", "xenna"])
def test_a_stage_has_a_python_of_its_own(engine: str, tmp_path: Path) -> None:
    write_input(tmp_path / "in", files=3, rows=3)
    write_input(tmp_path / "in" / "bad", files=1, rows=1, text="poison")
    python = other_python(tmp_path / "other")
    stages = [
        JsonlReader(str(tmp_path / "in")),
        Finds().with_(resources=ONE),
        Reverse().with_(runtime_env={"py_executable": python, "env_vars": {COLOUR: "red"}}),
        JsonlWriter(str(tmp_path / "out")),
    ]

    pipeline = Pipeline("pythons", stages=stages, max_error_rate=1.0)
    result = run_quietly(pipeline, ENGINES[engine]())

    found = {record["id"]: record["text"] for record in records_of(tmp_path / "out")}
    assert found == {i: f"some words {i % 3}"[::-1] for i in range(9)}
    (entry,) = quarantined(result)
    assert "it exited with code 3" in entry["error"]
