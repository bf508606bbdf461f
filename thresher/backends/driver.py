# SPDX-License-Identifier: Apache-2.0
"""Driver: a pure state machine. Messages and the clock in; leases, outcomes and errors out.

It knows parts, attempts and trees. It opens no file, starts no process and reads no clock, so that
the simulator can lead it through thousands of schedules.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from thresher.backends.controls import MAX_CONTROLS, PLACE_PARTS, Controls, Doubt
from thresher.backends.executor import Done, Failed, Heartbeat, Lease, Message, Started
from thresher.backends.faults import WORKER_DIED
from thresher.backends.suspects import Search
from thresher.backends.tree import Tree, gather
from thresher.backends.uncounted import (
    as_failure,
    counts_of,
    entries,
    is_countable,
    rows_of,
    up_to_reader,
)
from thresher.backends.verdicts import all_die, all_failed, not_put_up_with, too_many_lost
from thresher.errors import EngineError, ModelError, StageError, StorageError, ThresherError
from thresher.runs.balance import check_balance
from thresher.runs.part import LostFile, Outcome, Part, has_failed_wholly
from thresher.runs.tally import Tally
from thresher.stats import StageCounts
from thresher.tasks import FileGroupTask

MAX_ATTEMPTS = 3
"""Deaths after which a part is under suspicion and its rows are probed."""

BLIND_ATTEMPTS = 12
"""Deaths before a single row was read after which the source itself is found guilty.

