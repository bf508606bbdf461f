# SPDX-License-Identifier: Apache-2.0
"""Driver: a pure state machine. Messages and the clock in; leases, outcomes and errors out.

It knows parts, attempts and trees. It opens no file, starts no process and reads no clock, so that
the simulator can lead it through thousands of schedules.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from thresher.backends.executor import Done, Failed, Heartbeat, Lease, Message, Started
from thresher.backends.tree import Tree, gather
from thresher.errors import EngineError, ModelError, StageError, StorageError, ThresherError
from thresher.runs.balance import check_balance
from thresher.runs.part import Outcome, Part
from thresher.runs.tally import Tally

MAX_ATTEMPTS = 3
"""Deaths after which a part is under suspicion and its rows are probed."""

LONE_ATTEMPTS = 3
"""Deaths in a row that a single row must cause to be found guilty."""

BLIND_ATTEMPTS = 12
"""Deaths before a single row was read after which the source itself is found guilty.

Workers are also killed from outside, often as they start; that must not cost a part its place.
"""

MAX_GUILTY = 8
"""Guilty rows in one part above which it is not the rows that are to blame."""

MAX_DEATHS_IN_A_ROW = 100
"""Deaths without any call that ended well, after which workers are found unable to work."""

MAX_ROUNDS = 6
"""Searches for guilty rows after which the part is given up."""

RATE_FROM = 1_000
"""Records from which on the error rate is judged while the run goes on."""


@dataclass(frozen=True)
class Policy:
    """What to do about errors, and how much memory parts in flight may take."""

    on_error: Literal["quarantine", "raise"] = "quarantine"
    max_error_rate: float = 0.01
    memory: int = 2**31


@dataclass
class _Bisection:
    """The search for the rows that kill their worker."""

    ranges: list[tuple[int, int]]
    lone_deaths: int = 0
    error: str = ""


@dataclass
class _State:
    """One part on its way."""

    part: Part
    attempts: int = 0
    rounds: int = 0
    rows: int = 0
    skip: dict[int, str] = field(default_factory=dict)
    bisection: _Bisection | None = None


@dataclass
class _Attempt:
    """A lease that is out."""

    lease: Lease
    tree: Tree
    since: float
    rows: int = 0
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
    ) -> None:
        self.policy = policy or Policy()
        self.epoch = epoch
        self.can_bisect = can_bisect
        self.n_steps = n_steps
        self.error: ThresherError | None = None
        self.draining = False
        self._waiting = deque(_State(part) for part in parts)
        self._retries: deque[_State] = deque()
        self._states: dict[str, _State] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._tokens = 0
        self._in_flight = 0
        self._tally = counted or Tally()
        self._outcomes: list[Outcome] = []
        self._reasons: Counter[str] = Counter()
        self._deaths = 0
        self.restarts = 0  # of workers, over the whole run of the Segment

    # -- leases -------------------------------------------------------------------------------

    def take(self, now: float) -> Lease | None:
        """The next lease, if memory allows one more part; retries and probes come first."""
        if self.error is not None:
            return None
        if self._retries:
            return self._lease(self._retries.popleft(), now)
        if self.draining or not self._waiting:
            return None
        estimate = self._waiting[0].part.estimate
        if self._attempts and self._in_flight + estimate > self.policy.memory:
            return None
        state = self._waiting.popleft()
        self._in_flight += estimate
        return self._lease(state, now)

    def drain(self) -> None:
        """Begin no other attempt: those that are out and have not begun are taken back."""
        if self.draining:
            return
        self.draining = True
        for attempt in [each for each in self._attempts.values() if not each.begun]:
            self._put_off(self._release(attempt))
        while self._retries:
            self._put_off(self._retries.popleft())

    @property
    def done(self) -> bool:
        """Whether there is nothing left to hand out or to wait for."""
        if self.error is not None:
            return True
        waiting = bool(self._waiting) and not self.draining
        return not (waiting or self._retries or self._attempts)

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

    def _lease(self, state: _State, now: float) -> Lease:
        self._tokens += 1
        token = f"{self.epoch}-{state.part.segment}-{self._tokens}"
        if state.bisection is not None and state.bisection.ranges:
            lease = Lease(
                token, state.part, rows=state.bisection.ranges[-1], probe=True, alone=True
            )
        else:
            cut = (0, state.part.rows or 0) if state.part.cut else None
            lease = Lease(token, state.part, cut, dict(state.skip), alone=state.attempts > 0)
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
            self._failed(attempt, message)
        else:
            assert isinstance(message, Started)

    def finish(self) -> None:
        """Judge the error rate over everything, at the end of the run."""
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
        self._deaths = 0
        state = self._release(attempt)
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
        self._settled(state, outcome)

    def _settled(self, state: _State, outcome: Outcome) -> None:
        """The part is finished, for good or for quarantine."""
        self._in_flight -= state.part.estimate
        part = state.part
        self._tally.add(
            outcome.counts, outcome.failure, outcome.lost_rows, part.source_bytes, not part.segment
        )
        self._reasons.update(outcome.reasons)
        if outcome.failure:
            self._reasons[outcome.failure] += 1
        self._outcomes.append(outcome)
        self._judge()

    def _failed(self, attempt: _Attempt, failed: Failed) -> None:
        state = self._release(attempt)
        where = f"stage {failed.stage!r}, part {state.part.name!r}"
        if failed.kind in ("setup", "broken", "model"):
            kind = ModelError if failed.kind == "model" else StageError
            self.error = kind(failed.error, where=where, todo=failed.detail)
        elif failed.kind == "storage":
            self.error = StorageError(failed.error, where=failed.stage, todo=failed.detail)
        elif failed.kind == "died":
            self._died(state, attempt.lease, failed)
        elif failed.kind == "unused":
            self._again(state)
        elif self.policy.on_error == "raise":
            self.error = StageError(
                failed.error, where=where, todo=failed.detail or "mend the input or the stage"
            )
        elif attempt.lease.probe:
            self._probed(state, died=False)
        else:
            state.attempts += 1
            again = failed.kind == "raised" and state.attempts < MAX_ATTEMPTS
            self._again(state) if again else self._give_up(state, f"{failed.stage}: {failed.error}")

    def _died(self, state: _State, lease: Lease, failed: Failed) -> None:
        self._deaths += 1
        self.restarts += 1
        if self._deaths > MAX_DEATHS_IN_A_ROW:
            self.error = EngineError(
                f"workers died {self._deaths} times without finishing anything: {failed.error}",
                where=f"part {state.part.name!r}",
                todo="look at what the workers print; try workers=0, or fewer workers",
            )
            return
        if lease.probe:
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
            state.bisection = _Bisection(_pieces((0, state.rows)), error=failed.error)
            self._again(state)
        else:
            self._give_up(state, f"the worker died {state.attempts} times: {failed.error}")

    def _probed(self, state: _State, *, died: bool) -> None:
        """One range of a bisection is judged; the last one leads back to a whole attempt."""
        bisection = state.bisection
        assert bisection is not None
        low, high = bisection.ranges[-1]
        if died and high - low == 1 and bisection.lone_deaths + 1 < LONE_ATTEMPTS:
            bisection.lone_deaths += 1
        else:
            bisection.ranges.pop()
            bisection.lone_deaths = 0
            if died and high - low == 1:
                state.skip[low] = f"kills its worker: {bisection.error}"
            elif died:
                bisection.ranges += _pieces((low, high))
        if len(state.skip) > MAX_GUILTY:
            reason = f"more than {MAX_GUILTY} of its rows kill their worker: {bisection.error}"
            self._give_up(state, reason)
            return
        if not bisection.ranges:
            state.bisection = None
            state.attempts = 0
        self._again(state)

    def _again(self, state: _State) -> None:
        if self.draining:
            self._put_off(state)
        else:
            self._retries.append(state)

    def _put_off(self, state: _State) -> None:
        """Leave a part to the next run."""
        self._in_flight -= state.part.estimate
        self._waiting.append(state)

    def _give_up(self, state: _State, reason: str) -> None:
        self._settled(state, Outcome(state.part, [], failure=reason, lost_rows=state.rows))

    def _judge(self, *, final: bool = False) -> None:
        """Stop the run once too large a share of it went to quarantine."""
        if self.error is not None or self.policy.on_error == "raise":
            return
        limit = self.policy.max_error_rate
        tally = self._tally
        judged = final or tally.found >= RATE_FROM
        size = tally.share_of_bytes if final else 0.0
        if judged and max(tally.share_of_rows, size) > limit:
            rows = tally.share_of_rows
            share = f"{tally.quarantined} of {tally.found} records ({rows:.1%})"
            if size > rows:
                share = f"sources that hold {size:.1%} of the bytes"
            reason = "".join(f"; most often: {r}" for r, _ in self._reasons.most_common(1))
            self.error = StageError(
                f"{share} went to quarantine, more than max_error_rate={limit:g}{reason}",
                todo="look at the quarantine files for the reasons; mend the input or the stage, "
                "or raise max_error_rate; what is committed stays, and running again resumes",
            )


def _pieces(span: tuple[int, int]) -> list[tuple[int, int]]:
    """A range of rows in four, the lowest last, so that it is probed first.

    A guilty piece costs a worker and an innocent one does not: four pieces cost fewer than two.
    """
    low, high = span
    size = max(1, -(-(high - low) // 4))
    return [(start, min(start + size, high)) for start in range(low, high, size)][::-1]
