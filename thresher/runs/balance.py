# SPDX-License-Identifier: Apache-2.0
"""The balance law: independent counts of the same rows must agree, or nothing is committed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from thresher.runs.part import OUT, QUARANTINE, SPILL, Outcome
from thresher.stats import StageCounts


def check_balance(outcome: Outcome) -> list[str]:
    """What does not add up in a part's counts; empty when everything does.

    Four independent counts meet here: records the reader found in the bytes, rows counted by the
    runner between stages, rows the stages accounted for by row number, and rows counted in the
    closed files.
    """
    problems = unbalanced(outcome.counts)
    problems += _at_the_ends(outcome)
    written = [counts for counts in outcome.counts if counts.metrics.get("is_writer")]
    in_files = sum(file.rows for file in outcome.files if file.port == OUT)
    if written and written[-1].rows_out != in_files:
        problems.append(
            f"{written[-1].rows_out} rows reached stage {written[-1].stage!r}, "
            f"{in_files} are in the closed files"
        )
    told = sum(counts.quarantined for counts in outcome.counts)
    in_quarantine = sum(file.rows for file in outcome.files if file.port == QUARANTINE)
    if told != in_quarantine:
        problems.append(
            f"{told} rows were sent to quarantine, {in_quarantine} are in the closed files"
        )
    return problems


def _at_the_ends(outcome: Outcome) -> list[str]:
    """Rows of the part against rows into its first stage; rows out of its last against its spill.

    A part that is cut short, or that files make up, has more or other rows than it is known for.
    """
    problems: list[str] = []
    if not outcome.counts:
        return problems
    part, first, last = outcome.part, outcome.counts[0], outcome.counts[-1]
    counted = part.rows is not None and not part.cut and not first.metrics.get("is_reader")
    if counted and first.rows_in != part.rows:
        problems.append(f"the part has {part.rows} rows, {first.rows_in} reached {first.stage!r}")
    if not outcome.inline and not last.metrics.get("is_writer"):
        spilled = sum(file.rows for file in outcome.files if file.port == SPILL)
        if spilled != last.rows_out:
            problems.append(
                f"{last.rows_out} rows left stage {last.stage!r}, {spilled} are in the closed files"
            )
    return problems


def unbalanced(counts: Sequence[StageCounts]) -> list[str]:
    """Stages whose rows do not balance, and edges whose two ends counted different rows."""
    problems = [
        f"stage {stage.stage!r} cannot account for {stage.balance} of {stage.rows_in} rows"
        for stage in counts
        if stage.balance != 0
    ]
    for before, after in pairwise(counts):
        if after.metrics.get("is_reader"):  # files left the stage before it
            continue
        if before.rows_out != after.rows_in:
            problems.append(
                f"{before.rows_out} rows left stage {before.stage!r}, "
                f"{after.rows_in} reached stage {after.stage!r}"
            )
    return problems
