# SPDX-License-Identifier: Apache-2.0
"""One call of a Step whose rows raise or kill: they alone are left out, with their reason."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.backends.calling import Calling, failing
from tests.toys import KeepEven, Pass, RaiseOn, RaiseOnAny, TooLarge, batch, ids_of
from thresher import storage
from thresher.backends.call_failed import CallFailed
from thresher.errors import DataError, ModelError, PlanError, StorageError
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import RowFilterStage
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.modules import DocumentSplitter
from thresher.tasks import ROW, DocumentBatch, FileGroupTask
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import json_field

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
    assert [(r.failed, r.cause) for r in done.rejected] == [(True, "RaiseOn: ValueError")] * 2


def test_a_data_error_of_a_row_is_no_failure(call: Calling) -> None:
    _, done = call([RaiseOn([2], DataError)], batch(range(4)))

    assert [(r.row, r.error, r.failed, r.cause) for r in done.rejected] == [
        (2, "cannot digest 2", False, "")
    ]  # fmt: skip


def test_on_error_raise_stops_at_the_first_row(call: Calling) -> None:
    with pytest.raises(CallFailed) as caught:
        call([RaiseOn([2, 5])], batch(range(8)), on_error="raise")
    assert caught.value.kind == "raised"
    assert "cannot digest 2" in caught.value.error
    assert "row 2" in caught.value.error


# -- stages that promise nothing about rows -------------------------------------------------------


class Whole(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Notes the ids that it is given, and raises while a bad one is among them."""

    def __init__(self, bad: set[int], most: int = 100, *, keeps_numbers: bool = True) -> None:
        self.bad, self.most, self.keeps_numbers = bad, most, keeps_numbers
        self.given: list[list[int]] = []

    def process(self, task: DocumentBatch) -> DocumentBatch:
        ids = task.data.column("id").to_pylist()
        self.given.append(ids)
        if self.bad.intersection(ids):
            raise ValueError(f"cannot digest {min(self.bad.intersection(ids))}")
        if len(ids) > self.most:
            raise ValueError(f"too many: {len(ids)}")
        sums = task.with_column("sum", [sum(ids)] * len(ids))
        return sums if self.keeps_numbers else sums.with_data(sums.data.drop_columns([ROW]))


def test_a_stage_that_keeps_row_numbers_is_narrowed_down_and_sees_all_others_together(
    call: Calling,
) -> None:
    stage = Whole({2, 5})
    outs, done = call([stage], batch(range(8)))

    assert ids_of(outs) == [0, 1, 3, 4, 6, 7]
    assert outs[0].data.column("sum").to_pylist() == [21] * 6  # all at once
    assert stage.given[0] == list(range(8))
    assert stage.given[-1] == [0, 1, 3, 4, 6, 7]
    assert [(r.row, r.failed, r.cause) for r in done.rejected] == [
        (2, True, "Whole: ValueError"), (5, True, "Whole: ValueError")
    ]  # fmt: skip
    assert "cannot digest 5" in done.rejected[1].error
    [counts] = done.counts
    assert (counts.rows_in, counts.rows_out, counts.quarantined, counts.balance) == (8, 6, 2, 0)


def test_of_rows_with_one_number_only_those_that_raise_are_set_aside(call: Calling) -> None:
    class Picky(Pass):
        rows = "any"  # type: ignore[assignment]

        def process(self, task: DocumentBatch) -> DocumentBatch:
            if "bad" in task.data.column("text").to_pylist():
                raise ValueError("no such word")
            return task

    task = batch([1, 2]).with_column("text", ["a|bad|b", "c|d"])
    outs, done = call([DocumentSplitter("|"), Picky()], task)

    assert [text for out in outs for text in out.data.column("text").to_pylist()] == [
        "a", "b", "c", "d"
    ]  # fmt: skip
    split, picky = done.counts
    assert (split.rows_in, split.rows_out) == (2, 5)
    assert (picky.rows_in, picky.rows_out, picky.quarantined, picky.balance) == (5, 4, 1, 0)


def test_a_stage_that_raises_on_all_rows_has_all_set_aside(call: Calling) -> None:
    outs, done = call([Whole(set(range(4)))], batch(range(4)))

    assert outs == []
    assert [r.row for r in done.rejected] == [0, 1, 2, 3]
    assert done.counts[0].balance == 0


def test_a_stage_that_raises_again_on_all_others_together_fails_as_a_whole(call: Calling) -> None:
    failed = failing(call, Whole({2}, most=5), batch(range(8)))

    assert failed.kind == "raised"
    assert "too many: 7" in failed.error


def test_a_stage_that_raises_on_no_row_alone_fails_as_a_whole(call: Calling) -> None:
    failed = failing(call, Whole(set(), most=3), batch(range(8)))

    assert (failed.kind, failed.cause) == ("raised", "Whole: ValueError")
    assert "too many: 8" in failed.error


def test_a_stage_that_loses_row_numbers_fails_as_a_whole(call: Calling) -> None:
    failed = failing(call, Whole({2}, keeps_numbers=False), batch(range(8)))

    assert (failed.kind, failed.cause) == ("raised", "Whole: ValueError")
    assert "cannot digest 2" in failed.error


