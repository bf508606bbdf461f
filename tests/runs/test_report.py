# SPDX-License-Identifier: Apache-2.0
"""What is shown of a run: the waterfall, plain lines, the live view."""

import io
from dataclasses import replace

import pytest

from thresher.runs.report import RunEnd, RunStart, Snapshot, figures
from thresher.runs.report.live import TerminalView, default_view, view_for
from thresher.runs.report.plain import PlainView, SilentView, progress_line, seconds_left
from thresher.runs.report.waterfall import balance, waterfall
from thresher.stats import StageCounts

COUNTS = (
    StageCounts("reader", 1010, 1000, quarantined=10, seconds=2.0),
    StageCounts("word_count", 1000, 700, dropped={"word_count": 300}),
    StageCounts("chain", 700, 600, dropped={"urls": 20, "bullets": 80}),
    StageCounts("writer", 600, 600),
)
START = RunStart("demo", "LocalExecutor: 2 workers", ("reader", "word_count", "chain", "writer"),
                 4, 0, 2_000_000, "/out", "/out/_thresher/demo", 1, ("one note",))  # fmt: skip
HALF = Snapshot(10.0, 4, 2, 1, 1_000_000, 2_000_000, COUNTS, 10)
WHOLE = replace(HALF, parts_done=4, bytes_done=2_000_000, seconds=20.0)
END = RunEnd("complete", 20.0, WHOLE, "/out", "/run", "/run/manifest.json", "/run/quarantine")
HINTS = (("thresher plan r.yaml", "what it does"), ("thresher list", "the rest"))


# -- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "text"),
    [(1, "100.0%"), (0.9999, ">99.9%"), (0.5, "50.0%"), (0.0001, "<0.1%"), (0, "0.0%")],
)
def test_what_is_not_all_never_reads_as_all(share: float, text: str) -> None:
    assert figures.percent(share) == text


def test_times_and_sizes() -> None:
    assert [figures.duration(s) for s in (0.04, 59.9, 185, 7805)] == [
        "0.0 s",
        "59.9 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
    assert [figures.size(n) for n in (0, 999, 1500, 2e9, 3e13)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 GB",
        "30.0 TB",
    ]


@pytest.mark.parametrize("share", [0, 1e-9, 0.1, 0.5, 0.999, 1, 2])
def test_bars_fill_their_width(share: float) -> None:
    for ascii_only in (False, True):
        made = figures.bar(share, 10, ascii_only)
        assert len(made) == 10
        assert (made.strip(" .") == "") == (share == 0)


# -- waterfall -----------------------------------------------------------------------------------


def test_the_waterfall_is_aligned_and_tells_where_rows_went() -> None:
    text = waterfall(COUNTS)
    head, rule, *stages, _, last = text.split("\n")
    assert set(rule) == {"─"}
    out = head.index("rows out") + len("rows out")
    assert [line[:out].split()[-1] for line in stages] == ["1,000", "700", "600", "600"]
    assert "10 in quarantine" in stages[0]
    assert stages[1].endswith("300 dropped")
    assert stages[2].endswith("80 dropped by bullets, 20 dropped by urls")
    assert last == (
        "1,010 in = 600 out + 400 dropped + 10 in quarantine: every row is accounted for"
    )


def test_a_waterfall_in_ascii() -> None:
    assert waterfall(COUNTS, ascii_only=True).isascii()


def test_rows_made_and_merged_are_in_the_balance() -> None:
    counts = (
        StageCounts("reader", 10, 10),
        StageCounts("split", 10, 30, expanded=20),
        StageCounts("join", 30, 5, merged=25),
    )
    assert balance(counts) == "10 in + 20 made = 5 out + 25 merged: every row is accounted for"
    assert "20 made in addition" in waterfall(counts)
    assert "25 merged into others" in waterfall(counts)


def test_opaque_stages_are_marked() -> None:
    counts = (StageCounts("reader", 10, 10), StageCounts("own", 10, 4, opaque=True))
    assert "opaque" in waterfall(counts).split("\n")[3]
    assert "6 by own (opaque)" in balance(counts)
    assert "save inside opaque stages" in balance(counts)
    grown = (counts[0], StageCounts("own", 10, 14, opaque=True))
    assert "- 4 by own (opaque)" in balance(grown)


@pytest.mark.parametrize(
    "counts",
    [
        (StageCounts("reader", 10, 9),),
        (StageCounts("reader", 10, 10), StageCounts("writer", 9, 9)),
        (StageCounts("reader", 10, 11),),
    ],
)
def test_missing_rows_are_never_hidden(counts: tuple[StageCounts, ...]) -> None:
    assert "MISSING" in balance(counts)


def test_nothing_to_show() -> None:
    assert waterfall([]) == "no stage has run"
    assert "0 in = 0 out" in waterfall([StageCounts("reader")])


# -- plain lines ---------------------------------------------------------------------------------


def test_a_plain_view_is_sparing_and_complete() -> None:
    now = 0.0
    stream = io.StringIO()
    view = PlainView(stream, HINTS, clock=lambda: now)
    view.started(START)
    for now in range(1, 13):  # noqa: B007 - the clock reads it
        view.progressed(HALF)
    view.warned("look out")
    view.ended(END)
    text = stream.getvalue()
    assert text.startswith("demo: 4 parts (2.0 MB) -> /out\nLocalExecutor: 2 workers\n")
    assert "note: one note" in text
    assert text.count("2/4 parts") == 2
    assert "warning: look out" in text
    assert "every row is accounted for" in text
    for piece in ("Done: 4 parts in 20.0 s.", "/out", "/run/quarantine (10 records", "try next"):
        assert piece in text
    assert "thresher plan r.yaml   what it does" in text
    assert "\x1b" not in text


def test_a_stream_that_knows_only_ascii_gets_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    view = PlainView(stream, HINTS)
    view.started(START)
    view.warned("größer")
    view.ended(END)
    assert raw.getvalue().isascii()


def test_the_progress_line() -> None:
    assert progress_line(HALF) == (
        "2/4 parts · 50.0% · 10.0 s · 100.0 kB/s · 10.0 s left · 1 running · 10 in quarantine"
    )
    assert seconds_left(replace(HALF, bytes_done=0, parts_done=0)) is None
    assert progress_line(Snapshot(0.0, 0, 0, 0, 0, 0)) == "0/0 parts · 0.0 s"
    assert "2 workers restarted" in progress_line(replace(HALF, worker_restarts=2))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("nothing to do", "Nothing to do"),
        ("interrupted", "goes on from here"),
        ("failed", "What is done is kept"),
    ],
)
def test_every_end_is_told(status: str, words: str) -> None:
    stream = io.StringIO()
    PlainView(stream, HINTS).ended(replace(END, status=status))
    assert words in stream.getvalue()
    assert ("try next" in stream.getvalue()) == (status == "nothing to do")


