# SPDX-License-Identifier: Apache-2.0
"""The simulator finds mistakes: each of these, put into the code, is caught within some seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.broken import Broken
from tests.simulation.simulate import simulate_seed
from thresher.backends.driver import Driver
from thresher.backends.executor import Done, Lease
from thresher.backends.tree import Tree
from thresher.errors import StorageError
from thresher.runs.fence import Fence
from thresher.runs.ledger import Fenced, Ledger
from thresher.runs.ledger_state import LedgerState
from thresher.runs.part import OUT, PartRecord
from thresher.runs.publish import Publisher
from thresher.runs.run import Run

SEEDS = 300


def publish_before_append(patch: pytest.MonkeyPatch) -> None:
    append = Run._append

    def too_late(self: Run, page: dict[str, Any]) -> int:
        records = [PartRecord.from_dict(values) for values in page.get("records", ())]
        if not self.deferred:
            self.publisher.publish(records)
        return append(self, page)

    patch.setattr(Run, "_append", too_late)


def no_epoch_in_tokens(patch: pytest.MonkeyPatch) -> None:
    lease = Driver._lease

    def ambiguous(self: Driver, state: Any, now: float) -> Lease:
        self.epoch = 1
        return lease(self, state, now)

    patch.setattr(Driver, "_lease", ambiguous)
    patch.setattr(Run, "temp_folder", "_tmp/0/1")
    patch.setattr(Run, "temp_output_folder", "_thresher/_tmp/simulated-0/1")


def no_segment_in_tokens(patch: pytest.MonkeyPatch) -> None:
    lease = Driver._lease

    def ambiguous(self: Driver, state: Any, now: float) -> Lease:
        part = state.part
        state.part = type(part)(**{**vars(part), "segment": 0})
        found = lease(self, state, now)
        state.part = part
        token = found.token
        self._attempts[token].lease = Lease(
            token, part, found.rows, found.skip, found.probe, found.alone
        )
        return self._attempts[token].lease

    patch.setattr(Driver, "_lease", ambiguous)


def no_fence_on_append(patch: pytest.MonkeyPatch) -> None:
    append = Ledger.append

    def stubborn(self: Ledger, page: dict[str, Any]) -> int:
        try:
            return append(self, page)
        except Fenced:
            epoch = self.state.epoch
            self.load()
            self.state.epoch = epoch
            return append(self, page)

    patch.setattr(Ledger, "append", stubborn)


def nothing_is_taken_from_older_drivers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fence, "sweep", lambda self, named, below: None)


def sweep_what_records_name(patch: pytest.MonkeyPatch) -> None:
    sweep = Fence.sweep
    patch.setattr(Fence, "sweep", lambda self, named, below: sweep(self, (), below))


def sweep_epochs_of_others(patch: pytest.MonkeyPatch) -> None:
    sweep = Fence.sweep
    patch.setattr(Fence, "sweep", lambda self, named, below: sweep(self, named, below + 5))


def publish_second_generation_at_once(patch: pytest.MonkeyPatch) -> None:
    opened = Run._open_epoch

    def never_deferred(self: Run) -> None:
        opened(self)
        self.deferred = False

    patch.setattr(Run, "_open_epoch", never_deferred)


def manifest_stays_while_sealing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_retire_manifest", lambda self: None)


def files_of_vanished_parts_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_remove_gone", lambda self, records, staying: None)


def every_former_record_stays_beside(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LedgerState, "staying", lambda self: list(self.former))


def an_attempt_that_went_worse_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PartRecord, "went_better_than", lambda self, record: False)


def quarantine_is_published_at_once(patch: pytest.MonkeyPatch) -> None:
    def all_but_output(record: PartRecord, *, spill: bool) -> PartRecord:
        files = tuple(file for file in record.files if (file.port == OUT) != spill)
        return replace(record, files=files)

    patch.setattr("thresher.runs.run._only", all_but_output)


def recovery_settles_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_settle", lambda self: None)


def nothing_is_synced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Publisher, "sync", lambda self, files: None)


def stale_messages_count(patch: pytest.MonkeyPatch) -> None:
    release = Driver._release

    def keep(self: Driver, attempt: Any) -> Any:
        state = release(self, attempt)
        if not attempt.lease.probe:
            self._attempts[attempt.lease.token] = attempt
            self._states[attempt.lease.token] = state
        return state

    patch.setattr(Driver, "_release", keep)


def a_tree_is_full_by_count(patch: pytest.MonkeyPatch) -> None:
    def add(self: Tree, done: Done) -> None:
        self.reported[done.path] = done
        if done.step < self.last_step:
            self.missing.update((*done.path, i) for i in range(done.children))

    patch.setattr(Tree, "add", add)
    patch.setattr(Tree, "is_full", property(lambda self: len(self.reported) >= len(self.missing)))


def commits_leaf_by_leaf(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Tree, "is_full", property(lambda self: any(d.files for d in self.reported.values()))
    )


def sealed_records_are_done_whatever_the_recipe(patch: pytest.MonkeyPatch) -> None:
    pending = Run.pending

    def careless(self: Run, parts: Any) -> Any:
        return [part for part in pending(self, parts) if part.key not in self.state.records]

    patch.setattr(Run, "pending", careless)


def missing_files_are_not_missed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Publisher, "is_there", lambda self, record: True)


def empty_parts_are_never_recorded(patch: pytest.MonkeyPatch) -> None:
    commit = Run.commit
    patch.setattr(
        Run, "commit", lambda self, outcomes: commit(self, [o for o in outcomes if o.files])
    )


def summaries_forget(patch: pytest.MonkeyPatch) -> None:
    summary = LedgerState.summary
    patch.setattr(LedgerState, "summary", lambda self: {**summary(self), "former": []})


def order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    record = Run.commit

    def shuffled(self: Run, outcomes: Any) -> Any:
        for outcome in outcomes:
            outcome.files.sort(key=lambda file: (file.port, file.digest))
        return record(self, outcomes)

    patch.setattr(Run, "commit", shuffled)


def a_full_disk_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    publish = Publisher.publish

    def hopeful(self: Publisher, records: Iterable[PartRecord]) -> None:
        try:
            publish(self, records)
        except StorageError:
            return

    patch.setattr(Publisher, "publish", hopeful)


MUTATIONS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    publish_before_append,
    no_epoch_in_tokens,
    no_segment_in_tokens,
    no_fence_on_append,
    nothing_is_taken_from_older_drivers,
    sweep_what_records_name,
    sweep_epochs_of_others,
    publish_second_generation_at_once,
    manifest_stays_while_sealing,
    files_of_vanished_parts_stay,
    every_former_record_stays_beside,
    an_attempt_that_went_worse_counts,
    quarantine_is_published_at_once,
    recovery_settles_nothing,
    nothing_is_synced,
    stale_messages_count,
    a_tree_is_full_by_count,
    commits_leaf_by_leaf,
    sealed_records_are_done_whatever_the_recipe,
    missing_files_are_not_missed,
    empty_parts_are_never_recorded,
    summaries_forget,
    order_of_arrival,
    a_full_disk_is_passed_over,
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_it_is_caught(mutation: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        mutation(patch)
        for seed in range(SEEDS):
            try:
                simulate_seed(seed)
            except Broken:
                return
    pytest.fail(f"{mutation.__name__} went unnoticed through {SEEDS} schedules")
