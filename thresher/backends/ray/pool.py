# SPDX-License-Identifier: Apache-2.0
"""A pool of Ray actors: the transport is Ray's, attempts and restarts are ours."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from types import MappingProxyType
from typing import Any

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Heartbeat
from thresher.backends.parcel import Parcel
from thresher.backends.pool import Event, Pool, died
from thresher.backends.ray.gang import first_line, places_for
from thresher.backends.ray.nodes import Nodes
from thresher.backends.ray.parcels import StoredParcel
from thresher.backends.ray.placement import Group
from thresher.backends.ray.worker import Worker
from thresher.errors import EngineError, error_text

PLACE_WITHIN_SECONDS = 120.0
_PROGRESS_SECONDS = 1.0
_STARTS_WITHOUT_WORK = 3


@dataclass(eq=False)
class _Actor:
    handle: Any
    group: Group
    name: str
    places: Any = None  # of the ranks that it leads
    others: frozenset[str] = frozenset()  # the nodes of those
    born: float = field(default_factory=monotonic)
    start: Any = None  # a reference while it is being placed
    node: str = ""
    envelope: Envelope | None = None
    answers: Any = None  # the generator of the call that runs
    finished: Any = None  # ready when that call has ended
    question: Any = None  # for its progress
    asked: float = 0.0
    told: tuple[str, int, str] = ("", 0, "")
    calls: int = 0


class RayPool(Pool):
    """Actors in groups: those of one group run the same Steps on the same resources.

    Parameters
    ----------
    groups : sequence of Group
        Which Steps run where, and on how many actors.
    lost_after_s : float
        Seconds of silence after which a node counts as lost.
    announce : callable
        Tells the user of it.
    max_tasks_per_worker : int | None
        Replace an actor after so many calls.
    most_per_node : dict[int, int]
        Steps that a node may run only so often at a time.
    """

    def __init__(
        self,
        ray: Any,
        blob: bytes,
        groups: Sequence[Group],
        *,
        lost_after_s: float,
        announce: Callable[[str], None],
        max_tasks_per_worker: int | None = None,
        most_per_node: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        self._ray = ray
        self._blob = ray.put(blob)
        self._kind = ray.remote(
            max_restarts=0, max_task_retries=0, concurrency_groups={"questions": 1}
        )(_actor_class(ray))
        self._nodes = Nodes(ray, lost_after_s, announce)
        self._max_tasks = max_tasks_per_worker
        self._most_per_node = most_per_node
        self._group_of = {step: group for group in groups for step in group.steps}
        self._last_step = max(self._group_of)
        self._actors: list[_Actor] = []
        self._early: deque[Event] = deque()
        self._born = 0
        self._fruitless = 0
        self._since = monotonic()  # when there was an actor last
        self.size = sum(group.size for group in groups)
        for group in groups:
            for _ in range(group.size):
                self._spawn(group)

    # -- the contract of pools ------------------------------------------------------------------

    def free(self) -> int:
        """Actors that are placed and have nothing to do."""
        return sum(self._is_free(actor) for actor in self._actors)

    def takes(self, step: int) -> bool:
        """Whether an actor of the Step's group is free."""
        return bool(self._free_for(step))

    def submit(self, envelope: Envelope) -> None:
        """Send an envelope to a free actor; to one where the data lies, if there is one."""
        near = getattr(envelope.parcel, "node", "")
        actor = min(self._free_for(envelope.step), key=lambda actor: actor.node != near)
        if near and self._nodes.is_lost(near):
            self._early.append(died(envelope, "its node was lost, and its data with it"))
            return
        actor.envelope = envelope
        actor.calls += 1
        actor.asked = monotonic()
        if envelope.step == self._last_step:  # costs less than a generator
            actor.finished = actor.handle.call_last.remote(envelope)
            return
        call = actor.handle.call.options(num_returns="streaming")
        actor.answers = call.remote(envelope)
        actor.finished = actor.answers.completed()

    def activity(self) -> str:
        """How many actors run which Step, and how many are on their way."""
        steps = Counter(a.envelope.step for a in self._actors if a.envelope is not None)
        told = [f"step {step + 1}: {n}" for step, n in sorted(steps.items())]
        starting = sum(actor.start is not None for actor in self._actors)
        told += [f"starting: {starting}"] if starting else []
        return f"{len(self._actors)} workers ({', '.join(told) or 'idle'})"

    def wait(self, timeout: float) -> list[Event]:
        """Answers, deaths and progress."""
        events = list(self._early)
        self._early.clear()
        watched = {}
        for actor in self._actors:
            if actor.start is not None:
                watched[actor.start] = actor
            elif actor.finished is not None:
                watched[actor.finished] = actor
        if watched:
            patience = 0 if events else timeout
            done, _ = self._ray.wait(
                list(watched), num_returns=1, timeout=patience, fetch_local=False
            )
            if done:  # and whatever else is ready by now
                done, _ = self._ray.wait(
                    list(watched), num_returns=len(watched), timeout=0, fetch_local=False
                )
            for reference in done:
                events += self._meet(watched[reference])
        events += self._lost() + self._asked()
        self._give_up_waiting()
        return events

    def stack(self, token: str) -> str:
        """Ask the actor that has an attempt where it is; one that does not answer is left alone."""
        for actor in self._actors:
            if actor.envelope is not None and actor.envelope.attempt.token == token:
                with contextlib.suppress(self._ray.exceptions.RayError):
                    return str(self._ray.get(actor.handle.stack.remote(token), timeout=3))
        return ""

    def close(self, *, kill: bool = False) -> None:
        """Tear stages down, then end all actors."""
        idle = [a for a in self._actors if not kill and self._is_free(a) and a.calls]
        asked = [actor.handle.close.remote() for actor in idle]
        if asked:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.wait(asked, num_returns=len(asked), timeout=10)
        for actor in list(self._actors):
            self._end(actor)
        self._nodes.close()

    # -- actors ---------------------------------------------------------------------------------

    @staticmethod
    def _is_free(actor: _Actor) -> bool:
        return actor.start is None and actor.envelope is None

    def _free_for(self, step: int) -> list[_Actor]:
        """Free actors that run a Step, on nodes that do not run it as often as they may."""
        group = self._group_of[step]
        found = [a for a in self._actors if self._is_free(a) and a.group is group]
        most = self._most_per_node.get(step)
        if most is None:
            return found
        busy = Counter(a.node for a in self._actors if a.envelope and a.envelope.step == step)
        return [actor for actor in found if busy[actor.node] < most]

    def _spawn(self, group: Group) -> None:
        self._born += 1
        name = f"actor-{self._born}"
        paths = [path for path in sys.path if path]
        places = None
        if group.ranks:
            places = places_for(self._ray, group.ranks, group.request, group.not_on)
        handle = self._kind.options(**group.options()).remote(
            self._blob, name, paths, group.guarded, group.ranks, group.request, places
        )
        self._actors.append(_Actor(handle, group, name, places, start=handle.ready.remote()))

    def _end(self, actor: _Actor) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(actor.handle, no_restart=True)
        if actor.places is not None:
            self._ray.util.remove_placement_group(actor.places)
        self._actors.remove(actor)

    def _meet(self, actor: _Actor) -> list[Event]:
        """An actor is placed, or a call has ended."""
        if actor.start is not None:
            return self._placed(actor)
        envelope = actor.envelope
        assert envelope is not None
        try:
            answer = self._ray.get(actor.finished)
            references = list(actor.answers or ())
            message, children = self._ray.get(references[-1]) if references else answer
        except self._ray.exceptions.RayError as error:
            return self._bury(actor, _how(error))
        self._fruitless = 0
        self._free(actor)
        if self._max_tasks and actor.calls >= self._max_tasks:
            self._end(actor)
            self._spawn(actor.group)
        return [Event(message, envelope, tuple(_owned(child, references) for child in children))]

    def _placed(self, actor: _Actor) -> list[Event]:
        try:
            actor.node, _ = self._ray.get(actor.start)
        except self._ray.exceptions.RayError as error:
            return self._bury(actor, _how(error))
        actor.start = None
        self._nodes.watch(actor.node)
        if actor.places is not None:
            table = self._ray.util.placement_group_table(actor.places)
            actor.others = frozenset(table["bundles_to_node_id"].values())
            for node in actor.others:
                self._nodes.watch(node)
        return []

    @staticmethod
    def _free(actor: _Actor) -> None:
        actor.envelope = actor.answers = actor.finished = actor.question = None

    def _bury(self, actor: _Actor, how: str) -> list[Event]:
        """An actor is gone: fail its call, if it had one, and start another."""
        envelope = actor.envelope
        self._end(actor)
        if envelope is None:
            self._fruitless += 1
            if self._fruitless > _STARTS_WITHOUT_WORK * self.size:
                raise EngineError(
                    f"Ray's actors end before they do any work: {how}",
                    todo="see the logs of the cluster; try LocalExecutor(workers=0) to see errors",
                )
        self._spawn(actor.group)
        return [died(envelope, how)] if envelope is not None else []

    def _lost(self) -> list[Event]:
        """Deaths on nodes that answer no more."""
        events: list[Event] = []
        for node in self._nodes.newly_lost():
            for actor in [a for a in self._actors if self._touches(a, node)]:
                events += self._bury(actor, "its node was lost")
        return events

    @staticmethod
    def _touches(actor: _Actor, node: str) -> bool:
        """Whether an actor is on a node, or waits for data from there."""
        parcel = actor.envelope.parcel if actor.envelope is not None else None
        return node in (actor.node, getattr(parcel, "node", "")) or node in actor.others

    def _asked(self) -> list[Event]:
        """Progress of calls that take long."""
        events = []
        now = monotonic()
        for actor in self._actors:
            if actor.envelope is None or now - actor.asked < _PROGRESS_SECONDS:
                continue
            actor.asked = now
            if actor.question is not None:
                done, _ = self._ray.wait([actor.question], timeout=0)
                if not done:
                    continue
                with contextlib.suppress(self._ray.exceptions.RayError):
                    told = self._ray.get(actor.question)
                    if told != actor.told and told[0] == actor.envelope.attempt.token:
                        actor.told = told
                        events.append(Event(Heartbeat(*told)))
            actor.question = actor.handle.progress.remote()
        return events

    def _give_up_waiting(self) -> None:
        """A cluster without room for any actor, or for a gang, would be waited for in vain."""
        now = monotonic()
        if any(actor.start is None for actor in self._actors):
            self._since = now
        gangs = [a for a in self._actors if a.group.ranks and a.start is not None]
        waiting = [a for a in gangs if now - a.born > PLACE_WITHIN_SECONDS]
        if now - self._since > PLACE_WITHIN_SECONDS:
            waiting = self._actors
        if waiting:
            needed = ", ".join(sorted({_needed(actor.group) for actor in waiting}))
            raise EngineError(
                f"no worker found a place within {PLACE_WITHIN_SECONDS:.0f} s; one needs {needed}",
                where="the Ray cluster",
                todo="see what it has free (`ray status`), and what else runs on it",
            )


def _actor_class(ray: Any) -> type[Worker]:
    """Worker with a thread of its own for questions about a call that runs."""

    class Actor(Worker):
        @ray.method(concurrency_group="questions")  # type: ignore[untyped-decorator]
        def progress(self) -> tuple[str, int, str]:
            return super().progress()

        @ray.method(concurrency_group="questions")  # type: ignore[untyped-decorator]
        def stack(self, token: str) -> str:
            return super().stack(token)

    return Actor


def _owned(envelope: Envelope, references: Sequence[Any]) -> Envelope:
    """The envelope with the reference itself for the number of what its worker yielded."""
    parcel: Parcel = envelope.parcel
    if not isinstance(parcel, StoredParcel):
        return envelope
    return replace(envelope, parcel=replace(parcel, ref=references[parcel.ref]))


def _needed(group: Group) -> str:
    return f"{group.ranks} times {group.request}" if group.ranks else str(group.request)


def _how(error: Exception) -> str:
    """Why an actor ended, in one line; of an exception in the actor, what was raised."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return f"the actor raised {error_text(cause)}"
    return first_line(error)
