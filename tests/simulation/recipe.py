# SPDX-License-Identifier: Apache-2.0
"""What a simulated pipeline computes: a pure function of sources and recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from thresher.planning.plan import Plan, Segment, Step
from thresher.runs.part import Part
from thresher.tasks import EmptyTask

NAME = "simulated"


@dataclass(frozen=True)
class Row:
    """A source row; ``kind`` is ``ok``, ``broken`` (the reader rejects it), ``raises`` or
    ``kills`` (its worker dies)."""

    number: int
    value: int
    kind: str = "ok"

    def to_line(self) -> bytes:
        """The row in a file."""
        return f"{self.number} {self.value} {self.kind}\n".encode()

    @classmethod
    def from_line(cls, line: bytes) -> Row:
        """The inverse of :meth:`to_line`."""
        number, value, kind = line.decode().split()
        return cls(int(number), int(value), kind)


@dataclass(frozen=True)
class Source:
    """One part's input; ``unreadable`` stands for a truncated file."""

    version: int
    rows: tuple[Row, ...]
    unreadable: bool = False

    @property
    def fails(self) -> bool:
        """Whether nothing of it goes well."""
        kinds = {row.kind for row in self.rows}
        return self.unreadable or (bool(kinds) and kinds <= {"raises", "kills"})


Sources = dict[str, Source]


@dataclass(frozen=True)
class Recipe:
    """A pipeline: reader, a filter that keeps values by ``keep``, and a writer.

    Parameters
    ----------
    version : int
        Part of the fingerprint.
    steps : int
        1 to 3: how the three stages are fused.
    checkpoint : bool
        Whether the filter's rows are spilled and the writer is a Segment of its own.
    batch : int
        Rows per batch: the reader's fan-out.
    halves : bool
        Whether the filter cuts its output in two: a second fan-out, so a part has many files.
    fickle : bool
        Whether the batch size depends on the attempt, as stages do that are not deterministic.
    """

    version: int = 1
    steps: int = 3
    checkpoint: bool = False
    batch: int = 2
    halves: bool = False
    keep: int = 3
    mode: str = "ignore"
    fickle: bool = False

    def stages(self, segment: int, step: int) -> tuple[str, ...]:
        """Names of the stages of one Step."""
        every = ("read", "filter", "write")
        if self.checkpoint:
            every = every[2:] if segment else every[:2]
        ends = {1: (3,), 2: (1, 3), 3: (1, 2, 3)}[self.n_steps(segment)]
        return every[ends[step - 1] if step else 0 : ends[step]]

    def n_steps(self, segment: int) -> int:
        """Steps of a Segment."""
        if self.checkpoint:
            return 1 if segment == 1 else min(self.steps, 2)
        return self.steps

    def keeps(self, row: Row) -> bool:
        """Whether a row passes the filter."""
        return (row.value * 7 + self.version) % self.keep != 0

    def batches(self, rows: Sequence[Row], token: str) -> list[list[Row]]:
        """The reader's fan-out."""
        size = self.batch
        if self.fickle:
            size = 1 + sum(map(ord, token)) % 4
        return [list(rows[i : i + size]) for i in range(0, len(rows), size)]

    def cut(self, rows: list[Row]) -> list[list[Row]]:
        """The filter's fan-out; batches without rows go no further."""
        middle = len(rows) // 2
        pieces = [rows[:middle], rows[middle:]] if self.halves else [rows]
        return [piece for piece in pieces if piece]

    def fingerprint(self, segment: int) -> str:
        """What decides whether a recorded part is still wanted; the spill minds less."""
        if self.checkpoint and segment == 0:
            return f"spill-{self.version}-{self.batch}-{self.halves}-{self.keep}"
        return repr(self)


def plan_of(recipe: Recipe, sources: Sources) -> Plan:
    """The plan that a planner would make."""
    segments = []
    for number in range(2 if recipe.checkpoint else 1):
        steps = tuple(
            Step(index, tuple(map(_stage, recipe.stages(number, index))))
            for index in range(recipe.n_steps(number))
        )
        last = number == (1 if recipe.checkpoint else 0)
        segments.append(Segment(number, steps, "out" if last else "spill"))
    parts = tuple(
        Part(
            0,
            name,
            EmptyTask(),
            fingerprint=recipe.fingerprint(0),
            version=f"v{source.version}",
            estimate=len(source.rows),
            source_bytes=len(source.rows),
        )
        for name, source in sorted(sources.items())
    )
    fingerprints = tuple(recipe.fingerprint(segment.index) for segment in segments)
    return Plan(NAME, tuple(segments), parts, fingerprints)


def _stage(name: str) -> Any:
    rows = "subset" if name != "write" else "same"
    return SimpleNamespace(name=name, rows=rows, kernels=tuple, whole_parts=False, runtime_env=None)


@dataclass
class Expected:
    """What a run must have made in the end."""

    files: dict[str, bytes] = field(default_factory=dict)
    quarantined: dict[str, list[int]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    has_failures: bool = False
    found: int = 0
    dropped: int = 0


def expected(recipe: Recipe, sources: Sources) -> Expected:
    """Computed directly, with no run, no driver and no ledger."""
    result = Expected()
    for name, source in sorted(sources.items()):
        if source.unreadable:
            result.failed.add(name)
            result.has_failures = True
            continue
        result.found += len(source.rows)
        bad = [row.number for row in source.rows if row.kind != "ok"]
        if bad:
            result.quarantined[name] = bad
        if any(row.kind in ("raises", "kills") for row in source.rows):
            result.has_failures = True
        index = 0
        fine = [row for row in source.rows if row.kind != "broken"]
        per_batch = [
            [row for row in batch if row.kind == "ok"] for batch in recipe.batches(fine, "")
        ]
        for rows in per_batch:
            kept = [row for row in rows if recipe.keeps(row)]
            result.dropped += len(rows) - len(kept)
            for piece in recipe.cut(kept):
                suffix = f"-{index:04d}" if index else ""
                result.files[f"{name}{suffix}.txt"] = to_bytes(piece)
                index += 1
    return result


def to_bytes(rows: Iterable[Row]) -> bytes:
    """Rows as a file."""
    return b"".join(row.to_line() for row in rows)


def from_bytes(data: bytes) -> list[Row]:
    """The inverse of :func:`to_bytes`."""
    return [Row.from_line(line) for line in data.splitlines()]