def test_a_stage_that_merges_rows_fails_as_a_whole(call: Calling) -> None:
    class Merging(RaiseOn):
        rows = "merge"

    failed = failing(call, Merging([2]), batch(range(8)))

    assert failed.kind == "raised"
    assert "cannot digest 2" in failed.error


# -- rows that a stage names ----------------------------------------------------------------------


class Fussy(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Names rows with an odd id as bad, so many at once."""

    rows = "same"

    def __init__(self, at_once: int = 10**6) -> None:
        self.at_once = at_once
        self.calls = 0

    def process(self, task: DocumentBatch) -> DocumentBatch:
        self.calls += 1
        ids = task.data.column("id").to_pylist()
        bad = {at: f"{i} is odd" for at, i in enumerate(ids) if i % 2}
        if bad:
            raise BadRows(dict([*bad.items()][: self.at_once]))
        return task


class FussyAny(Fussy):
    rows = "any"


@pytest.mark.parametrize("stage", [Fussy(), Fussy(2), FussyAny(), FussyAny(1)])
def test_rows_that_a_stage_names_are_set_aside(call: Calling, stage: Fussy) -> None:
    stage = stage.copy(calls=0)
    outs, done = call([stage], batch(range(8)))

    assert ids_of(outs) == [0, 2, 4, 6]
    assert [(r.row, r.error, r.failed, r.cause) for r in done.rejected] == [
        (i, f"{i} is odd", False, "") for i in (1, 3, 5, 7)
    ]  # fmt: skip
    [counts] = done.counts
    assert (counts.rows_in, counts.rows_out, counts.quarantined, counts.balance) == (8, 4, 4, 0)
    assert stage.calls == 1 + -(-4 // stage.at_once)


def test_rows_may_be_named_one_after_another(call: Calling) -> None:
    outs, done = call([Fussy(1)], batch(range(3000)))

    assert len(ids_of(outs)) == 1500
    assert len(done.rejected) == 1500


@pytest.mark.parametrize("reasons", [{}, {17: "no such row"}, {-1: "no such row"}])
def test_a_stage_that_names_no_row_it_was_given_breaks_its_contract(
    call: Calling, reasons: dict[int, str]
) -> None:
    class Naming(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            raise BadRows(reasons)

    assert failing(call, Naming(), batch(range(4))).kind == "broken"


def test_a_row_that_is_named_ends_the_call_with_on_error_raise(call: Calling) -> None:
    with pytest.raises(CallFailed) as caught:
        call([Fussy()], batch(range(4)), on_error="raise")
    assert (caught.value.kind, caught.value.error) == ("data", "1 is odd")


def test_a_value_that_is_no_text_costs_its_row(call: Calling) -> None:
    values = pa.array(['"a"', "1", None, '["x"]', '"a b"'], pa.large_string())
    table = pa.Table.from_arrays([values], schema=pa.schema([json_field("text")]))
    outs, done = call([ScoreFilter(WordCountFilter(1))], DocumentBatch("set", table))

    assert [(r.row, r.error, r.failed) for r in done.rejected] == [
        (1, "field 'text' is a number, not text", False),
        (3, "field 'text' is a list, not text", False),
    ]  # fmt: skip
    assert json.loads(done.rejected[1].record or "") == {"text": ["x"]}
    assert outs[0].data.column("text").to_pylist() == ['"a"', '"a b"']
    assert done.counts[0].dropped == {"word_count": 1}


# -- what is a matter of the place ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (lambda _: ModuleNotFoundError("No module named 'x'"), "broken"),
        (lambda _: ImportError("cannot import"), "broken"),
        (lambda _: FileNotFoundError(errno.ENOENT, "No such file", "/models/x"), "place"),
        (lambda _: PermissionError(errno.EACCES, "denied"), "place"),
        (lambda _: ConnectionResetError("gone"), "place"),
        (lambda _: TimeoutError("late"), "place"),
        (lambda _: FileNotFoundError("model.bin is not there"), "place"),
        (lambda _: OSError("[E050] Can't find model 'en_core_web_sm'"), "place"),
        (StorageError, "storage"),
        (ModelError, "model"),
    ],
)
def test_no_row_is_charged_for_what_is_missing_outside(
    call: Calling, error: Callable[[str], Exception], kind: str
) -> None:
    for stage in (RaiseOn(list(range(8)), error), RaiseOnAny(list(range(8)), error)):  # type: ignore[arg-type]
        with pytest.raises(CallFailed) as caught:
            call([stage], batch(range(8)))
        assert caught.value.kind == kind


def test_a_file_that_one_row_lacks_costs_that_row(call: Calling) -> None:
    outs, done = call([RaiseOn([3], FileNotFoundError)], batch(range(8)))
    assert ids_of(outs) == [0, 1, 2, 4, 5, 6, 7]
    assert [(r.row, r.failed, r.cause) for r in done.rejected] == [
        (3, True, "RaiseOn: FileNotFoundError")
    ]  # fmt: skip

    class Absent(FileNotFoundError):
        def __init__(self, what: str) -> None:
            super().__init__(errno.ENOENT, what)

    outs, done = call([RaiseOn([3], Absent)], batch(range(8)))
    assert ids_of(outs) == [0, 1, 2, 4, 5, 6, 7]
    assert [(r.row, r.failed, r.cause) for r in done.rejected] == [(3, True, "RaiseOn: Absent")]


class FirstRowThen(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Raises on row 3 first, and on rows 5 to 7, or ever after, what is no matter of them."""

    rows = "same"

    def __init__(self, error: Exception, *, ever_after: bool = False) -> None:
        self.error, self.ever_after = error, ever_after
        self.calls = 0

    def process(self, task: DocumentBatch) -> DocumentBatch:
        self.calls += 1
        ids = task.data.column("id").to_pylist()
        if self.ever_after and self.calls > 4:
            raise self.error
        if 3 in ids:
            raise ValueError("cannot digest 3")
        if not self.ever_after and {5, 6, 7}.intersection(ids):
            raise self.error
        return task


class FirstRowThenAny(FirstRowThen):
    rows = "any"


@pytest.mark.parametrize("kind_of", [FirstRowThen, FirstRowThenAny])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModuleNotFoundError("No module named 'x'"), "broken"),
        (PlanError("no such word list"), "broken"),
        (ModelError("no such model"), "model"),
        (StorageError("cannot write: no space left on device"), "storage"),
        (OSError(errno.ENOSPC, "No space left on device"), "storage"),
    ],
)
def test_what_is_no_matter_of_rows_ends_the_call_whenever_it_is_met(
    call: Calling, kind_of: type[FirstRowThen], error: Exception, kind: str
) -> None:
    with pytest.raises(CallFailed) as caught:
        call([kind_of(error)], batch(range(8)))
    assert caught.value.kind == kind


