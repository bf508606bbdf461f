# SPDX-License-Identifier: Apache-2.0
"""One call of a Step that reads or writes files: lines named, rows counted from the file."""

import errno
import gzip
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.backends.calling import Calling, failing
from tests.toys import KeepEven, Pass, RaiseOn, batch, ids_of
from thresher.backends.call_failed import CallFailed
from thresher.errors import DataError, PlanError
from thresher.runs.part import OUT
from thresher.stages.base import ProcessingStage
from thresher.stages.reading import BadRecord, ReaderStage
from thresher.stages.text.io import ParquetReaderStage
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.writer import JsonlWriter, ParquetWriter
from thresher.stages.writing import BaseWriter, WriteStream
from thresher.tasks import DocumentBatch, FileGroupTask
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import ColumnType, decode


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


@pytest.mark.parametrize("stage", [JsonlReaderStage(), ParquetReaderStage()])
def test_a_missing_file_is_a_matter_of_the_storage(
    call: Calling, tmp_path: Path, stage: ReaderStage
) -> None:
    path = str(tmp_path / "none")
    with pytest.raises(CallFailed) as caught:
        call([stage], FileGroupTask("set", [path]))

    assert (caught.value.kind, caught.value.stage) == ("storage", path)
    assert caught.value.lost_file is None


def test_a_file_that_cannot_be_read_is_named(call: Calling, tmp_path: Path) -> None:
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl"]
    paths[0].write_bytes(gzip.compress(b'{"id":0}\n' * 10)[:-4])
    paths[1].write_text('{"id": 1}\n{"id": 2}\n')
    task = FileGroupTask("set", list(map(str, paths)))
    failed = failing(call, JsonlReaderStage(), task)

    assert failed.kind == "source"
    assert failed.lost_file is not None
    assert (failed.lost_file.path, failed.lost_file.rows) == (str(paths[0]), 10)
    assert failed.lost_file.is_estimate
    assert failed.lost_file.reason.startswith("the compressed file ends early (after ")
    assert failed.lost_file.reason.endswith("; mend or replace the file")

    # Then the group is read without it.
    outs, done = call([JsonlReaderStage(), Pass()], task, lost_files=(failed.lost_file,))
    assert ids_of(outs) == [1, 2]
    [rejected] = done.rejected
    assert (rejected.file, rejected.row, rejected.rows) == (str(paths[0]), 0, 10)
    assert (rejected.estimated, rejected.failed) == (True, True)
    assert rejected.error == failed.lost_file.reason
    assert rejected.cause == f"jsonl_reader_stage: {failed.lost_file.reason}"
    reader, _ = done.counts
    assert (reader.rows_in, reader.rows_out, reader.quarantined, reader.balance) == (12, 2, 10, 0)
    assert reader.estimated == 10


def test_what_is_odd_about_a_file_is_told(call: Calling, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id":0}\n') + bytes(3))
    outs, done = call([JsonlReaderStage(), Pass()], FileGroupTask("set", [str(path)]))

    assert ids_of(outs) == [0]
    assert done.warnings == [f"{path}: 3 bytes of padding follow the compressed data"]
    assert done.rejected == []


def test_columns_that_are_asked_for_and_absent_are_told(call: Calling, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"a","id":1}\n')
    reader = JsonlReaderStage(fields=["id", "gone"])
    _, done = call([reader, Pass()], FileGroupTask("set", [str(path)]))

    assert done.absent == ("gone",)
    assert done.names == {"id"}
    assert done.first_names == ("id",)


def test_a_part_that_has_failed_is_set_aside_by_file(call: Calling, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.jsonl" for n in range(2)]
    for n, path in enumerate(paths):
        path.write_text('{"id": 1}\n' * (n + 2))
    task = FileGroupTask("set", list(map(str, paths)))
    outs, done = call([JsonlReaderStage(), Pass()], task, reject="Pass\nKeyError: 'x'")

    assert outs == []
    assert [(r.file, r.row, r.rows, r.stage, r.error) for r in done.rejected] == [
        (str(path), 0, n + 2, "Pass", "KeyError: 'x'") for n, path in enumerate(paths)
    ]
    assert all(r.failed and not r.estimated for r in done.rejected)
    assert (done.counts[0].rows_in, done.counts[0].quarantined, done.counts[0].balance) == (5, 5, 0)


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


def test_rows_that_a_format_cannot_express_are_set_aside(call: Calling) -> None:
    values = [0.5, math.inf, math.nan, -math.inf]
    _, done = call([Pass(), JsonlWriter("out")], batch(range(4), x=values))

    [written] = done.files.written
    assert written.rows == 2
    assert [(r.row, r.stage, r.error, r.failed) for r in done.rejected] == [
        (row, "jsonl_writer", "column 'x' holds an infinity, which JSON cannot express", False)
        for row in (1, 3)
    ]
    counts = done.counts[1]
    assert (counts.rows_in, counts.rows_out, counts.quarantined, counts.balance) == (4, 2, 2, 0)
    with pytest.raises(CallFailed) as caught:
        call([Pass(), JsonlWriter("out")], batch(range(4), x=values), on_error="raise")
    assert caught.value.kind == "data"


def test_types_of_what_is_written_are_told(call: Calling) -> None:
    writer = ParquetWriter("out", schema={"x": "float64"})
    _, done = call([KeepEven(), writer], batch(range(4), x=[1, 2, 3, 4]))

    [written] = done.files.written
    columns = {"id": ColumnType(pa.int64()), "text": ColumnType(pa.string()),
               "x": ColumnType(pa.float64())}  # fmt: skip
    assert decode(written.holds) == columns
    assert written.columns == ""  # the same
    assert (written.rows, written.extension) == (2, "parquet")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "storage"),
        (RuntimeError("no ink"), "raised"),
        (PlanError("no such option"), "broken"),
    ],
)
def test_a_writer_that_fails_charges_no_rows(call: Calling, error: Exception, kind: str) -> None:
    class Full(JsonlWriter):
        def stream(self, file_path: str) -> Any:
            raise error

    with pytest.raises(CallFailed) as caught:
        call([Pass(), Full("out")], batch(range(4)))
    assert caught.value.kind == kind


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


