# SPDX-License-Identifier: Apache-2.0
"""Rates: what each Step of a plan took in a run that was measured, by byte of its source.

A run with a limit reads its parts whole and drops rows behind the reader: what stands behind it is
measured by the share of the source that it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import median_low

from thresher.errors import PlanError
from thresher.planning.plan import Plan, Segment, Step
from thresher.runs.ledger import Ledger
from thresher.runs.part import OUT, Key, Part, PartRecord
from thresher.stats import StageCounts
from thresher.storage import store_for

_LEAST_CPUS = 0.25  # what executors count for a worker that asks for less


@dataclass(frozen=True)
class StepRate:
    """What one Step takes, and where it may run.

    Parameters
    ----------
    number : int
        Among all Steps of the plan, from 1.
    seconds : float
        Of a worker, in its stages, per unit of source.
    handling : float
        Of a worker, beside its stages: unpacking, packing, closing files; per unit of source.
    passes : float
        Bytes handed to the next Step of the Segment, per unit of source.
    cpus, gpus : float
        Of one worker.
    most, most_per_node : int | None
        Workers that its stages allow at a time; None if they do not say.
    """

    number: int
    name: str
    segment: int
    seconds: float
    handling: float = 0.0
    passes: float = 0.0
    cpus: float = 1.0
    gpus: float = 0.0
    most: int | None = None
    most_per_node: int | None = None


@dataclass(frozen=True)
class Rates:
    """What was measured.

    Parameters
    ----------
    unit : str
        Of the source: ``"byte"``, or ``"part"`` where its bytes are unknown.
    steps : tuple[StepRate, ...]
        Of all Segments, in order.
    written : float
        Bytes of output per unit.
    setup_s : float
        Seconds for setting all Steps up, once per worker.
    worker_bytes : int
        The most memory a worker has had; 0 if that was not recorded.
    rows, parts : int
        That were measured.
    error : float | None
        Standard error of the work per unit, as a share of it; None for less than two parts.
    same : bool
        Whether the stages had the parameters and the code that they have in the plan.
    """

    unit: str
    steps: tuple[StepRate, ...]
    written: float = 0.0
    setup_s: float = 0.0
    worker_bytes: int = 0
    rows: int = 0
    parts: int = 0
    error: float | None = None
    same: bool = True

    def units(self, part: Part) -> float:
        """How much of the source a part is."""
        return part.source_bytes if self.unit == "byte" else 1


def records_of(run_dir: str) -> list[PartRecord]:
    """What a run, of one driver or of several, has recorded of its parts; changes nothing."""
    store, folder = store_for(run_dir), f"{run_dir}/ledger"
    found: dict[Key, PartRecord] = {}
    for chain in sorted(store.list(folder), key=lambda name: name != "final"):
        found |= Ledger(store, f"{folder}/{chain}").load().records
    return list(found.values())


def measured(plan: Plan, records: Iterable[PartRecord], where: str) -> Rates:
    """The rates of a plan's Steps, from the records of a run of the same stages.

    Raises
    ------
    PlanError
        If no part of a Segment was recorded, or only parts of other stages.
    """
    known = list(records)
    first = _recorded(plan.segments[0], known, where)
    weighed = any(p.source_bytes for p in plan.parts) and any(r.source_bytes for r in first)
    seen = {record.name: _Seen.of(record, weighed) for record in first}
    steps: list[StepRate] = []
    setup, same, files = 0.0, True, []
    for segment in plan.segments:
        found = [r for r in _recorded(segment, known, where) if r.name in seen]
        handling, once = _beside(found, seen)
        setup += once
        steps += _step_rates(segment, len(steps), found, seen, handling / len(segment.steps))
        files += [file for record in found for file in record.on_port(OUT)]
        recipe = plan.fingerprints[segment.index]
        same = same and all(r.fingerprint.partition("+")[0] == recipe for r in found)
    return Rates(
        "byte" if weighed else "part",
        tuple(steps),
        _over(sum(f.bytes for f in files), sum(s.kept for s in seen.values())),
        setup,
        max(record.memory for record in known),
        sum(_reader(r)[1] for r in first),
        len(first),
        _error(first, seen),
        same,
    )


@dataclass(frozen=True)
class _Seen:
    """How much of the source a part was: as it was read, and as it went on behind the reader."""

    whole: float
    kept: float
    reader: int

    @classmethod
    def of(cls, record: PartRecord, weighed: bool) -> _Seen:
        whole = record.source_bytes if weighed else 1
        place, rows = _reader(record)
        found = record.counts[max(place, 0)].rows_in
        return cls(whole, whole * rows / found if place >= 0 and found else whole, place)

    def at(self, stage: int, segment: int) -> float:
        """What a stage was given of it."""
        return self.whole if segment == 0 and stage <= self.reader else self.kept


def _recorded(segment: Segment, records: Sequence[PartRecord], where: str) -> list[PartRecord]:
    """The records of a Segment's parts; where nothing reached a Step, it has counts of zero."""
    names = [stage.name for stage in segment.stages]
    done = [r for r in records if r.segment == segment.index and r.counts and not r.failure]
    ran = [[counts.stage for counts in record.counts] for record in done]
    if names in ran:
        zeros = tuple(map(StageCounts, names))
        return [
            replace(record, counts=record.counts + zeros[len(told) :])
            for record, told in zip(done, ran, strict=True)
            if told == names[: len(told)]
        ]
    todo = "run the same recipe with --limit first, or name a run of it with --from"
    if done:
        others = ", ".join(ran[-1])
        what = f"the run was of another pipeline: it ran {others}; the plan has {', '.join(names)}"
        raise PlanError(what, where, todo)
    number = f" of segment {segment.index + 1}" if segment.index else ""
    raise PlanError(f"no finished part{number} is recorded there", where, todo)


