# SPDX-License-Identifier: Apache-2.0
"""The contract between the driver and executors: leases down, messages up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from thresher.planning.machine import Machine
from thresher.planning.plan import Step
from thresher.runs.part import LostFile, Part, Path, WrittenFile
from thresher.stats import StageCounts


@dataclass(frozen=True)
class Lease:
    """One attempt at a part.

    Parameters
    ----------
    token : str
        Names the attempt; messages that bear another are stale.
    rows : tuple[int, int] | None
        Only these source rows, for a probe; ``None`` is all of them.
    skip : dict[int, str]
        Source rows that go to quarantine unprocessed, with the reason.
    probe : bool
        The attempt only finds out whether its rows kill their worker; it leaves nothing behind.
    lost_files : tuple[LostFile, ...]
        Files of the part that cannot be read: their rows go to quarantine.
    reject : str
        The part has failed: its rows are counted and go to quarantine for this reason, the name of
        the stage and what went wrong on two lines.
    again : bool
        An earlier attempt at the part was thrown away, a probe for one.
    """

    token: str
    part: Part
    rows: tuple[int, int] | None = None
    skip: dict[int, str] = field(default_factory=dict)
    probe: bool = False
    alone: bool = False
    lost_files: tuple[LostFile, ...] = ()
    reject: str = ""
    again: bool = False


@dataclass(frozen=True)
class Started:
    """A worker began a call."""

    token: str
    path: Path
    step: int
    worker: str = ""


@dataclass(frozen=True)
class Heartbeat:
    """A call goes on; ``rows`` are the source rows read so far."""

    token: str
    rows: int = 0
    stage: str = ""


@dataclass(frozen=True)
class Done:
    """A call has ended well.

    Parameters
    ----------
    children : int
        Tasks it made, numbered from 0: the driver waits for as many calls of the next Step.
    counts : tuple[StageCounts, ...]
        One per stage of the Step.
    files : tuple[WrittenFile, ...]
        What it wrote, on any port.
    inline : tuple
        (path, pickled task) of outputs of the last Step that are small and in no file.
    rows : int
        Source rows it read.
    memory : int
        Bytes: the largest resident memory its worker has had, of threads each one's share of their
        process; 0 if unknown.
    failed_rows : int
        Rows in quarantine because a stage failed on them.
    cause : str
        What failed, in a form that is the same at every attempt.
    first_names, names, left_out, absent : tuple[str, ...]
        What reader and stages tell of columns; see :class:`PartRecord`.
    warnings : tuple[str, ...]
        What is odd about the source, and harmless.
    """

    token: str
    path: Path
    step: int
    children: int
    counts: tuple[StageCounts, ...] = ()
    files: tuple[WrittenFile, ...] = ()
    inline: tuple[tuple[Path, bytes], ...] = ()
    rows: int = 0
    seconds: float = 0.0
    source_digest: str = ""
    reasons: tuple[tuple[str, int], ...] = ()
    worker: str = ""
    memory: int = 0
    failed_rows: int = 0
    cause: str = ""
    first_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """A call has ended badly.

    ``kind`` is ``"died"`` (the worker is gone), ``"raised"`` (the stage raised and could not be
    narrowed to rows), ``"place"`` (it raised for want of something outside the data, a server for
    one), ``"data"`` (the part cannot be read), ``"source"`` (one of its files cannot, which is
    ``lost_file``), ``"setup"`` (a stage could not be set up), ``"model"`` (because its model cannot
    be loaded), ``"broken"`` (a stage broke its contract), ``"storage"`` (a file could not be read
    or written; ``stage`` is then the path), ``"interrupted"`` (a stage raised KeyboardInterrupt:
    the run is to end) or ``"unused"`` (the engine ended through no fault of this attempt). The last
    two do not count. ``cause`` is that of a :class:`PartRecord`.
    """

    token: str
    path: Path
    step: int
    kind: str
    error: str
    stage: str = ""
    detail: str = ""
    rows: int = 0
    cause: str = ""
    lost_file: LostFile | None = None


Message = Started | Heartbeat | Done | Failed


class PartSource(Protocol):
    """Where an executor gets work from."""

    def take(self) -> Lease | None:
        """The next lease, or None if there is none at the moment."""

    @property
    def done(self) -> bool:
        """Whether there will never be another lease.

        To be asked at least once a second: it is also where finished parts are committed and
        stuck stages are noticed.
        """

    def is_live(self, token: str) -> bool:
        """Whether an attempt is still wanted."""


class BaseExecutor(ABC):
    """Carries Segments out.

    Executors never retry: they report, and the driver decides.

    ``activity`` tells what its workers do now, in a few words; empty if it does not. ``at_work`` is
    what can be asked for their stacks while a Segment runs: their pool, most often.
    """

    activity: str = ""
    at_work: Any = None

    def announce(self, text: str) -> None:
        """Tell the user something; a run puts its view in this place."""

    def stack(self, token: str) -> str:
        """Where the worker of an attempt is, for the watchdog; empty if it cannot be told."""
        return self.at_work.stack(token) if self.at_work is not None else ""

    def machine(self) -> Machine | None:
        """What plans are checked against; None is this machine."""
        return None

    def prepare(self) -> None:
        """Start what takes time, before the plan is known."""

    @abstractmethod
    def run_segment(
        self,
        steps: tuple[Step, ...],
        context: Any,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: Event,
    ) -> None:
        """Run leases from ``parts`` through ``steps`` until ``parts.done``; report to ``sink``.

        Returns early, with calls undone, once ``cancel`` is set.
        """

    def describe(self) -> str:
        """One line for plans and reports."""
        return type(self).__name__

    def close(self) -> None:
        """Stop workers and give back what they hold."""
