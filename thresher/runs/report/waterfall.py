# SPDX-License-Identifier: Apache-2.0
"""The row waterfall: how many rows each stage got, how many it passed on, where the others went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from thresher.runs.report.figures import bar, count, percent
from thresher.stats import StageCounts

BAR_WIDTH = 16


@dataclass(frozen=True)
class Line:
    """One stage's line; ``bar`` shows the rows out beside the most there were at any stage.

    ``tokens`` is None if no stage has counted any.
    """

    stage: str
    rows_in: str
    rows_out: str
    kept: str
    tokens: str | None
    bar: str
    others: str

    @property
    def cells(self) -> tuple[str, ...]:
        """All cells, in the order of :func:`headers_of`."""
        tokens = () if self.tokens is None else (self.tokens,)
        return self.stage, self.rows_in, self.rows_out, self.kept, *tokens, self.bar, self.others


def waterfall(
    counts: Sequence[StageCounts], *, ascii_only: bool = False, has_ended: bool = True
) -> str:
    """The counts of a run as an aligned table of plain text, with the balance below it."""
    if not counts:
        return "no stage has run"
    lines = lines_of(counts, ascii_only)
    rows = [headers_of(counts), *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ("-" if ascii_only else "─") * min(sum(widths) + 2 * len(widths) - 2, 100)
    shown = [_aligned(row, widths) for row in rows]
    return "\n".join((shown[0], rule, *shown[1:], rule, balance(counts, has_ended=has_ended)))


def headers_of(counts: Sequence[StageCounts]) -> tuple[str, ...]:
    """The titles of the table's columns; tokens only where a tokenizer was given."""
    tokens = ("tokens",) if _has_tokens(counts) else ()
    return "stage", "rows in", "rows out", "kept", *tokens, "rows left", "where the others went"


def lines_of(counts: Sequence[StageCounts], ascii_only: bool = False) -> list[Line]:
    """The table's lines."""
    most = max((max(c.rows_in, c.rows_out) for c in counts), default=0)
    has_tokens = _has_tokens(counts)
    return [
        Line(
            stage.stage,
            count(stage.rows_in),
            count(stage.rows_out),
            "" if stage.opaque or not stage.rows_in else percent(_kept(stage) / stage.rows_in),
            _tokens_out(stage) if has_tokens else None,
            bar(stage.rows_out / most if most else 0.0, BAR_WIDTH, ascii_only),
            others(stage),
        )
        for stage in counts
    ]


def others(stage: StageCounts) -> str:
    """Where a stage's other rows went, most first; and what else should be known about it."""
    told: list[str] = []
    if stage.opaque:
        told.append(
            f"opaque: it lost the row numbers, {count(stage.rows_in)} in, "
            f"{count(stage.rows_out)} out"
        )
    for reason, rows in sorted(stage.dropped.items(), key=lambda item: (-item[1], item[0])):
        same = reason == stage.stage
        told.append(f"{count(rows)} dropped" if same else f"{count(rows)} dropped by {reason}")
    if stage.quarantined:
        told.append(f"{_about(stage.estimated)}{count(stage.quarantined)} in quarantine")
    if stage.merged:
        told.append(f"{count(stage.merged)} merged into others")
    if stage.expanded:
        told.append(f"{count(stage.expanded)} made in addition")
    if stage.balance:
        told.append(f"{count(abs(stage.balance))} UNACCOUNTED FOR")
    return ", ".join(told)


def balance(counts: Sequence[StageCounts], *, has_ended: bool = True) -> str:
    """The whole run as one equation, and whether it holds; ``has_ended``: nothing is left to do."""
    if not counts:
        return ""
    counts = _from_the_reader_on(counts)
    estimated = sum(c.estimated for c in counts)
    gains = [(counts[0].rows_in, "in"), (sum(c.expanded for c in counts), "made")]
    losses = [
        (sum(sum(c.dropped.values()) for c in counts), "dropped"),
        (sum(c.quarantined for c in counts), "in quarantine"),
        (sum(c.merged for c in counts), "merged"),
    ]
    left = _terms(gains, always=1)
    right = _terms([(counts[-1].rows_out, "out"), *losses], always=1)
    opaque = [c.stage for c in counts if c.opaque]
    unknown = sum(_unknown(c) for c in counts if c.opaque)
    if opaque:
        right += f" + {count(unknown)}" if unknown >= 0 else f" - {count(-unknown)}"
        right += f" by {', '.join(opaque)} (opaque)"
    between = sum(a.rows_out - b.rows_in for a, b in pairwise(counts))
    missing = sum(c.balance for c in counts) + between
    verdict = "every row is accounted for" if not missing else f"{count(missing)} rows ARE MISSING"
    if opaque and not missing:
        verdict = "every row is accounted for, save inside opaque stages"
    if not has_ended:
        verdict += " so far"
    if estimated and not missing:
        verdict += f"; {count(estimated)} of those in quarantine are estimated"
    return f"{_about(estimated)}{left} = {right}: {verdict}"


def _about(estimated: int) -> str:
    return "about " if estimated else ""


def _from_the_reader_on(counts: Sequence[StageCounts]) -> Sequence[StageCounts]:
    """Without the stages before the reader, which count files."""
    readers = [i for i, stage in enumerate(counts) if stage.metrics.get("is_reader")]
    return counts[readers[0] :] if readers else counts


def _kept(stage: StageCounts) -> int:
    """Rows of the input that went on, without those made in addition."""
    return stage.rows_out - stage.expanded


def _unknown(stage: StageCounts) -> int:
    """Rows that an opaque stage has neither passed on nor told of."""
    told = sum(stage.dropped.values()) + stage.quarantined + stage.merged
    return stage.rows_in + stage.expanded - stage.rows_out - told


def _has_tokens(counts: Sequence[StageCounts]) -> bool:
    return any("tokens_out" in stage.metrics for stage in counts)


def _tokens_out(stage: StageCounts) -> str:
    tokens = stage.metrics.get("tokens_out")
    return "" if tokens is None else count(int(tokens))


def _terms(terms: list[tuple[int, str]], always: int) -> str:
    """``a in + b made``; terms of zero are left out but for the first ``always``."""
    shown = [f"{count(n)} {what}" for i, (n, what) in enumerate(terms) if n or i < always]
    return " + ".join(shown)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    stage, *numbers, left, other = cells
    padded = [stage.ljust(widths[0])]
    padded += [number.rjust(width) for number, width in zip(numbers, widths[1:-2], strict=True)]
    padded += [left.ljust(widths[-2]), other]
    return "  ".join(padded).rstrip()
