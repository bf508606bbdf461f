# SPDX-License-Identifier: Apache-2.0
"""One call of a Step that reads or writes files: lines named, rows counted from the file."""

from pathlib import Path
from typing import Any

import pytest

from tests.backends.calling import Calling, failing
from tests.toys import KeepEven, Pass, RaiseOn, batch, ids_of
from thresher.backends.call_failed import CallFailed
from thresher.runs.part import OUT
from thresher.stages.reading import BadRecord
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import FileGroupTask


def test_broken_records_are_set_aside_with_file_and_line(call: Calling, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 0}\n{"id": \n{"id": 2}\n')
    outs, done = call([JsonlReaderStage(), Lengthless()], FileGroupTask("set", [str(path)]))

    assert ids_of(outs) == [0, 2]
    assert done.counts[0].rows_in == 3
    [rejected] = done.rejected
    assert (rejected.row, rejected.file, rejected.line) == (1, str(path), 2)
    assert rejected.record == '{"id": '


class Lengthless(Pass):
    """Raises nothing; there to stand behind a reader."""


def test_rows_that_raise_are_found_again_in_their_file(call: Calling, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"id": {i}}}\n' for i in range(6)))
    _, done = call([JsonlReaderStage(), RaiseOn([4])], FileGroupTask("set", [str(path)]))

    [rejected] = done.rejected
    assert (rejected.row, rejected.file, rejected.line) == (4, str(path), 5)


def test_a_missing_file_is_a_data_error(call: Calling, tmp_path: Path) -> None:
    failed = failing(call, JsonlReaderStage(), FileGroupTask("set", [str(tmp_path / "none")]))

    assert failed.kind == "data"


def test_a_reader_that_raises_is_named(call: Calling) -> None:
    class Clumsy(JsonlReaderStage):
        def read(self, task: FileGroupTask, report: Any) -> Any:
            report.found += 1
            yield batch([1])
            raise RuntimeError("stumbled")

    failed = failing(call, Clumsy(), FileGroupTask("set", ["a"]))

    assert failed.kind == "raised"
    assert "stumbled" in failed.error


def test_bad_records_end_the_call_with_on_error_raise(call: Calling) -> None:
    class Bad(JsonlReaderStage):
        def read(self, task: FileGroupTask, report: Any) -> Any:
            report.bad.append(BadRecord("file", 0, 7, 100, "no comma", b"{"))
            yield from ()

    with pytest.raises(CallFailed) as caught:
        call([Bad()], FileGroupTask("set", ["a"]), on_error="raise")
    assert caught.value.kind == "data"
    assert "file, line 7" in caught.value.error


def test_what_is_written_is_counted_from_the_file(call: Calling) -> None:
    outs, done = call([KeepEven(), JsonlWriter("out")], batch(range(5)))

    assert outs == []
    [written] = done.files.written
    assert (written.port, written.rows, written.path) == (OUT, 3, ())
    assert done.counts[1].rows_out == 3


def test_nothing_to_write_makes_no_file(call: Calling) -> None:
    _, done = call([KeepEven(), JsonlWriter("out")], batch([1, 3]))

    assert done.files.written == []


def test_a_writer_that_raises_is_named(call: Calling) -> None:
    class Clumsy(JsonlWriter):
        def stream(self, file_path: str) -> Any:
            raise RuntimeError("no ink")

    failed = failing(call, Clumsy("out"), batch([1]))

    assert failed.kind == "raised"
    assert "no ink" in failed.error
