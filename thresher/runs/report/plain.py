# SPDX-License-Identifier: Apache-2.0
"""Views for streams that are no terminal: plain lines, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TextIO

from thresher.runs.report.closing import IN_PYTHON, Hints, closing
from thresher.runs.report.figures import counted, duration, nearby, percent, size
from thresher.runs.report.observer import ENDED_WELL, Observer, RunEnd, RunStart, Snapshot
from thresher.runs.report.waterfall import waterfall

EVERY_SECONDS = 5.0


class SilentView(Observer):
    """Shows nothing."""


class PlainView(Observer):
    """Prints a line at the start, one every few seconds, and the row waterfall at the end.

    Parameters
    ----------
    hints : list[tuple[str, str]]
        (what to type, what it does) pairs to end with.
    """

    def __init__(
        self,
        stream: TextIO,
        hints: Hints = IN_PYTHON,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.stream = stream
        self.hints = hints
        self.clock = clock
        self._next = 0.0
        self._began = Snapshot(0.0, 0, 0, 0, 0, 0)

    def started(self, start: RunStart) -> None:
        """Pipeline, executor, and what lies ahead."""
        self._began = Snapshot(0.0, start.parts, start.parts_done, 0, 0, start.source_bytes)
        self._next = self.clock() + EVERY_SECONDS
        self._print(opening(start))
        for note in start.notes:
            self._print(f"note: {note}")

    def progressed(self, snapshot: Snapshot) -> None:
        """One line, when it is time."""
        if self.clock() >= self._next:
            self._next = self.clock() + EVERY_SECONDS
            self._print(progress_line(snapshot))

    def warned(self, text: str) -> None:
        """The warning, at once."""
        self._print(f"warning: {text}")

    def ended(self, end: RunEnd) -> None:
        """The row waterfall, where things are, what to try next."""
        counts = end.snapshot.counts
        if counts:
            has_ended = end.status in ENDED_WELL
            shown = waterfall(counts, ascii_only=is_ascii(self.stream), has_ended=has_ended)
            self._print(f"\n{shown}\n")
        for text in end.warnings:
            self._print(f"warning: {text}")
        self._print(closing(end, self.hints))

    def _print(self, text: str) -> None:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self.stream.flush()


def opening(start: RunStart) -> str:
    """What is about to run, in two lines."""
    done = f", {start.parts_done:,} of them done before" if start.parts_done else ""
    source = f" ({size(start.source_bytes)})" if start.source_bytes else ""
    to = f" -> {nearby(start.output)}" if start.output else ""
    return f"{start.pipeline}: {counted(start.parts, 'part')}{source}{done}{to}\n{start.executor}"


def progress_line(now: Snapshot) -> str:
    """Where the run stands, in one line."""
    told = [f"{now.parts_done:,}/{counted(now.parts, 'part')}"]
    share = share_done(now)
    if share is not None:
        told.append(percent(share))
    told.append(duration(now.seconds))
    rate = bytes_per_second(now)
    if rate:
        told.append(f"{size(rate)}/s")
    left = seconds_left(now)
    if left is not None:
        told.append(f"{duration(left)} left")
    if now.parts_running:
        told.append(f"{now.parts_running} running")
    if now.quarantined:
        told.append(f"{now.quarantined:,} in quarantine")
    if now.worker_restarts:
        told.append(f"{counted(now.worker_restarts, 'worker')} restarted")
    if now.workers:
        told.append(now.workers)
    return " · ".join(told)


def share_done(now: Snapshot) -> float | None:
    """How much is done, by bytes where they are known, else by parts."""
    if now.bytes_total > 0 and now.bytes_done < now.bytes_total:
        return now.bytes_done / now.bytes_total
    return now.parts_done / now.parts if now.parts else None


def bytes_per_second(now: Snapshot) -> float:
    """Source bytes a second."""
    return now.bytes_done / now.seconds if now.seconds > 0.2 else 0.0


def seconds_left(now: Snapshot) -> float | None:
    """A guess, once there is enough to go by."""
    share = share_done(now)
    if not share or share >= 1 or now.seconds < 2:
        return None
    return now.seconds * (1 - share) / share


def is_ascii(stream: TextIO) -> bool:
    """Whether the stream cannot show bars and rules."""
    try:
        "█─".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
