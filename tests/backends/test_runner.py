# SPDX-License-Identifier: Apache-2.0
"""One call of a Step: rows counted, broken contracts named."""

from typing import Any

import pyarrow as pa
import pytest

from tests.backends.calling import Calling, failing
from tests.toys import KeepEven, Lengths, Pass, RaiseOn, Twice, batch, ids_of
from thresher.errors import PlanError
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import RowFilterStage
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.writer import JsonlWriter
from thresher.tasks import ROW, DocumentBatch, EmptyTask


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


NUMBERS_AS = {
    "int32": (lambda column: column.cast(pa.int32()), True),
    "uint32": (lambda column: column.cast(pa.uint32()), True),
    "uint64": (lambda column: column.cast(pa.uint64()), True),
    "no reader's": (lambda column: pa.array([2**63] * len(column), pa.uint64()), False),
    "float64": (lambda column: column.cast(pa.float64()), False),
    "nulls": (lambda column: pa.array([None] * len(column), pa.int64()), False),
    "string": (lambda column: column.cast(pa.string()), False),
    "dictionary": (lambda column: column.dictionary_encode(), False),
    "pieces": (lambda column: pa.chunked_array([column.chunk(0)[:1], column.chunk(0)[1:]]), True),
}


@pytest.mark.parametrize("given", ["once", "twice", "from outside"])
@pytest.mark.parametrize("kind", NUMBERS_AS)
def test_numbers_come_back_as_they_were_or_are_lost(call: Calling, kind: str, given: str) -> None:
    change, known = NUMBERS_AS[kind]

    def recast(task: DocumentBatch) -> DocumentBatch:
        at = task.data.schema.get_field_index(ROW)
        return task.with_data(task.data.set_column(at, ROW, change(task.data.column(at))))

    stage = Answering(lambda tasks: [recast(task) for task in tasks])
    if given == "from outside":
        (out,), done = call([Pass()], recast(numbered(3, 4)))
        assert out.data.column(ROW).to_pylist() == ([3, 4] if known else [0, 1])
    else:
        before = [] if given == "once" else [Twice()]
        (out,), done = call([*before, stage], numbered(3, 4))
        assert out.num_items == 2 + 2 * len(before)
        numbers = [number for number in (3, 4) for _ in range(1 + len(before))]
        assert done.counts[-1].opaque != known
        if known:
            assert out.data.column(ROW).to_pylist() == numbers
        else:
            assert ROW not in out.data.column_names
    assert ROW not in out.data.column_names or out.data.column(ROW).type == pa.int64()


def numbered(*rows: int) -> DocumentBatch:
    task = batch(rows)
    return task.with_data(task.data.append_column(ROW, pa.array(rows, pa.int64())))


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
