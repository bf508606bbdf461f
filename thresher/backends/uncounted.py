# SPDX-License-Identifier: Apache-2.0
"""Parts whose rows nobody can count: how many they are likely to have, and where these are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from thresher.backends.quarantine import Rejected
from thresher.runs.part import LostFile, Outcome, Part
from thresher.stats import StageCounts
from thresher.tasks import FileGroupTask


def is_countable(
    part: Part, source: Sequence[StageCounts], lost: Collection[str], *, reads_first: bool
) -> bool:
    """Whether a worker can count the part's rows: if they are known, or if a reader is at hand.

    ``source`` are the stages up to the one that reads it, ``lost`` its files that cannot be read.
    With ``reads_first`` the first stage is a :class:`ReaderStage`.
    """
    if is_lost(part, lost):
        return False
    if isinstance(part.task, FileGroupTask):
        return reads_first
    return not source[-1].metrics.get("is_reader")


def up_to_reader(counts: Sequence[StageCounts]) -> tuple[StageCounts, ...]:
    """The stages of a part up to the one that has read its source, without their counts."""
    for place, stage in enumerate(counts):
        if stage.metrics.get("is_reader"):
            named = [StageCounts(each.stage) for each in counts[: place + 1]]
            named[-1].metrics["is_reader"] = 1
            return tuple(named)
    return ()


def is_lost(part: Part, lost: Collection[str]) -> bool:
    """Whether none of the part's files can be read."""
    task = part.task
    return isinstance(task, FileGroupTask) and {piece.path for piece in task.slices} <= set(lost)


def has_no_bytes(part: Part) -> bool:
    """Whether the part's files are known to be empty."""
    task = part.task
    return isinstance(task, FileGroupTask) and all(piece.size == 0 for piece in task.slices)


def rows_of(
    part: Part, lost: Collection[LostFile], seen: int, estimate: int, source: Sequence[StageCounts]
) -> tuple[int, bool]:
    """The rows of a part, and whether that is an estimate.

    ``seen`` are those that a worker has told of, ``estimate`` what other parts lead to expect.
    """
    reads = bool(source[-1].metrics.get("is_reader"))
    of_files = part.segment > 0 and reads  # what is known are its files
    if part.rows is not None and not part.cut and not of_files:
        return part.rows, False
    told = sum(file.rows for file in lost)
    if lost and all(not file.is_estimate for file in lost):
        return told, False
    is_told = is_lost(part, [file.path for file in lost]) and all(file.rows for file in lost)
    if is_told or has_no_bytes(part):
        estimate = 1
    rows = max(told, seen, estimate, 1)
    return (min(rows, part.rows) if part.cut and part.rows else rows), True


def counts_of(source: Sequence[StageCounts], rows: int, *, is_estimate: bool) -> list[StageCounts]:
    """Counts that charge the rows to the stage that reads them."""
    *before, last = (StageCounts(counts.stage) for counts in source)
    last = replace(last, metrics=dict(source[-1].metrics))
    last.rows_in = last.quarantined = rows
    last.estimated = rows if is_estimate else 0
    return [*before, last]


def entries(
    part: Part,
    lost: Sequence[LostFile],
    stage: str,
    reason: str,
    cause: str,
    rows: int,
    *,
    is_estimate: bool,
) -> list[Rejected]:
    """The entries of quarantine: one for each file; those that can be read share what is left."""
    task = part.task
    paths = [piece.path for piece in task.slices] if isinstance(task, FileGroupTask) else []
    files = {path: LostFile(path, reason) for path in paths or [part.file]}
    unread = len(files)
    for file in lost:
        unread -= file.path in files
        files[file.path] = file
    left = rows
    shares: dict[str, int] = {}
    for file in lost:
        shares[file.path] = min(file.rows, left)
        left -= shares[file.path]
    for path in files:
        if path not in shares:
            shares[path] = left // unread
            left -= shares[path]
            unread -= 1
    shares[next(iter(files))] += left  # of lost files alone
    return [
        Rejected(
            part.name, 0, stage, file.reason, path, rows=shares[path], estimated=is_estimate,
            failed=True, cause=cause,
        )
        for path, file in files.items()
    ]  # fmt: skip


def as_failure(outcome: Outcome, reject: str, cause: str) -> Outcome:
    """The outcome of a part that has failed: ``reject`` is the stage and the reason."""
    stage, _, reason = reject.partition("\n")
    outcome.failure = f"{stage}: {reason}"
    outcome.failed_rows = sum(counts.quarantined for counts in outcome.counts)
    outcome.cause = cause
    return outcome