def _reader(record: PartRecord) -> tuple[int, int]:
    """The place of the reader (-1: none), and the rows it was measured on."""
    for place, counts in enumerate(record.counts):
        if counts.metrics.get("is_reader"):
            return place, counts.rows_in - counts.dropped.get("limit", 0)
    return -1, record.counts[0].rows_in


def _beside(records: Sequence[PartRecord], seen: dict[str, _Seen]) -> tuple[float, float]:
    """Seconds per unit beside the stages, and seconds for setting up.

    The first part on each worker has the set-up in it: the lower median knows nothing of it where
    there are some parts per worker. Of a single part all that is beside the stages is set-up.
    """
    beside = [max(r.seconds - sum(c.seconds for c in r.counts), 0.0) for r in records]
    sizes = [seen[record.name].whole for record in records]
    ratios = [_over(b, size) for b, size in zip(beside, sizes, strict=True) if size]
    handling = median_low(ratios) if len(ratios) > 1 else 0.0
    rest = [b - handling * size for b, size in zip(beside, sizes, strict=True)]
    return handling, max(rest, default=0.0)


def _step_rates(
    segment: Segment,
    before: int,
    records: Sequence[PartRecord],
    seen: dict[str, _Seen],
    handling: float,
) -> list[StepRate]:
    """The rates of a Segment's Steps, ``before`` of them before it; ``handling`` is each one's."""

    def rate(stage: int, figure: str) -> float:
        total = sum(getattr(record.counts[stage], figure) for record in records)
        return _over(total, sum(seen[r.name].at(stage, segment.index) for r in records))

    found, first = [], 0
    for step in segment.steps:
        end = first + len(step.stages)
        last = end == len(segment.stages)
        found.append(
            StepRate(
                before + step.index + 1,
                step.name,
                segment.index,
                sum(rate(stage, "seconds") for stage in range(first, end)),
                handling,
                0.0 if last else rate(end, "bytes_in"),
                *_placement(step),
            )
        )
        first = end
    return found


def _placement(step: Step) -> tuple[float, float, int | None, int | None]:
    """CPUs and GPUs of a worker, and limits of workers; those of a collective count as one."""
    needs, ranks = step.resources, (step.max_workers or 1) if step.collective else 1
    gpus = needs.gpus or float(needs.requires_gpu)  # a share in GiB says little without the GPU
    most = 1 if step.collective else step.max_workers
    return max(needs.cpus, _LEAST_CPUS) * ranks, gpus * ranks, most, step.workers_per_node


def _error(records: Sequence[PartRecord], seen: dict[str, _Seen]) -> float | None:
    """Standard error of a ratio of sums, work by source, as a share of it."""
    n = len(records)
    work, sizes = [], []
    for record in records:
        part = seen[record.name]
        scaled = (c.seconds * _over(part.whole, part.at(i, 0)) for i, c in enumerate(record.counts))
        work.append(sum(scaled))
        sizes.append(part.whole)
    rate = _over(sum(work), sum(sizes))
    if n < 2 or not rate:
        return None
    squares = sum((w - rate * size) ** 2 for w, size in zip(work, sizes, strict=True))
    return sqrt(squares * n / (n - 1)) / sum(work)


def _over(total: float, units: float) -> float:
    return total / units if units else 0.0
