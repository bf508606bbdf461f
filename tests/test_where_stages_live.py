# SPDX-License-Identifier: Apache-2.0
"""Stages defined right where the pipeline is run, wherever that is, with real worker processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.toys import read_output, records_of, write_input

PROGRAM = """
import os
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.function_decorators import processing_stage
from thresher.stages.text.filters import DocumentFilter
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch

DIVISOR = 3

def is_kept(number):
    return number % DIVISOR != 0

class KeepMost(ProcessingStage[DocumentBatch, DocumentBatch]):
    rows = "subset"

    def process(self, task):
        keep = [is_kept(i) for i in task.data.column("id").to_pylist()]
        assert os.getpid() != int(os.environ["DRIVER"]), "ran in the driver's process"
        return task.with_data(task.data.filter(keep))

@processing_stage(name="shout", rows="same")
def shout(task: DocumentBatch) -> DocumentBatch:
    return task.with_column("text", [t.upper() for t in task.data.column("text").to_pylist()])

class EndsWithEven(DocumentFilter):
    def score_document(self, text):
        return int(text[-1])

    def keep_document(self, score):
        return score % 2 == 0

def run():
    os.environ["DRIVER"] = str(os.getpid())
    pipeline = Pipeline("home", stages=[
        JsonlReader("input"), KeepMost(), shout, EndsWithEven(), JsonlWriter("output"),
    ])
    return pipeline.run()
"""

EXPECTED = [
    {"id": i, "text": f"SOME WORDS {i % 10}"} for i in range(20) if i % 3 and (i % 10) % 2 == 0
]


def python(folder: Path, *arguments: str, text: str | None = None) -> None:
    root = str(Path(__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        input=text,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def from_a_script(folder: Path) -> None:
    (folder / "script.py").write_text(PROGRAM + "\nrun()\n")
    python(folder, "script.py")


def from_the_command_line(folder: Path) -> None:
    python(folder, "-c", PROGRAM + "\nrun()\n")


def from_standard_input(folder: Path) -> None:
    python(folder, "-", text=PROGRAM + "\nrun()\n")


def from_a_module_beside_the_script(folder: Path) -> None:
    (folder / "beside.py").write_text(PROGRAM)
    (folder / "script.py").write_text("import beside\nbeside.run()\n")
    python(folder, "script.py")


def from_a_notebook(folder: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(source) for source in (PROGRAM, "run()")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()


@pytest.mark.parametrize(
    "start",
    [
        from_a_script,
        from_the_command_line,
        from_standard_input,
        from_a_module_beside_the_script,
        pytest.param(
            from_a_notebook,
            marks=[pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")],
        ),
    ],
)
def test_stages_defined_right_there_reach_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    write_input(tmp_path / "input")
    start(tmp_path)

    assert records_of(tmp_path / "output") == EXPECTED
    assert sorted(read_output(tmp_path / "output")) == ["f0.jsonl", "f1.jsonl"]


OWN_TASKS = """
from dataclasses import dataclass, field
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.tasks import EmptyTask, Task

@dataclass(frozen=True, eq=False)
class Note(Task[list]):
    data: list = field(default_factory=list)

    @property
    def num_items(self):
        return len(self.data)

class Make(ProcessingStage[EmptyTask, Note]):
    def process(self, task):
        return [Note("notes", [i]) for i in range(3)]

class Double(ProcessingStage[Note, Note]):
    resources = Resources(cpus=0.5)

    def process(self, task):
        assert isinstance(task, Note)
        return task.with_data([2 * i for i in task.data])

executor = LocalExecutor(workers=1)
made = Pipeline("made", stages=[Make(), Double()]).run(executor)
assert [(type(task), task.data) for task in made] == [(Note, [0]), (Note, [2]), (Note, [4])], made
given = Pipeline("given", stages=[Double()]).run(executor, [Note("notes", [7])])
assert [(type(task), task.data) for task in given] == [(Note, [14])], given
"""


def test_tasks_of_a_class_defined_right_there_travel_too(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(OWN_TASKS)
    python(tmp_path, "script.py")