def test_without_a_writer_no_place_is_named() -> None:
    stream = io.StringIO()
    PlainView(stream, HINTS).ended(replace(END, output="", quarantine=""))
    assert "no writer" in stream.getvalue()
    assert "manifest" not in stream.getvalue()


# -- on a terminal -------------------------------------------------------------------------------


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_the_live_view_shows_rows_from_the_first_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")
    stream = Terminal()
    view = view_for(stream, HINTS)
    assert isinstance(view, TerminalView)
    view.started(START)
    assert "word_count" in stream.getvalue()
    view.progressed(replace(HALF, counts=()))
    view.progressed(HALF)
    view.warned("look out")
    view.ended(END)
    text = stream.getvalue()
    for piece in ("look out", "1,010", "10 in quarantine", "Done: 4 parts", "try next", "one note"):
        assert piece in text
    assert text.rstrip().endswith("the rest")


def test_on_a_low_screen_the_progress_stays_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("LINES", "12")
    stream = Terminal()
    view = view_for(stream)
    many = tuple(StageCounts(f"stage_{i}") for i in range(30))
    view.started(replace(START, stages=tuple(counts.stage for counts in many)))
    assert "0/4 parts" in stream.getvalue()
    view.ended(replace(END, snapshot=replace(WHOLE, counts=many)))
    assert "stage_29" in stream.getvalue()


def test_a_failure_ends_the_live_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    view = view_for(stream)
    view.started(START)
    view.progressed(HALF)
    view.ended(replace(END, status="failed", snapshot=HALF, error="broken"))
    assert "Failed" in stream.getvalue()
    assert "\x1b[?25h" in stream.getvalue(), "the cursor is shown again"


def test_a_long_line_is_wrapped_never_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    view = view_for(stream, HINTS)
    long = "/a/very/long/path/" * 8
    view.ended(replace(END, output=long))
    assert long in stream.getvalue().replace("\n", "")


def test_the_choice_of_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(view_for(io.StringIO()), PlainView)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(view_for(Terminal()), PlainView)
    monkeypatch.setattr("sys.stderr", None)
    assert isinstance(default_view(), SilentView)
