# SPDX-License-Identifier: Apache-2.0
"""One call of a Step whose rows raise or kill: they alone are left out, with their reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.backends.calling import Calling, failing
from tests.toys import KeepEven, Pass, RaiseOn, RaiseOnAny, TooLarge, batch, ids_of
from thresher.backends.call_failed import CallFailed
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import RowFilterStage
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.tasks import DocumentBatch, FileGroupTask

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
