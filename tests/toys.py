# SPDX-License-Identifier: Apache-2.0
"""Small stages and inputs that many tests use; importable by worker processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report import Observer
from thresher.stages.base import NodeInfo, ProcessingStage, WorkerMetadata
from thresher.tasks import DocumentBatch


class Documents(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Base of the stages below."""

    rows = "same"


class Pass(Documents):
    """Gives back what it is given."""

    def __init__(self, label: str = "") -> None:
        self.label = label

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task


class Lengths(Documents):
    """Adds the number of characters of ``text``."""

    def inputs(self) -> tuple[list[str], list[str]]:
        return [], ["text"]

    def outputs(self) -> tuple[list[str], list[str]]:
        return [], ["length"]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task.with_column("length", pc.utf8_length(task.data.column("text")))


class KeepEven(Documents):
    """Keeps rows with an even ``id``."""

    rows = "subset"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        even = pc.equal(pc.bit_wise_and(task.data.column("id"), 1), 0)
        return task.with_data(task.data.filter(even))


class Twice(Documents):
    """Makes two rows of each."""

    rows = "expand"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        places = [i for i in range(task.num_items) for _ in range(2)]
        return task.with_data(task.data.take(pa.array(places, pa.int64())))


class Halves(Documents):
    """Makes two tasks of one."""

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:  # type: ignore[override]
        middle = task.num_items // 2
        return [task.with_data(task.data.slice(0, middle)), task.with_data(task.data.slice(middle))]


class HalvesApart(Halves):
    """The same, and they stay apart: nothing says that it works row by row."""

    rows = "any"


class RaiseOn(Documents):
    """Raises while a row with one of these ids is among those given."""

    def __init__(self, ids: Sequence[int], error: type[BaseException] = ValueError) -> None:
        self.ids = list(ids)
        self.error = error

    def process(self, task: DocumentBatch) -> DocumentBatch:
        bad = set(self.ids) & set(task.data.column("id").to_pylist())
        if bad:
            raise self.error(f"cannot digest {min(bad)}")
        return task


class RaiseOnAny(RaiseOn):
    """The same, but the rows cannot be told apart."""

    rows = "any"


class DieOn(Documents):
    """Ends its worker when it meets this id."""

    def __init__(self, poison: int, sign: int = signal.SIGKILL) -> None:
        self.poison = poison
        self.sign = sign

    def process(self, task: DocumentBatch) -> DocumentBatch:
        if self.poison in task.data.column("id").to_pylist():
            os.kill(os.getpid(), self.sign)
        return task


class EndWorkerOnce(Documents):
    """Ends the process above its own, once: the engine's worker, where it runs in a guard."""

    def __init__(self, folder: str, sign: int = signal.SIGKILL) -> None:
        self.folder = folder
        self.sign = sign

    def process(self, task: DocumentBatch) -> DocumentBatch:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(f"{self.folder}/ended", os.O_CREAT | os.O_EXCL))
            os.kill(os.getppid(), self.sign)
            time.sleep(10)
        return task


class TooLarge(Documents):
    """Has memory for so many rows only."""

    def __init__(self, most: int) -> None:
        self.most = most

    def process(self, task: DocumentBatch) -> DocumentBatch:
        if task.num_items > self.most:
            raise MemoryError(f"{task.num_items} rows")
        return task


class Sleep(Documents):
    """Takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def process(self, task: DocumentBatch) -> DocumentBatch:
        time.sleep(self.seconds)
        return task


class Notes(Documents):
    """Writes a line per event to a file: what ran, and in which process."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def note(self, event: str) -> None:
        with open(f"{self.folder}/{event}", "a") as file:
            file.write(f"{os.getpid()}\n")

    def setup_on_node(
        self, node_info: NodeInfo | None = None, worker_metadata: WorkerMetadata | None = None
    ) -> None:
        self.note("node")

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        self.note("setup")

    def teardown(self) -> None:
        self.note("teardown")

    def process(self, task: DocumentBatch) -> DocumentBatch:
        self.note("process")
        return task


class Listening(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def batch(ids: Iterable[int], **columns: Any) -> DocumentBatch:
    """A batch with ``id`` and ``text``."""
    numbers = list(ids)
    texts = [f"text of {i}" for i in numbers]
    return DocumentBatch("toys", pa.table({"id": numbers, "text": texts, **columns}))


def write_input(folder: Path, files: int = 2, rows: int = 10, text: str = "some words") -> Path:
    """JSONL files ``f0.jsonl`` and so on; ids go on from file to file."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(files):
        records = [{"id": n * rows + i, "text": f"{text} {i}"} for i in range(rows)]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"f{n}.jsonl").write_text(lines)
    return folder


def ids_of(tasks: Iterable[Any]) -> list[int]:
    """The ids in result tasks, in order."""
    return [i for task in tasks for i in task.data.column("id").to_pylist()]


def read_output(folder: Path) -> dict[str, bytes]:
    """Published files and their bytes."""
    names = sorted(p for p in folder.rglob("*") if p.is_file() and "_thresher" not in p.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in names}


def records_of(folder: Path) -> list[dict[str, Any]]:
    """All records of published JSONL files, in order."""
    return [json.loads(line) for data in read_output(folder).values() for line in data.splitlines()]


def quarantined(result: RunResult) -> list[dict[str, Any]]:
    """The entries of all quarantine files."""
    files = sorted(Path(result.quarantine_dir).rglob("*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def run_quietly(pipeline: Pipeline, *args: Any, **kwargs: Any) -> RunResult:
    """Run without anything on the terminal."""
    return pipeline.run(*args, **{"observer": Observer(), **kwargs})
