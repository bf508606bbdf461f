# SPDX-License-Identifier: Apache-2.0
"""Errors that end a run, whatever a single part may do."""

from __future__ import annotations

from collections import Counter

from thresher.errors import DataError, EngineError, StageError
from thresher.runs.tally import Tally


def too_many_lost(
    tally: Tally, limit: float, reasons: Counter[str], *, by_bytes: bool
) -> StageError | None:
    """The error of a run of which too large a share went to quarantine; None if it did not."""
    rows = tally.share_of_rows
    size = tally.share_of_bytes if by_bytes else 0.0
    if max(rows, size) <= limit:
        return None
    lost, met = tally.worst
    share = f"{lost} of {met} records ({rows:.1%})"
    if size > rows:
        share = f"sources that hold {size:.1%} of the bytes"
    return StageError(
        f"{share} went to quarantine, more than max_error_rate={limit:g}{_most_often(reasons)}",
        todo="look at the quarantine files for the reasons; mend the input or the stage, "
        "or raise max_error_rate; what is committed stays, and running again resumes",
    )


def all_failed(parts: int, reasons: Counter[str], first: str = "") -> StageError:
    """The error of a run in which nothing went well; ``first`` is what failed first."""
    noun = "the only part" if parts == 1 else f"all {parts} parts"
    return StageError(
        f"{noun} failed{_most_often(reasons)}",
        where=first + (", ..." if first and parts > 1 else ""),
        todo="mend the cause and run again; the quarantine files hold the reasons",
    )


def not_put_up_with(kind: str, what: str, where: str, todo: str) -> DataError | StageError:
    """The error of a run that is to end with the first row that goes wrong."""
    error = DataError if kind in ("data", "source") else StageError
    return error(what, where, todo or "mend the input or the stage")


def all_die(error: str, part: str) -> EngineError:
    """The error of a run whose workers die; ``part`` is one of those they worked on."""
    return EngineError(
        f"workers die whatever they work on: {error}",
        where=f"part {part!r}",
        todo="find out what ends them (the system's log tells of memory), then run again: nothing "
        "was charged to rows",
    )


def _most_often(reasons: Counter[str]) -> str:
    return "".join(f"; most often: {reason}" for reason, _ in reasons.most_common(1))
