# SPDX-License-Identifier: Apache-2.0
"""A row that is stolen anywhere turns the run red, and nothing of its part is committed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.toys import Lengths, Pass, read_output, run_quietly, write_input
from thresher.backends import output, parcel, runner, server
from thresher.backends.local import LocalExecutor
from thresher.errors import StageError
from thresher.pipeline import Pipeline
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import DocumentBatch


def without_last(task: Any) -> Any:
    """The batch less its last row."""
    return task.with_data(task.data.slice(0, task.num_items - 1))


class Stolen:
    """A run whose rows are stolen; everything else about it is in order."""

    def __init__(self, folder: Path) -> None:
        self.source = str(write_input(folder / "in", files=1))
        self.output = folder / "out"

    def run(self, *stages: Any, records: int = 0, **options: Any) -> str:
        writer = JsonlWriter(str(self.output))
        pipeline = Pipeline("p", stages=[JsonlReader(self.source), *stages, writer], **options)
        with pytest.raises(StageError) as caught:
            run_quietly(pipeline, LocalExecutor(workers=0))
        assert "unaccounted" in caught.value.what
        assert "f0.jsonl" in caught.value.where
        assert read_output(self.output) == {}
        assert not (self.output / "_thresher/p/manifest.json").exists()
        pages = [page.read_bytes() for page in self.output.rglob("ledger/**/*.json")]
        assert sum(b'"records"' in page for page in pages) == records
        return caught.value.what


@pytest.fixture
def stolen(tmp_path: Path) -> Stolen:
    return Stolen(tmp_path)


def test_nothing_is_stolen_from_an_honest_run(tmp_path: Path) -> None:
    stages = [JsonlReader(str(write_input(tmp_path / "in"))), JsonlWriter(str(tmp_path / "out"))]
    result = run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=0))

    assert [counts.rows_out for counts in result.counts] == [20, 20]


def test_a_row_stolen_in_the_reader(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = JsonlReaderStage.read

    def read(self: Any, task: Any, report: Any) -> Iterator[DocumentBatch]:
        return map(without_last, honest(self, task, report))

    monkeypatch.setattr(JsonlReaderStage, "read", read)
    assert "'jsonl_reader_stage' cannot account for 1 of 10 rows" in stolen.run()


def test_a_row_stolen_between_stages(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = runner.named
    monkeypatch.setattr(
        runner, "named", lambda task, outs: [without_last(o) for o in honest(task, outs)]
    )
    assert "10 rows left stage 'Lengths', 9 reached stage" in stolen.run(Lengths())


def test_a_row_stolen_between_steps(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel.Parcel, "open", lambda self: _opened(self))
    told = stolen.run(Lengths(), Pass(), config={"fusion": False})
    assert "10 rows left stage 'jsonl_reader_stage', 9 reached stage 'Lengths'" in told


def _opened(told: parcel.Parcel) -> Any:
    return without_last(told.task) if isinstance(told.task, DocumentBatch) else told.task


class Thief:
    """A stream that writes one row less."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.close = stream.close

    def write(self, task: DocumentBatch) -> None:
        self.stream.write(without_last(task))


def test_a_row_stolen_by_the_writer(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = JsonlWriter.stream
    monkeypatch.setattr(JsonlWriter, "stream", lambda self, path: Thief(honest(self, path)))
    assert "10 rows reached stage 'jsonl_writer', 9 are in the closed files" in stolen.run()


def test_a_row_stolen_on_the_way_to_a_checkpoint(
    stolen: Stolen, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = output.write_task
    monkeypatch.setattr(output, "write_task", lambda task, *to: honest(without_last(task), *to))
    told = stolen.run(Lengths(), Checkpoint(), Pass())
    assert "10 rows left stage 'Lengths', 9 are in the closed files" in told


def test_a_row_stolen_behind_a_checkpoint(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = runner.read_task
    monkeypatch.setattr(runner, "read_task", lambda path: without_last(honest(path)))
    told = stolen.run(Lengths(), Checkpoint(), Pass(), records=1)
    assert "the part has 10 rows, 9 reached 'Pass'" in told


def test_a_row_stolen_from_quarantine(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = server.OutputFiles.reject
    monkeypatch.setattr(
        server.OutputFiles, "reject", lambda self, path, rows: honest(self, path, rows[:-1])
    )
    (Path(stolen.source) / "f0.jsonl").write_text('{"id": 1}\n{\n{"id": 2}\n[\n')
    told = stolen.run(max_error_rate=1)
    assert "2 rows were sent to quarantine, 1 are in the closed files" in told


def test_a_whole_part_cannot_vanish(stolen: Stolen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "named", lambda task, outs: [])
    assert "10 rows left stage 'Lengths', 0 reached stage" in stolen.run(Lengths())