Workers are also killed from outside, often as they start; that must not cost a part its place.
"""

MAX_DISTURBANCES = 50
"""Deaths for no fault of the rows, without any call that ended well, that end the run."""

MAX_GUILTY = 8
"""Guilty rows in one part above which it is not the rows that are to blame."""

MAX_DEATHS_IN_A_ROW = 100
"""Deaths without any call that ended well, after which workers are found unable to work."""

MAX_ROUNDS = 6
"""Searches for guilty rows after which the part is given up."""

STORAGE_ATTEMPTS = 4
"""Failures of the storage on one part that end the run."""

STORAGE_PAUSE = 0.2
"""Seconds before a part is tried again after such a failure; doubled by each further one."""

RATE_FROM = 1_000
"""Records from which on the error rate is judged while the run goes on."""

_NOT_COUNTED = ("unused", "interrupted")


@dataclass(frozen=True)
class Policy:
    """What to do about errors, and how much memory parts in flight may take."""

    on_error: Literal["quarantine", "raise"] = "quarantine"
    max_error_rate: float = 0.01
    memory: int = 2**31


@dataclass(eq=False)
class _State:
    """One part on its way."""

    part: Part
    leases: int = 0
    attempts: int = 0
    rounds: int = 0
    rows: int = 0
    skip: dict[int, str] = field(default_factory=dict)
    search: Search | None = None
    lost_files: dict[str, LostFile] = field(default_factory=dict)
    reject: str = ""
    cause: str = ""
    storage_failures: int = 0
    well_before: int = -1  # parts that had gone well when it failed first
    killer: str = ""  # the stage in which its worker died last
    not_before: float = 0.0
    is_control: bool = False


@dataclass
class _Attempt:
    """A lease that is out."""

    lease: Lease
    tree: Tree
    since: float
    stage: str = ""
    begun: bool = False  # an engine is given more attempts than it works on


class Driver:
    """Leads the parts of one Segment to their outcomes.

    Parameters
    ----------
    parts : Iterable[Part]
        In plan order.
    n_steps : int
        Steps of the Segment.
    can_bisect : bool
        Whether every stage of it works row by row, so that a row can be left out.
    epoch : int
        Goes into tokens, so that no two drivers' temporaries are called the same.
    counted : Tally
        What earlier runs found and lost, for the error rate.
    good_before, failed_before : int
        Parts of the Segment that earlier runs have brought to a good end, and to a bad one.
    control : Part | None
        A part that has gone well in an earlier run.
    source : Sequence[StageCounts]
        Stages up to the one that reads the source, by name: rows that nobody could count are
        charged to the last.
    """

    def __init__(
        self,
        parts: Iterable[Part],
        n_steps: int,
        *,
        epoch: int = 1,
        can_bisect: bool = True,
        policy: Policy | None = None,
        counted: Tally | None = None,
        good_before: int = 0,
        failed_before: int = 0,
        control: Part | None = None,
        source: Sequence[StageCounts] = (StageCounts("source"),),
    ) -> None:
        self.policy = policy or Policy()
        self.epoch = epoch
        self.can_bisect = can_bisect
        self.n_steps = n_steps
        self.error: ThresherError | None = None
        self.draining = False
        self._waiting = deque(_State(part) for part in parts)
        self._retries: deque[_State] = deque()
        self._last: deque[_State] = deque()  # tried again when all others were tried
        self._unknown: deque[_State] = deque()  # failed, and nobody knows how many rows they have
        self._states: dict[str, _State] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._tokens = 0
        self._in_flight = 0
        self._tally = counted or Tally()
        self._outcomes: list[Outcome] = []
        self._reasons: Counter[str] = Counter()
        self._deaths = 0
        self._disturbances = 0
        self._controls = Controls(control, turn=epoch)
        self._good = good_before
        self._failed_parts = failed_before
        self._first_failed = ""
        self._source = tuple(source)
        self._reads_first = bool(source[0].metrics.get("is_reader"))
        self.restarts = 0  # of workers, over the whole run of the Segment

    # -- leases -------------------------------------------------------------------------------

    def take(self, now: float) -> Lease | None:
        """The next lease, if memory allows one more part; retries and probes come first."""
        if self.error is not None:
            return None
        if self._controls.doubt is not None:
            return self._control(now)
        for _ in range(len(self._retries)):
            if self._retries[0].not_before <= now:
                return self._lease(self._retries.popleft(), now)
            self._retries.rotate(-1)
        if not self._waiting and self._last and not self.draining:
            return self._lease(self._last.popleft(), now)
        if self.draining or not self._waiting:
            return None
        # Neighbours often share what they lack: a part from far away tells more.
        state = self._waiting[-1 if self._controls.failed else 0]
        estimate = state.part.estimate
        if self._attempts and self._in_flight + estimate > self.policy.memory:
            return None
        self._waiting.remove(state)
        self._in_flight += estimate
        return self._lease(state, now)

    def drain(self) -> None:
        """Begin no other attempt: those that are out and have not begun are taken back."""
        if self.draining:
            return
        self.draining = True
        self._controls.doubt = None
        for attempt in [each for each in self._attempts.values() if not each.begun]:
            self._put_off(self._release(attempt))
        for waiting in (self._retries, self._last, self._unknown):
            while waiting:
                self._put_off(waiting.popleft())

    @property
    def done(self) -> bool:
        """Whether there is nothing left to hand out or to wait for."""
        if self.error is not None:
            return True
        return not (self._is_busy or self._unknown)

    @property
    def _is_busy(self) -> bool:
        """Whether another attempt is out or to come."""
        waiting = bool(self._waiting) and not self.draining
        return bool(waiting or self._retries or self._last or self._attempts)

    @property
    def running(self) -> int:
        """Attempts that are out."""
        return len(self._attempts)

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of memory that the parts being worked on are expected to take."""
        return self._in_flight

    def is_live(self, token: str) -> bool:
        """Whether an attempt is still wanted."""
        return token in self._attempts and self.error is None

    def outcomes(self) -> list[Outcome]:
        """Outcomes since the last call, to be committed in this order."""
        ready, self._outcomes = self._outcomes, []
        return ready

    def stuck(self, now: float, after: float) -> list[tuple[Lease, float, str]]:
        """(lease, seconds, stage) of attempts that are silent for ``after`` seconds.

        Of those that have not begun only the first, and only if none has.
        """
        begun = [attempt for attempt in self._attempts.values() if attempt.begun]
        return [
            (attempt.lease, now - attempt.since, attempt.stage)
            for attempt in begun or list(self._attempts.values())[:1]
            if now - attempt.since >= after
        ]

    def _control(self, now: float) -> Lease | None:
        """An attempt at a part that should go well, when nothing else is on its way."""
        part = self._next_control()
        if self._attempts or part is None:
            return None
        return self._lease(_State(part, is_control=True), now)

    def _next_control(self) -> Part | None:
        states = (*self._waiting, *self._retries, *self._last)
        return self._controls.next(state.part for state in states)

    def _lease(self, state: _State, now: float) -> Lease:
        self._tokens += 1
        token = f"{self.epoch}-{state.part.segment}-{self._tokens}"
        lost = tuple(state.lost_files.values())
        cut = (0, state.part.rows or 0) if state.part.cut else None
        again = state.leases > 0 or state.is_control
        state.leases += 1
        if state.is_control:
            lease = Lease(token, state.part, cut, {}, True, True, lost, again=again)
        elif state.search is not None:
            rows = state.search.probe
            lease = Lease(token, state.part, rows, {}, True, True, lost, again=again)
        else:
            alone = state.attempts > 0 or bool(state.reject)
            lease = Lease(
                token, state.part, cut, dict(state.skip), False, alone, lost, state.reject, again
            )
        self._states[token] = state
        self._attempts[token] = _Attempt(lease, Tree(self.n_steps - 1), now)
        return lease

    # -- messages -----------------------------------------------------------------------------

    def handle(self, message: Message, now: float) -> None:
        """Take one message in; stale and repeated ones change nothing."""
        attempt = self._attempts.get(message.token)
        if attempt is None or self.error is not None:
            return
        attempt.since = now
        attempt.begun = True
        if isinstance(message, Heartbeat):
            attempt.stage = message.stage
            self._saw_rows(message.token, message.rows)
        elif isinstance(message, Done):
            self._saw_rows(message.token, message.rows)
            attempt.tree.add(message)
            if attempt.tree.is_full:
                self._completed(attempt)
        elif isinstance(message, Failed):
            self._saw_rows(message.token, message.rows)
            if self._states[message.token].is_control:
                self._control_failed(self._release(attempt).part, message)
            else:
                self._failed(attempt, message, now)
        else:
            assert isinstance(message, Started)
        self._without_control()
        while self._unknown and not self._is_busy:
            self._uncounted(self._unknown.popleft())

    def _without_control(self) -> None:
        """End a doubt that no other part can end."""
        doubt = self._controls.doubt
        if doubt is None or self._attempts or self._next_control() is not None:
            return
        if not doubt.is_death:
            self.error = doubt.error
            return
        self._controls.doubt = None
        state = next(each for each in self._last if each.part.name == doubt.part)
        self._last.remove(state)
        self._give_up(state, state.killer, doubt.error.what, WORKER_DIED)

    def finish(self) -> None:
        """Judge the errors over everything, at the end of the run."""
        if self.error is None and self._failed_parts and not self._good:
            self.error = all_failed(self._failed_parts, self._reasons, self._first_failed)
        if self.error is None:
            self._judge(final=True)

    def _saw_rows(self, token: str, rows: int) -> None:
        state = self._states[token]
        state.rows = max(state.rows, rows)

    def _release(self, attempt: _Attempt) -> _State:
        token = attempt.lease.token
        del self._attempts[token]
        return self._states.pop(token)

    def _completed(self, attempt: _Attempt) -> None:
        if attempt.lease.rows != (0, 0):  # of no rows, no stage is asked
            self._deaths = 0
        state = self._release(attempt)
        if state.is_control:
            self._controls.passed()
            return
        if attempt.lease.probe:
            self._probed(state, died=False)
            return
        outcome = gather(state.part, attempt.tree, self.n_steps)
        problems = check_balance(outcome)
        if problems:
            self.error = StageError(
                "rows are unaccounted for: " + "; ".join(problems),
                where=f"part {state.part.name!r}",
                todo="a stage lost or invented rows; nothing of this part was committed",
            )
            return
        if state.reject:
            outcome = as_failure(outcome, state.reject, state.cause)
        self._settled(state, outcome)

    def _settled(self, state: _State, outcome: Outcome) -> None:
        """The part is finished, for good or for quarantine."""
        self._in_flight -= state.part.estimate
        part = state.part
        self._tally.add(outcome.counts, outcome.failure, part.source_bytes, part.segment)
        self._reasons.update(outcome.reasons)
        if has_failed_wholly(outcome.failure, outcome.failed_rows, outcome.counts):
            self._failed_parts += 1
            lost = next(iter(state.lost_files), f"part {part.name!r}")
            self._first_failed = self._first_failed or lost
        else:
            self._source = up_to_reader(outcome.counts) or self._source
            self._good += 1
            self._disturbances = 0
            self._controls.went_well(part, outcome.counts)
        self._outcomes.append(outcome)
        self._judge()

    def _failed(self, attempt: _Attempt, failed: Failed, now: float) -> None:
        state = self._release(attempt)
        where = f"stage {failed.stage!r}, part {state.part.name!r}"
        if failed.kind in _NOT_COUNTED:
            self._again(state)
        elif failed.kind == "storage":
            self._storage_failed(state, failed, now)
        elif state.reject:
            self._uncounted(state)
        elif failed.kind in ("setup", "broken", "model"):
            kind = ModelError if failed.kind == "model" else StageError
            self.error = kind(failed.error, where=where, todo=failed.detail)
        elif failed.kind == "died":
            self._died(state, attempt, failed)
        elif self.policy.on_error == "raise":
            self.error = not_put_up_with(failed.kind, failed.error, where, failed.detail)
        elif failed.kind == "source" and failed.lost_file is not None:
            self._lost_file(state, failed.lost_file, failed)
        elif attempt.lease.probe:
            self._probed(state, died=False)
        elif failed.kind == "place":
            self._place_failed(state, failed, where)
        else:
            state.attempts += 1
            again = failed.kind == "raised" and state.attempts < MAX_ATTEMPTS
            self._again(state) if again else self._give_up(
                state, failed.stage, failed.error, failed.cause
            )

    def _storage_failed(self, state: _State, failed: Failed, now: float) -> None:
        """A passing failure of the storage costs a pause; a lasting one ends the run."""
        state.storage_failures += 1
        if state.storage_failures >= STORAGE_ATTEMPTS:
            self.error = StorageError(failed.error, where=failed.stage, todo=failed.detail)
            return
        state.not_before = now + STORAGE_PAUSE * 2 ** (state.storage_failures - 1)
        self._again(state)

    def _lost_file(self, state: _State, lost: LostFile, failed: Failed) -> None:
        """Leave a file out that cannot be read; a part without any other has failed."""
        task = state.part.task
        files = {piece.path for piece in task.slices} if isinstance(task, FileGroupTask) else set()
        if lost.path in state.lost_files or not files - {*state.lost_files, lost.path}:
            state.lost_files.setdefault(lost.path, lost)
            self._give_up(state, failed.stage, lost.reason, f"{failed.stage}: unreadable")
            return
        state.lost_files[lost.path] = lost
        self._again(state)

    def _place_failed(self, state: _State, failed: Failed, where: str) -> None:
        """Something outside the data is missing: for this part alone, or for all of them?

        The part is tried again after all others. If none goes well meanwhile it is no matter of
        the part: the run ends, and nothing is charged to rows.
        """
        controls = self._controls
        state.attempts += 1
        state.well_before = controls.well if state.well_before < 0 else state.well_before
        controls.failed.add(state.part.name)
        is_alone = controls.well > state.well_before
        if state.attempts >= MAX_ATTEMPTS and is_alone:
            self._give_up(state, failed.stage, failed.error, failed.cause)
            return
        if state.attempts >= MAX_ATTEMPTS or (len(controls.failed) >= PLACE_PARTS and not is_alone):
            todo = "mend it and run again: what is committed stays, and nothing was charged to rows"
            self._doubt(Doubt(state.part.name, StageError(failed.error, where, todo)))
        self._later(state)

    def _doubt(self, doubt: Doubt) -> None:
        if self._controls.doubt is None and not self.draining:
            self._controls.doubt = doubt

    def _control_failed(self, part: Part, failed: Failed) -> None:
        """The part that should have gone well has failed, too."""
        controls, doubt = self._controls, self._controls.doubt
        if doubt is None or failed.kind in _NOT_COUNTED:
            return
        died = failed.kind == "died"
        self.restarts += died
        controls.died += died
        if controls.died > MAX_CONTROLS:
            self.error = all_die(failed.error, doubt.part)
        elif doubt.is_death and not died:
            controls.passed()
        elif doubt.is_death:
            self._disturbances += 1
            controls.doubt = None
            for state in self._last:
                if state.part.name == doubt.part:
                    state.attempts, state.well_before = 0, -1
        elif not died and controls.part is None:
            controls.failed.add(part.name)
        elif not died:
            self.error = doubt.error

    def _died(self, state: _State, attempt: _Attempt, failed: Failed) -> None:
        state.killer = failed.stage or attempt.stage or state.killer or self._source[-1].stage
        self._deaths += 1
        self.restarts += 1
        if self._deaths > MAX_DEATHS_IN_A_ROW:
            self.error = EngineError(
                f"workers died {self._deaths} times without finishing anything: {failed.error}",
                where=f"part {state.part.name!r}",
                todo="look at what the workers print; try workers=0, or fewer workers",
            )
            return
        if attempt.lease.probe:
            self._probed(state, died=True)
            return
        state.attempts += 1
        if state.attempts < MAX_ATTEMPTS:
            self._again(state)
        elif self.policy.on_error == "raise":
            self.error = StageError(
                f"the worker died {state.attempts} times: {failed.error}",
                where=f"part {state.part.name!r}",
                todo="use on_error='quarantine' to leave out the rows that kill it",
            )
        elif state.rows == 0 and state.attempts < BLIND_ATTEMPTS:
            self._again(state)
        elif self.can_bisect and state.rows > 0 and state.rounds < MAX_ROUNDS:
            state.rounds += 1
            state.search = Search.among(state.rows, failed.error)
            self._again(state)
        else:
            self._killed(state, f"the worker died {state.attempts} times: {failed.error}")

    def _killed(self, state: _State, reason: str) -> None:
        """A part has failed whose workers die, unless they die whatever they work on."""
        if 0 <= state.well_before < self._controls.well:
            self._give_up(state, state.killer, reason, WORKER_DIED)
            return
        state.well_before = self._controls.well
        self._doubt(Doubt(state.part.name, EngineError(reason), is_death=True))
        self._later(state)

    def _probed(self, state: _State, *, died: bool) -> None:
        """One probe of a search is judged; the last one leads back to a whole attempt."""
        search = state.search
        assert search is not None
        verdict = search.judge(died=died, disturbed=self._disturbances > 0)
        if verdict.is_disturbed:
            self._disturbances += 1
            if self._disturbances > MAX_DISTURBANCES:
                self.error = all_die(search.error, state.part.name)
                return
        if verdict.guilty is not None:
            state.skip[verdict.guilty] = f"kills its worker: {search.error}"
        if len(state.skip) > MAX_GUILTY:
            reason = f"more than {MAX_GUILTY} of its rows kill their worker: {search.error}"
            state.search = None
            self._killed(state, reason)
            return
        if search.is_over:
            state.search = None
            state.attempts = 0
        self._again(state)

    def _again(self, state: _State) -> None:
        if self.draining:
            self._put_off(state)
        else:
            self._retries.append(state)

    def _later(self, state: _State) -> None:
        """Try a part again after all others."""
        if self.draining:
            self._put_off(state)
        else:
            self._last.append(state)

    def _put_off(self, state: _State) -> None:
        """Leave a part to the next run."""
        self._in_flight -= state.part.estimate
        self._waiting.append(state)

    def _give_up(self, state: _State, stage: str, reason: str, cause: str) -> None:
        """The part has failed; what remains is to count its rows."""
        state.reject = f"{stage}\n{reason}"
        state.cause = cause
        state.search = None
        state.skip.clear()
        self._reasons[f"{stage}: {reason}"] += 1
        first = self._reads_first
        if is_countable(state.part, self._source, state.lost_files, reads_first=first):
            self._again(state)
        else:
            self._uncounted(state)

    def _uncounted(self, state: _State) -> None:
        """Nobody can count the part's rows: what is known of them, or an estimate, stands.

        It waits for another part that tells how many rows are to be expected.
        """
        part = state.part
        stage, _, reason = state.reject.partition("\n")
        lost = list(state.lost_files.values())
        estimate = self._tally.rows_in(part.source_bytes)
        rows, is_estimate = rows_of(part, lost, state.rows, estimate, self._source)
        if is_estimate and not estimate and self._is_busy:
            self._unknown.append(state)
            return
        outcome = Outcome(part, counts_of(self._source, rows, is_estimate=is_estimate))
        told = entries(part, lost, stage, reason, state.cause, rows, is_estimate=is_estimate)
        outcome.lines = [entry.to_json() for entry in told]
        self._settled(state, as_failure(outcome, state.reject, state.cause))

    def _judge(self, *, final: bool = False) -> None:
        """Stop the run once too large a share of it went to quarantine."""
        if self.error is not None or self.policy.on_error == "raise":
            return
        if final or self._tally.found >= RATE_FROM:
            limit = self.policy.max_error_rate
            self.error = too_many_lost(self._tally, limit, self._reasons, by_bytes=final)
