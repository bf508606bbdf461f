# SPDX-License-Identifier: Apache-2.0
"""One call of a Step: rows counted, errors narrowed down, broken contracts named."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.toys import KeepEven, Lengths, Pass, RaiseOn, RaiseOnAny, TooLarge, Twice, batch, ids_of
from thresher.backends.call_failed import CallFailed
from thresher.backends.context import Attempt, RunContext
from thresher.backends.output import OutputFiles
from thresher.backends.runner import StepCall
from thresher.errors import PlanError
from thresher.planning.plan import Step
from thresher.runs.part import OUT
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import RowFilterStage
from thresher.stages.reading import BadRecord
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import ROW, DocumentBatch, EmptyTask, FileGroupTask, Task


class Calling:
    """Calls Steps as a worker does, with files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n = 0

    def __call__(
        self, stages: list[Any], task: Task[Any], on_error: str = "quarantine", **attempt: Any
    ) -> tuple[list[Task[Any]], StepCall]:
        self.n += 1
        output = str(self.folder / "output")
        context = RunContext(output, output, "tmp", "tmp", "out", on_error, durable=False)
        told = Attempt(f"t{self.n}", "part", **attempt)
        step = Step(0, tuple(stage.as_stage() for stage in stages))
        call = StepCall(step, told, (), context, OutputFiles(context, told, ()))
        return list(call.run(task)), call


@pytest.fixture
def call(tmp_path: Path) -> Calling:
    return Calling(tmp_path)


def failing(call: Calling, stage: ProcessingStage[Any, Any], task: Task[Any]) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call([stage], task)
    assert caught.value.stage == stage.name
    return caught.value