@pytest.mark.parametrize("kind_of", [FirstRowThen, FirstRowThenAny])
def test_rows_are_not_charged_for_a_server_that_goes_down_while_they_are_looked_for(
    call: Calling, kind_of: type[FirstRowThen]
) -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    assert failing(call, kind_of(refused, ever_after=True), batch(range(8))).kind == "place"


@pytest.mark.parametrize("kind_of", [RaiseOn, RaiseOnAny])
def test_rows_with_dead_links_are_charged_wherever_they_stand(
    call: Calling, kind_of: type[RaiseOn]
) -> None:
    outs, done = call([kind_of([0, 50, 99], ConnectionRefusedError)], batch(range(100)))

    assert len(ids_of(outs)) == 97
    assert [(r.row, r.failed) for r in done.rejected] == [(0, True), (50, True), (99, True)]


def test_a_file_that_one_row_lacks_is_a_matter_of_this_row_in_our_own_words(
    call: Calling, tmp_path: Path
) -> None:
    class Open(Pass):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            if 5 in task.data.column("id").to_pylist():
                storage.open_read(str(tmp_path / "5.png"))
            return task

    outs, done = call([Open()], batch(range(8)))

    assert len(ids_of(outs)) == 7
    assert [(r.row, r.failed) for r in done.rejected] == [(5, True)]


def test_a_library_s_error_without_a_number_is_a_matter_of_the_place_if_every_row_meets_it(
    call: Calling,
) -> None:
    stage = RaiseOn(list(range(8)), OSError)

    assert failing(call, stage, batch(range(8))).kind == "place"


def test_a_library_s_error_without_a_number_is_a_matter_of_rows(call: Calling) -> None:
    outs, done = call([RaiseOn([3], OSError)], batch(range(8)))

    assert 3 not in ids_of(outs)
    assert [r.row for r in done.rejected] == [3]


# -- groups, memory, drops ------------------------------------------------------------------------


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
    class Cut(ProcessingStage[DocumentBatch, DocumentBatch]):
        def process(self, task: DocumentBatch) -> list[DocumentBatch]:
            return [task.with_data(task.data.slice(i, 2)) for i in range(0, task.num_items, 2)]

    outs, done = call([Cut(), RaiseOn([4]).with_(batch_size=8)], batch(range(8)))

    assert ids_of(outs) == [0, 1, 2, 3, 5, 6, 7]
    assert done.counts[1].rows_in == 8


def test_memory_errors_halve_the_batch(call: Calling) -> None:
    outs, done = call([TooLarge(3)], batch(range(10)))

    assert ids_of(outs) == list(range(10))
    assert not done.rejected
    assert len(outs) == 1


def test_drops_counted_before_an_error_are_not_counted_twice(call: Calling) -> None:
    class Company(RowFilterStage):
        def process(self, task: DocumentBatch) -> DocumentBatch:
            ids = task.data.column("id").to_numpy()
            out = self._select(task, ids % 2 == 0, "odd")
            if 4 in ids and len(ids) > 1:
                raise ValueError("four in company")
            return out

    outs, done = call([Company()], batch(range(8)))

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
