# SPDX-License-Identifier: Apache-2.0
"""The live view on a terminal, and the choice of a view for a stream."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

from thresher.runs.report.closing import IN_PYTHON, Hints, closing
from thresher.runs.report.figures import bar, duration
from thresher.runs.report.observer import ENDED_WELL, Observer, RunEnd, RunStart, Snapshot
from thresher.runs.report.plain import (
    PlainView,
    SilentView,
    is_ascii,
    opening,
    progress_line,
    share_done,
)
from thresher.runs.report.waterfall import balance, headers_of, lines_of
from thresher.stats import StageCounts

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.table import Table

REFRESH_PER_SECOND = 4
PROGRESS_WIDTH = 30
FRAME_LINES = 6


class TerminalView(Observer):
    """Shows the stages' rows as they flow, and leaves the row waterfall standing at the end.

    Parameters
    ----------
    hints : list[tuple[str, str]]
        (what to type, what it does) pairs to end with.
    """

    def __init__(self, stream: TextIO, hints: Hints = IN_PYTHON) -> None:
        self.stream = stream
        self.hints = hints
        self.ascii_only = is_ascii(stream)
        self._live: Live | None = None
        self._shown: tuple[Snapshot, float] | None = None

    def started(self, start: RunStart) -> None:
        """Pipeline, executor, and what lies ahead."""
        self._console().print(opening(start), style="bold", highlight=False, markup=False)
        for note in start.notes:
            self._say(f"note: {note}", "dim")
        if start.parts_done < start.parts:
            counts = tuple(StageCounts(stage) for stage in start.stages)
            done, total = start.parts_done, start.source_bytes
            self.progressed(Snapshot(0.0, start.parts, done, 0, 0, total, counts))

    def progressed(self, snapshot: Snapshot) -> None:
        """Remember where the run stands; the screen is refreshed at its own pace."""
        counts = snapshot.counts or (self._shown[0].counts if self._shown else ())
        self._shown = (replace(snapshot, counts=counts), monotonic())
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._render,
                console=self._console(),
                refresh_per_second=REFRESH_PER_SECOND,
                transient=True,
                redirect_stdout=self.stream is sys.stdout,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)

    def warned(self, text: str) -> None:
        """The warning, above the live part."""
        self._say(f"warning: {text}", "yellow")

    def ended(self, end: RunEnd) -> None:
        """The row waterfall, where things are, what to try next."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        for text in end.warnings:
            self._say(f"warning: {text}", "yellow")
        counts = end.snapshot.counts
        if counts:
            console = self._console()
            console.print()
            console.print(self._table(counts, final=True))
            self._say(balance(counts, has_ended=end.status in ENDED_WELL), "dim")
            console.print()
        good = end.status in ("complete", "nothing to do")
        first, *rest = closing(end, self.hints).split("\n")
        self._say(first, "bold green" if good else "bold yellow")
        for line in rest:
            self._say(line, "")

    # -- drawing ------------------------------------------------------------------------------

    def _console(self) -> Console:
        from rich.console import Console

        console = self.__dict__.get("_made")
        if console is None:
            console = self.__dict__["_made"] = Console(file=self.stream, highlight=False)
        return console

    def _say(self, text: str, style: str) -> None:
        self._console().print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        if self._shown is None:
            return Text("")
        snapshot, told = self._shown
        # The clock goes on between two snapshots.
        seconds = snapshot.seconds + monotonic() - told
        now = replace(snapshot, seconds=seconds)
        done = bar(share_done(now) or 0.0, PROGRESS_WIDTH, self.ascii_only)
        foot = Text.assemble((done, "cyan on grey23"), "  ", progress_line(now))
        table = self._table(now.counts, final=False)
        if len(now.counts) + FRAME_LINES > self._console().height:
            # The end of what is too high for the screen is cut off: not the progress, then.
            return Group(Text(""), foot, Text(""), table)
        return Group(Text(""), table, Text(""), foot)

    def _table(self, counts: tuple[StageCounts, ...], final: bool) -> Table:
        from rich.box import ASCII_DOUBLE_HEAD, SIMPLE_HEAD
        from rich.table import Table

        table = Table(
            box=ASCII_DOUBLE_HEAD if self.ascii_only else SIMPLE_HEAD,
            header_style="dim",
            border_style="dim",
            show_edge=False,
            pad_edge=False,
        )
        stage, *numbers, left, others = headers_of(counts)
        table.add_column(stage, no_wrap=True, style="bold")
        for name in numbers:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column(left, no_wrap=True, style="cyan")
        if not final:
            table.add_column("time", justify="right", no_wrap=True, style="dim")
        table.add_column(others, overflow="fold")
        for line, each in zip(lines_of(counts, self.ascii_only), counts, strict=True):
            *cells, other = line.cells
            time = [] if final else [duration(each.seconds)]
            table.add_row(*cells, *time, other, style="red" if each.balance else None)
        return table


def view_for(stream: TextIO, hints: Hints = IN_PYTHON) -> Observer:
    """The view that suits a stream: live on a terminal, plain lines elsewhere."""
    if is_live_terminal(stream):
        return TerminalView(stream, hints)
    return PlainView(stream, hints)


def default_view() -> Observer:
    """The view of a run started from Python."""
    # A notebook's output cannot be redrawn by moving a cursor.
    stream: TextIO = sys.stdout if in_notebook() else sys.stderr
    return view_for(stream) if stream is not None else SilentView()


def is_live_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can be redrawn."""
    try:
        return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    except (AttributeError, ValueError):
        return False


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this process."""
    kernel: Any = sys.modules.get("ipykernel")
    return kernel is not None and "IPython" in sys.modules
