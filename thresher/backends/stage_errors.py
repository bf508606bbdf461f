# SPDX-License-Identifier: Apache-2.0
"""Errors of stages: which rows are to blame, and what a stage makes of all others.

Every error is judged, the first one and each that is met while the rows are looked for: what is no
matter of rows ends the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from thresher.backends.answers import ask, named, rows_of
from thresher.backends.bisect import Bisected, bisect, rejoined
from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.context import Attempt, RunContext
from thresher.backends.excusing import MOST_TRIED, find_company, judge
from thresher.backends.faults import cause_of, may_be_of_the_place
from thresher.backends.lineage import numbers
from thresher.backends.quarantine import from_row
from thresher.backends.set_aside import SetAside
from thresher.backends.tally import forget_drops
from thresher.backends.whole_tasks import named_badly, no_matter_of_rows, of_a_whole_task
from thresher.errors import DataError
from thresher.planning.check import is_ours
from thresher.planning.plan import Stage
from thresher.stages.base import ROW_WISE
from thresher.tasks import DocumentBatch, Task
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.columns import from_numpy

AnyTask = Task[Any]
Accounted = Callable[[int, Stage, list[AnyTask], list[list[AnyTask]], list[AnyTask]], list[AnyTask]]

TRIED_ROWS = 16
"""Rows that must all fail for want of something outside, before it is missing for all of them."""


class StageErrors:
    """Meets the errors of one call of a Step.

    Parameters
    ----------
    aside : SetAside
        Takes the rows that are to blame.
    accounted : Accounted
        Counts the rows of answers in; what goes on.
    renew : Callable[[int], Stage]
        Sets the stage at an index up anew, as in a new worker, and returns it.
    """

    def __init__(
        self,
        context: RunContext,
        attempt: Attempt,
        aside: SetAside,
        accounted: Accounted,
        renew: Callable[[int], Stage],
    ) -> None:
        self.context = context
        self.attempt = attempt
        self.aside = aside
        self._accounted = accounted
        self._renew = renew

    def meet(self, index: int, stage: Stage, task: AnyTask, error: Exception) -> list[AnyTask]:
        """Set the rows aside that a stage raises on; what it makes of the others."""
        if told := no_matter_of_rows(stage, error):
            raise told from error
        # Other ranks of a collective stage would wait for this one.
        if not isinstance(task, DocumentBatch) or stage.collective:
            raise of_a_whole_task(stage, error) from error
        if isinstance(error, BadRows):
            return self._without_bad_rows(index, task, error)
        if stage.rows in ROW_WISE:
            return self._narrowed_down(index, stage, task, error)
        if stage.rows == "any" and numbers(task) is not None:
            return self._found_row_wise(index, task, error)
        raise of_a_whole_task(stage, error) from error

    def again(self, index: int, error: Exception) -> Stage:
        """The stage to call again on rows that it has seen; without what it kept of them.

        Stages that declare to work row by row keep nothing.
        """
        stage = self.aside.stages[index]
        if not may_keep_state(stage):
            return stage
        try:
            return self._renew(index)
        except CallFailed:  # there is no room for a second model, perhaps
            raise of_a_whole_task(stage, error) from error

    def _without_bad_rows(self, index: int, task: DocumentBatch, error: BadRows) -> list[AnyTask]:
        """The rows that a stage names are set aside, and the others given to it again."""
        while True:  # it may name them one by one
            self._reject_named(index, task, error)
            task = task.with_data(error.others(task.data))
            if not task.num_items:
                return []
            stage = self.again(index, error)
            try:
                handed, answers = ask(stage, [task])
            except BadRows as again:
                forget_drops(stage)
                error = again
            except Exception as other:
                forget_drops(stage)
                return self.meet(index, stage, task, other)
            else:
                return self._accounted(index, stage, [task], answers, handed)

    def _reject_named(self, index: int, task: DocumentBatch, error: BadRows) -> None:
        """Set the rows aside that a stage has named."""
        stage = self.aside.stages[index]
        if problem := named_badly(stage, task, error):
            raise problem from error
        for position, reason in error.in_order():
            if self.context.on_error == "raise":
                raise CallFailed("data", stage.name, reason)
            row = task.with_data(task.data.slice(position, 1))
            self.aside.counts[index].rows_in += 1
            self.aside.reject(index, from_row(self.attempt.part, stage.name, reason, row))

    # -- rows are looked for ------------------------------------------------------------------

    def _narrowed_down(
        self, index: int, stage: Stage, task: DocumentBatch, error: Exception
    ) -> list[AnyTask]:
        """Halve the batch until only single rows raise; what comes of the others."""

        def call(piece: DocumentBatch) -> list[DocumentBatch]:
            forget_drops(stage)
            handed, answers = ask(stage, [piece])
            done = self._accounted(index, stage, [piece], answers, handed)
            return [out for out in done if isinstance(out, DocumentBatch)]

        found = _found(stage, call, task, error)
        self._reject_raised(index, stage, found)
        return list(named(task, rejoined(found.outs)))

    def _found_row_wise(self, index: int, task: DocumentBatch, error: Exception) -> list[AnyTask]:
        """The same for a stage that does not say that it works row by row, if it keeps the numbers.

        It may look at several rows at once all the same: so the pieces only show which rows it
        raises on, and it is called once more on all others together.
        """
        stage = self.again(index, error)

        def call(piece: DocumentBatch) -> list[DocumentBatch]:
            handed, answers = ask(stage, [piece])
            forget_drops(stage)
            outs = [out for out in answers[0] if isinstance(out, DocumentBatch)]
            seen = handed[0]
            assert isinstance(seen, DocumentBatch)
            if len(outs) < len(answers[0]) or rows_of(stage, seen, outs).opaque:
                raise of_a_whole_task(stage, error) from error
            return []

        found = _found(stage, call, task, error)
        if not found.bad:  # only on all of them together
            raise of_a_whole_task(stage, error) from error
        if len(found.bad) > 1:
            self._excuse(index, task, error, found)
        rest = found.others(task)
        outs: list[AnyTask] = []
        if rest.num_items:
            stage = self.again(index, error)
            try:
                handed, answers = ask(stage, [rest])
            except CallFailed:
                raise
            except Exception as again:
                raise of_a_whole_task(stage, again) from again
            outs = self._accounted(index, stage, [rest], answers, handed)
        self._reject_raised(index, stage, found)
        return outs

    def _excuse(self, index: int, task: DocumentBatch, error: Exception, found: Bisected) -> None:
        """Take rows off that do no harm among those that go well: alone they were too few."""
        renew = partial(self.again, index, error)
        trials = _Trials(task, renew)
        well = found.other_places(task) or find_company(task.num_items, trials.raised_on)
        if not well:
            return
        suspects = np.setdiff1d(np.arange(task.num_items), well).tolist()
        judged = judge(suspects, well, trials.raised_on)
        if judged.guilty and trials.raised_on(judged.well):
            # It raises on what has gone well, too, when it comes again: so this says nothing.
            if len(suspects) > MOST_TRIED:
                return
            judged = judge(suspects, well, _Trials(task, renew, anew=True).raised_on)
        alone = {place: raised for place, (_, raised) in zip(found.places, found.bad, strict=True)}
        guilty = judged.guilty | {place: alone[place] for place in judged.open}
        rows = zip(found.places, found.bad, strict=True)
        found.bad = [(row, guilty[place]) for place, (row, _) in rows if place in guilty]
        found.places = sorted(guilty)

    def _reject_raised(self, index: int, stage: Stage, found: Bisected) -> None:
        for row, raised in found.bad:
            if isinstance(raised, BadRows):
                reason, cause = next(iter(raised.reasons.values()), str(raised)), ""
            elif isinstance(raised, DataError):
                reason, cause = str(raised), ""
            else:
                reason, cause = in_words(raised), cause_of(stage.name, raised)
            rejected = from_row(
                self.attempt.part, stage.name, reason, row, failed=bool(cause), cause=cause
            )
            if self.context.on_error == "raise":
                place = f"row {rejected.row}"
                raise CallFailed("raised", stage.name, f"{reason} ({place})") from raised
            self.aside.counts[index].rows_in += 1
            self.aside.reject(index, rejected)


def may_keep_state(stage: Stage) -> bool:
    """Whether what a stage makes of rows may depend on those that it was called with before."""
    return not is_ours(stage) and stage.rows not in ROW_WISE and not stage.collective


def _found(
    stage: Stage,
    call: Callable[[DocumentBatch], list[DocumentBatch]],
    task: DocumentBatch,
    error: Exception,
) -> Bisected:
    """The rows on which ``call`` raises.

    Raises
    ------
    CallFailed
        If an error is no matter of rows: if something outside is missing for a number of rows, or
        by now for one that has gone well before.
    """

    def judged(piece: DocumentBatch) -> list[DocumentBatch]:
        try:
            return call(piece)
        except Exception as raised:
            if told := no_matter_of_rows(stage, raised):
                raise told from raised
            raise

    fails = partial(_fails_for_its_place, stage)
    if may_be_of_the_place(error):
        count = min(task.num_items, TRIED_ROWS)
        tried = np.linspace(0, task.num_items - 1, count, dtype=np.int64)
        if all(fails(task, int(at)) for at in tried):
            raise of_a_whole_task(stage, error) from error
    found = bisect(judged, task, error)
    outside = [raised for _, raised in found.bad if may_be_of_the_place(raised)]
    if outside:
        good = np.setdiff1d(np.arange(task.num_items), found.places)
        if not good.size or fails(task, int(good[-1])):
            raise of_a_whole_task(stage, outside[-1]) from outside[-1]
    return found


class _Trials:
    """Calls of a stage on some rows of a batch, to see what it raises on them.

    ``renew`` sets it up before the first of them, or with ``anew`` before each.
    """

    def __init__(
        self, task: DocumentBatch, renew: Callable[[], Stage], *, anew: bool = False
    ) -> None:
        self._task = task
        self._renew = renew
        self._anew = anew
        self._stage: Stage | None = None

    def raised_on(self, places: Sequence[int]) -> Exception | None:
        """What the stage raises on the rows at these places, in their order in the batch."""
        if self._stage is None or self._anew:
            self._stage = self._renew()
        chosen = np.zeros(self._task.num_items, np.bool_)
        chosen[places] = True
        rows = self._task.with_data(self._task.data.filter(from_numpy(chosen)))
        return _raised_on(self._stage, rows)


def _raised_on(stage: Stage, task: DocumentBatch) -> Exception | None:
    """What a stage raises on rows; None if it raises nothing.

    Raises
    ------
    CallFailed
        If it is no matter of rows.
    """
    try:
        ask(stage, [task])
    except CallFailed:
        raise
    except Exception as raised:
        if told := no_matter_of_rows(stage, raised):
            raise told from raised
        return raised
    finally:
        forget_drops(stage)
    return None


def _fails_for_its_place(stage: Stage, task: DocumentBatch, position: int) -> bool:
    """Whether a stage fails on a row for want of something outside."""
    raised = _raised_on(stage, task.with_data(task.data.slice(position, 1)))
    return raised is not None and may_be_of_the_place(raised)