class Choosy(JsonlWriter):
    """Refuses rows with these ids, and meets an error of the system from the third call on."""

    def __init__(self, path: str, bad: Sequence[int], refuse: Callable[[int], DataError]) -> None:
        super().__init__(path)
        self.bad, self.refuse = list(bad), refuse
        self.fails_from = 10**9

    def stream(self, file_path: str) -> WriteStream:
        return ChoosyStream(self, super().stream(file_path))


class ChoosyStream:
    def __init__(self, writer: Choosy, inner: WriteStream) -> None:
        self.writer, self.inner, self.calls = writer, inner, 0
        self.close = inner.close

    def write(self, task: DocumentBatch) -> None:
        self.calls += 1
        if self.calls >= self.writer.fails_from:
            raise OSError(errno.ENOSPC, "No space left on device")
        for at, each in enumerate(ids_of([task])):
            if each in self.writer.bad:
                raise self.writer.refuse(at)
        self.inner.write(task)


def test_rows_that_a_writer_refuses_one_by_one_are_set_aside(call: Calling, tmp_path: Path) -> None:
    writer = Choosy(str(tmp_path), range(1200), lambda at: BadRows({at: "not this one"}))
    _, done = call([writer], batch(range(2000)))

    assert len(done.rejected) == 1200
    assert (done.counts[0].rows_out, done.counts[0].balance) == (800, 0)


def test_a_writer_that_names_no_row_breaks_its_contract(call: Calling, tmp_path: Path) -> None:
    writer = Choosy(str(tmp_path), [3], lambda _: BadRows({}))

    assert failing(call, writer, batch(range(8))).kind == "broken"


def test_a_full_disk_is_charged_to_no_row_that_is_looked_for(call: Calling, tmp_path: Path) -> None:
    writer = Choosy(str(tmp_path), [7], lambda _: DataError("no such value"))
    writer.fails_from = 3
    with pytest.raises(CallFailed) as caught:
        call([writer], batch(range(8)))

    assert caught.value.kind == "storage"


class AtOnce(BaseWriter):
    """Writes a file at once, or raises on what it cannot write."""

    def __init__(self, path: str, bad: Sequence[int], most: int = 100) -> None:
        super().__init__(path, "txt")
        self.bad, self.most = set(bad), most

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        ids = ids_of([task])
        with open(file_path, "x") as file:
            file.writelines(f"{each}\n" for each in ids)
        if bad := self.bad.intersection(ids):
            raise DataError(f"cannot write {min(bad)}")
        if len(ids) > self.most:
            raise DataError("too many")

    def count_rows(self, file_path: str) -> int:
        return len(Path(file_path).read_text().splitlines())


class Cut(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Makes two batches of one."""

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:
        return [task.with_data(task.data.slice(0, 4)), task.with_data(task.data.slice(4))]


def test_a_format_that_is_written_at_once_refuses_single_rows_too(
    call: Calling, tmp_path: Path
) -> None:
    _, done = call([Cut(), AtOnce(str(tmp_path), [1, 6])], batch(range(8)))

    assert [(r.row, r.error) for r in done.rejected] == [
        (1, "cannot write 1"), (6, "cannot write 6")
    ]  # fmt: skip
    [written] = done.files.written
    assert written.rows == done.counts[1].rows_out == 6
    assert (tmp_path / "output" / written.temp).read_text().split() == list("023457")


def test_a_format_that_refuses_all_rows_of_a_file_makes_none(call: Calling, tmp_path: Path) -> None:
    _, done = call([AtOnce(str(tmp_path), range(8))], batch(range(8)))

    assert len(done.rejected) == 8
    assert done.files.written == []


def test_a_file_that_cannot_be_written_though_its_rows_can_is_a_matter_of_the_part(
    call: Calling, tmp_path: Path
) -> None:
    assert failing(call, AtOnce(str(tmp_path), [], most=5), batch(range(8))).kind == "data"


class NeverClosed(Choosy):
    """A writer whose files cannot be finished."""

    def stream(self, file_path: str) -> WriteStream:
        stream = super().stream(file_path)
        assert isinstance(stream, ChoosyStream)

        def fail() -> None:
            stream.inner.close()
            raise DataError("no way to finish it")

        stream.close = fail
        return stream


def test_what_goes_wrong_first_is_told_and_not_what_closing_says(
    call: Calling, tmp_path: Path
) -> None:
    writer = NeverClosed(str(tmp_path), [], lambda _: DataError("unused"))
    assert failing(call, writer, batch(range(8))).error == "no way to finish it"
    writer = NeverClosed(str(tmp_path), [3], lambda _: BadRows({}))
    assert failing(call, writer, batch(range(8))).kind == "broken"