class Answering(ProcessingStage[Any, Any]):
    """Answers whatever it was made to answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def process_batch(self, tasks: list[Any]) -> Any:
        return self.answer(tasks)


# -- counting -------------------------------------------------------------------------------------


def test_rows_are_counted_into_and_out_of_every_stage(call: Calling) -> None:
    outs, done = call([Lengths(), KeepEven(), Twice()], batch(range(5)))

    assert ids_of(outs) == [0, 0, 2, 2, 4, 4]
    lengths, even, twice = done.counts
    assert (lengths.rows_in, lengths.rows_out) == (5, 5)
    assert (even.rows_in, even.rows_out, even.dropped) == (5, 3, {"KeepEven": 2})
    assert (twice.rows_in, twice.rows_out, twice.expanded) == (3, 6, 3)
    assert all(counts.balance == 0 and not counts.opaque for counts in done.counts)
    assert all(counts.tasks == 1 and counts.bytes_in > 0 for counts in done.counts)


def test_rows_are_numbered_on_entry_and_known_by_their_number(call: Calling) -> None:
    outs, done = call([KeepEven()], batch([4, 5, 6]))

    assert outs[0].data.column(ROW).to_pylist() == [0, 2]
    assert outs[0].task_id == "part"
    assert done.rows == 3


def test_a_filter_after_an_expanding_stage_sees_rows_with_one_number(call: Calling) -> None:
    outs, done = call([Twice(), KeepEven(), Twice()], batch(range(3)))

    assert ids_of(outs) == [0, 0, 0, 0, 2, 2, 2, 2]
    assert [counts.balance for counts in done.counts] == [0, 0, 0]


def test_children_are_named_after_their_parent(call: Calling) -> None:
    outs, _ = call([Answering(lambda tasks: [[t, t] for t in tasks])], batch([1]))

    assert [task.task_id for task in outs] == ["part/0", "part/1"]


def test_drops_are_counted_under_the_rules_that_told_them(call: Calling) -> None:
    texts = pa.array(["one", "one two", "one two three"])
    task = DocumentBatch("set", pa.table({"text": texts}))
    strict, lax = (ScoreFilter(WordCountFilter(min_words=n)) for n in (3, 2))
    for stages in ([lax, strict], [lax, Pass(), strict], [lax.with_(batch_size=4), strict]):
        _, done = call(stages, task)
        drops = [counts.dropped for counts in done.counts if counts.dropped]
        assert drops == [{"word_count": 1}, {"word_count": 1}]


def test_drops_of_a_group_of_tasks_keep_their_rules(call: Calling) -> None:
    class Cut(ProcessingStage[DocumentBatch, DocumentBatch]):
        def process(self, task: DocumentBatch) -> list[DocumentBatch]:
            return [task.with_data(task.data.slice(i, 1)) for i in range(task.num_items)]

    class First(RowFilterStage):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            keep = pa.compute.less(task.data.column("id"), 3).to_numpy()
            return self._select(task, keep, "too late")

    outs, done = call([Cut(), First().with_(batch_size=3)], batch(range(7)))

    assert ids_of(outs) == [0, 1, 2]
    assert done.counts[1].dropped == {"too late": 4}


def test_a_stage_that_loses_the_numbers_is_opaque(call: Calling) -> None:
    class Anew(ProcessingStage[DocumentBatch, DocumentBatch]):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            return DocumentBatch("set", {"id": [7, 8, 9]})

    outs, done = call([Anew(), KeepEven()], batch([1]))

    assert ids_of(outs) == [8]
    assert (done.counts[0].opaque, done.counts[0].rows_in, done.counts[0].rows_out) == (True, 1, 3)
    assert done.counts[1].dropped == {"KeepEven": 2}


def test_metrics_of_a_stage_are_collected(call: Calling) -> None:
    class Measuring(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            self._log_metric("rows", task.num_items)
            return task

    _, done = call([Answering(lambda tasks: [[t, t] for t in tasks]), Measuring()], batch([1, 2]))

    assert done.counts[1].metrics == {"rows": 4.0}


# -- contracts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda tasks: [],
        lambda tasks: [*tasks, *tasks],
        lambda tasks: None,
        lambda tasks: iter(tasks),
        lambda tasks: tasks[0],
        lambda tasks: ["text"],
        lambda tasks: [[tasks[0], 7]],
        lambda tasks: [tasks[0].data],
    ],
    ids=["none", "two", "None", "iterator", "task", "text", "list with a number", "table"],
)
def test_anything_but_one_answer_per_task_is_a_broken_contract(call: Calling, answer: Any) -> None:
    failed = failing(call, Answering(answer), batch([1]))

    assert failed.kind == "broken"
    assert "answer" in failed.detail or "return" in failed.detail


@pytest.mark.parametrize("answer", [lambda t: (t, t), lambda t: iter([t, t]), lambda t: [[t], t]])
def test_several_answers_come_in_any_sequence(call: Calling, answer: Any) -> None:
    outs, _ = call([Answering(lambda tasks: [answer(t) for t in tasks])], batch([1]))

    assert ids_of(outs) == [1, 1]


def test_a_declaration_about_rows_that_is_broken_is_named(call: Calling) -> None:
    class Shuffling(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            return task.with_data(task.data.take([1, 0]))

    failed = failing(call, Shuffling(), batch([1, 2]))

    assert failed.kind == "broken"
    assert "rows='same'" in failed.error
    assert "__row" in failed.detail


def test_a_broken_declaration_is_not_bisected(call: Calling) -> None:
    class Doubling(RaiseOn):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            task = super().process(task)
            return task.with_data(pa.concat_tables([task.data, task.data]))

    assert failing(call, Doubling([3]), batch(range(5))).kind == "broken"


def test_a_stage_that_cannot_run_as_asked_is_not_bisected(call: Calling) -> None:
    calls = []

    class Mistaken(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            calls.append(task.num_items)
            raise PlanError("no such thing", todo="ask for another")

    failed = failing(call, Mistaken(), batch(range(5)))

    assert (failed.kind, failed.stage) == ("broken", "Mistaken")
    assert (failed.error, failed.detail) == ("no such thing", "ask for another")
    assert calls == [5]


def test_a_reader_takes_files_and_a_writer_documents(call: Calling) -> None:
    assert "FileGroupTask" in failing(call, JsonlReaderStage(), batch([1])).error
    assert "EmptyTask" in failing(call, JsonlWriter("out"), EmptyTask()).error


# -- errors ---------------------------------------------------------------------------------------


def test_rows_that_raise_are_set_aside_and_the_rest_flows_on(call: Calling) -> None:
    outs, done = call([RaiseOn([2, 5]), KeepEven()], batch(range(8)))

    assert ids_of(outs) == [0, 4, 6]
    first, second = done.counts
    assert (first.rows_in, first.rows_out, first.quarantined, first.balance) == (8, 6, 2, 0)
    assert second.rows_in == 6
    assert [(r.row, r.stage) for r in done.rejected] == [(2, "RaiseOn"), (5, "RaiseOn")]
    assert "ValueError: cannot digest 2" in done.rejected[0].error
    assert "toys.py:" in done.rejected[0].error
    assert json.loads(done.rejected[0].record or "") == {"id": 2, "text": "text of 2"}


def test_on_error_raise_stops_at_the_first_row(call: Calling) -> None:
    with pytest.raises(CallFailed) as caught:
        call([RaiseOn([2, 5])], batch(range(8)), on_error="raise")
    assert caught.value.kind == "raised"
    assert "cannot digest 2" in caught.value.error
    assert "row 2" in caught.value.error


def test_a_stage_that_is_not_row_wise_fails_as_a_whole(call: Calling) -> None:
    failed = failing(call, RaiseOnAny([2]), batch(range(8)))

    assert failed.kind == "raised"
    assert "cannot digest 2" in failed.error


def test_a_generator_that_raises_is_narrowed_down_too(call: Calling) -> None:
    class Yielding(ProcessingStage[DocumentBatch, DocumentBatch]):
        rows = "expand"

        def process(self, task: DocumentBatch) -> Any:
            yield task.with_data(task.data.slice(0, 1))
            if 3 in task.data.column("id").to_pylist():
                raise KeyError("three")
            yield task.with_data(task.data.slice(1))

    outs, done = call([Yielding()], batch(range(6)))

    assert ids_of(outs) == [0, 1, 2, 4, 5]
    assert [r.row for r in done.rejected] == [3]


def test_a_group_that_raises_is_called_task_by_task(call: Calling) -> None:
    class Whole(ProcessingStage[DocumentBatch, DocumentBatch]):
        def process(self, task: DocumentBatch) -> list[DocumentBatch]:
            return [task.with_data(task.data.slice(i, 2)) for i in range(0, task.num_items, 2)]

    outs, done = call([Whole(), RaiseOn([4]).with_(batch_size=8)], batch(range(8)))

    assert ids_of(outs) == [0, 1, 2, 3, 5, 6, 7]
    assert done.counts[1].rows_in == 8


def test_memory_errors_halve_the_batch(call: Calling) -> None:
    outs, done = call([TooLarge(3)], batch(range(10)))

    assert ids_of(outs) == list(range(10))
    assert not done.rejected
    assert len(outs) == 1


def test_drops_counted_before_an_error_are_not_counted_twice(call: Calling) -> None:
    class Fussy(RowFilterStage):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            ids = task.data.column("id").to_numpy()
            out = self._select(task, ids % 2 == 0, "odd")
            if 4 in ids and len(ids) > 1:
                raise ValueError("four in company")
            return out

    outs, done = call([Fussy()], batch(range(8)))

    assert ids_of(outs) == [0, 2, 4, 6]
    assert done.counts[0].dropped == {"odd": 4}


# -- probes and rows left out ---------------------------------------------------------------------


def test_rows_known_to_kill_are_left_out_with_their_reason(call: Calling) -> None:
    outs, done = call([Pass()], batch(range(4)), skip=((1, "kills"),))

    assert ids_of(outs) == [0, 2, 3]
    assert [(r.row, r.error) for r in done.rejected] == [(1, "kills")]
    assert done.counts[0].balance == 0


def test_a_limit_and_rows_left_out_hold_together(call: Calling, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"id": {i}}}\n' for i in range(6)))
    files = FileGroupTask("set", [str(path)])
    outs, done = call([JsonlReaderStage()], files, rows=(0, 4), skip=((1, "kills"),))

    assert ids_of(outs) == [0, 2, 3]
    [counts] = done.counts
    assert (counts.rows_in, counts.dropped, counts.quarantined) == (6, {"limit": 2}, 1)
    assert counts.balance == 0
    assert done.rejected[0].file == str(path)
    assert done.rejected[0].line == 2


def test_a_probe_sees_its_rows_only(call: Calling) -> None:
    outs, _ = call([Pass()], batch(range(9)), rows=(3, 6), probe=True)

    assert ids_of(outs) == [3, 4, 5]


# -- readers and writers --------------------------------------------------------------------------


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
