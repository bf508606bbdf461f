# SPDX-License-Identifier: Apache-2.0
"""What is said when a run has ended: how, where things are, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from thresher.runs.report.figures import counted, duration, nearby
from thresher.runs.report.observer import Failure, RunEnd
from thresher.runs.retrying import FURTHER_ATTEMPTS

Hints: TypeAlias = Sequence[tuple[str, str]]
"""(what to type, what it does) pairs."""

_SHOWN = 3

IN_PYTHON: Hints = (
    ("print(pipeline.describe())", "what each stage needs and gives"),
    ("thresher list", "every stage, filter and modifier there is"),
)


def headline(end: RunEnd) -> str:
    """How the run ended, in one sentence."""
    time = duration(end.seconds)
    done, parts = end.snapshot.parts_done, end.snapshot.parts
    if end.status == "complete":
        return f"Done: {counted(parts, 'part')} in {time}."
    if end.status == "complete with failures":
        return f"Done, with failures: {counted(parts, 'part')} in {time}."
    if end.status == "nothing to do":
        which = "the only part was" if parts == 1 else f"all {counted(parts, 'part')} were"
        return f"Nothing to do: {which} done before ({time})."
    if end.status == "interrupted":
        return (
            f"Interrupted after {time}, {done:,} of {counted(parts, 'part')} done. "
            "The same command goes on from here."
        )
    if end.status == "waiting":
        return (
            f"This driver's share is done: {counted(parts, 'part')} in {time}. "
            f"{end.error} Run the same command again."
        )
    return (
        f"Failed after {time}, {done:,} of {counted(parts, 'part')} done. "
        "What is done is kept: mend the cause and run again."
    )


def failed_in_words(failures: Sequence[Failure]) -> str:
    """How much failed, and the first reasons."""
    rows, about = sum(f.rows for f in failures), any(f.estimated for f in failures)
    parts = counted(len(failures), "part")
    lines = [f"failed: {'about ' if about else ''}{counted(rows, 'row')} of {parts}"]
    lines += [f"  {each.part}: {each.reason}" for each in failures[:_SHOWN]]
    if len(failures) > _SHOWN:
        lines.append(f"  and {len(failures) - _SHOWN:,} more")
    return "\n".join(lines)


def _tried_again(end: RunEnd) -> str:
    exhausted = sum(each.attempts > FURTHER_ATTEMPTS for each in end.failures)
    by_command = f"`thresher retry {nearby(end.run_dir)}`"
    if exhausted == len(end.failures):
        return f"tried {FURTHER_ATTEMPTS + 1} times and not again by itself: {by_command}"
    if exhausted:
        return f"the same command tries {len(end.failures) - exhausted} again, {by_command} all"
    return "the same command tries them again"


def places(end: RunEnd) -> list[tuple[str, str]]:
    """(what, where) pairs."""
    found = []
    if end.output:
        found.append(("output", nearby(end.output)))
    else:
        found.append(("output", "none: the pipeline has no writer; its result is in memory"))
    if end.quarantine:
        rows = counted(end.snapshot.quarantined, "record")
        if any(counts.estimated for counts in end.snapshot.counts):
            rows = f"about {rows}"
        found.append(("quarantine", f"{nearby(end.quarantine)} ({rows}, with reasons)"))
    if end.manifest and end.output:
        found.append(("manifest", nearby(end.manifest)))
    return found


def closing(end: RunEnd, hints: Hints) -> str:
    """All lines that follow the waterfall."""
    lines = [headline(end)]
    if end.failures and end.status != "failed":
        lines += [f"  {line}" for line in failed_in_words(end.failures).split("\n")]
        lines.append(f"  {_tried_again(end)}")
    lines += [f"  {what:<11} {where}" for what, where in places(end)]
    if hints and end.status in ("complete", "nothing to do"):
        width = max(len(command) for command, _ in hints)
        lines.append("  try next")
        lines += [f"    {command:<{width}}   {what}" for command, what in hints]
    return "\n".join(lines)
