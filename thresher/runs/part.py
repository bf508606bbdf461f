# SPDX-License-Identifier: Apache-2.0
"""Part: the one unit of commit, retry and skip; and the record of what it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import xxhash

from thresher.stats import StageCounts
from thresher.tasks import FileGroupTask, Task

OUT = "out"
SPILL = "spill"
QUARANTINE = "quarantine"

Key = tuple[int, str]
"""What identifies a part within its run: its Segment's number and its name."""

_NAMES = ("first_names", "names", "left_out", "absent")

Path = tuple[int, ...]
"""A task's place in its part's tree: the index among its siblings at every fan-out."""


@dataclass(frozen=True)
class Part:
    """One planned unit of a Segment and all that descends from it.

    Parameters
    ----------
    segment : int
        The Segment's number.
    name : str
        Readable, unique in its Segment, independent of the recipe.
    task : Task
        What its tree starts from.
    fingerprint : str
        Of the recipe up to the end of its Segment; decides skipping, and nothing else.
    version : str
        Of its source when it was listed: sizes, entity tags or modification times.
    estimate : int
        Bytes of memory it is likely to take.
    source_bytes : int
        Bytes of its source.
    rows : int | None
        Rows of the source, where known before reading.
    cut : bool
        Whether only the first ``rows`` rows are wanted.
    file : str
        The file that all of its rows come from, if it is one and the task does not say it.
    """

    segment: int
    name: str
    task: Task[Any]
    fingerprint: str = ""
    version: str = ""
    estimate: int = 0
    source_bytes: int = 0
    rows: int | None = None
    cut: bool = False
    file: str = ""

    @property
    def source_file(self) -> str:
        """The file that all of its rows come from; empty if there are several, or none."""
        if not isinstance(self.task, FileGroupTask):
            return self.file
        paths = {piece.path for piece in self.task.slices}
        return next(iter(paths)) if len(paths) == 1 else ""

    @property
    def key(self) -> Key:
        """What identifies the part within its run."""
        return self.segment, self.name


@dataclass(frozen=True)
class LostFile:
    """A file of a part that cannot be read, and is left out.

    ``rows`` are the records that it is known or estimated to hold.
    """

    path: str
    reason: str
    rows: int = 0
    is_estimate: bool = True


@dataclass(frozen=True)
class WrittenFile:
    """A closed temporary on its way into a record.

    ``rows`` were counted from the file itself; ``path`` is the place of its task in the part's
    tree, ``temp`` its path below the port's root. ``holds`` and ``columns`` are those of a
    :class:`FileRecord`.
    """

    port: str
    path: Path
    temp: str
    rows: int
    bytes: int
    digest: str
    extension: str = ""
    holds: str = ""
    columns: str = ""


@dataclass(frozen=True)
class FileRecord:
    """A file of a committed part: where it was closed and where it is published.

    Paths are relative: to the output for ``out``, to the run directory for all other ports. Where
    all files are to have one schema, ``holds`` are the types of the values in it, encoded, and
    ``columns`` those of its columns, where they differ. ``extension`` is what its name ends with.
    """

    port: str
    temp: str
    final: str
    rows: int
    bytes: int
    digest: str
    holds: str = ""
    columns: str = ""
    extension: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict without empty values."""
        left = ("holds", "columns", "extension")
        return {name: value for name, value in vars(self).items() if value or name not in left}


@dataclass(frozen=True)
class PartRecord:
    """All that one part made. Appending it to the ledger is the commit point.

    Parameters
    ----------
    counts : tuple[StageCounts, ...]
        One per stage of the Segment, in order.
    inline : str
        The outputs themselves, base64 of a pickle, where no writer made files of them and they
        are small.
    failure : str
        Why the part as a whole is in quarantine; empty when it is not.
    failed_rows : int
        Rows in quarantine because a stage raised or its worker died, or the part failed.
    cause : str
        What made the last attempt fail, in a form that is the same at every attempt.
    reason : str
        What the most frequent error said.
    failed_for : dict[str, int]
        Runs that have tried the part in that environment and failed, by cause.
    environment : str
        Digest of the environment that they ran in.
    version, source_digest : str
        Of the source: as it was listed, and of its bytes as they were read.
    first_names, names : tuple[str, ...]
        Columns of the first record of its source, in order, and all others, where all files are
        to have one schema.
    left_out : tuple[str, ...]
        Columns that a stage was given and did not give back.
    absent : tuple[str, ...]
        Columns that were asked for and that no record has.
    memory : int
        The most bytes that a worker took for it.
    written_before : str
        Digest of the output files as the part was committed, if they were written again since.
    """

    segment: int
    name: str
    fingerprint: str
    version: str = ""
    source_digest: str = ""
    files: tuple[FileRecord, ...] = ()
    counts: tuple[StageCounts, ...] = ()
    inline: str = ""
    failure: str = ""
    source_bytes: int = 0
    seconds: float = 0.0
    memory: int = 0
    failed_rows: int = 0
    cause: str = ""
    reason: str = ""
    failed_for: dict[str, int] = field(default_factory=dict)
    environment: str = ""
    first_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    written_before: str = ""

    @property
    def key(self) -> Key:
        """What identifies the part within its run."""
        return self.segment, self.name

    @property
    def has_failed(self) -> bool:
        """Whether something of it failed, and may go well another time."""
        return bool(self.failure or self.failed_rows)

    @property
    def attempts(self) -> int:
        """Runs that have tried the part in its environment and failed for the last cause."""
        return self.failed_for.get(self.cause, 0)

    @property
    def has_failed_wholly(self) -> bool:
        """Whether it failed, or every row of it did."""
        return has_failed_wholly(self.failure, self.failed_rows, self.counts)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(counts.quarantined for counts in self.counts)

    @property
    def rows_left(self) -> int:
        """Rows that it brings to the output, or to the Segment after its own."""
        return sum(file.rows for file in self.files if file.port in (OUT, SPILL))

    @property
    def output_digest(self) -> str:
        """Of the digests of its output files."""
        digests = "".join(file.digest for file in self.on_port(OUT))
        return xxhash.xxh3_128_hexdigest(digests.encode())

    def is_rewriting_of(self, record: PartRecord) -> bool:
        """Whether its files are those of another record of the part, written again."""
        return bool(self.written_before) and self.written_before == record.output_digest

    def is_same_work(self, record: PartRecord) -> bool:
        """Whether another record is of the same recipe, over the same bytes of the same source."""
        same_source = self.version == record.version or (
            bool(self.source_digest) and self.source_digest == record.source_digest
        )
        return self.key == record.key and self.fingerprint == record.fingerprint and same_source

    def went_better_than(self, record: PartRecord) -> bool:
        """Whether less of it failed than of another attempt at the same work."""
        mine, other = (
            (bool(r.failure), r.failed_rows, r.quarantined, -r.rows_left) for r in (self, record)
        )
        return self.is_same_work(record) and record.has_failed and mine < other

    def on_port(self, port: str) -> list[FileRecord]:
        """Its files on one port, in order."""
        return [file for file in self.files if file.port == port]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict without default values."""
        values: dict[str, Any] = {
            "segment": self.segment,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "files": [file.to_dict() for file in self.files],
            "counts": [counts.to_dict() for counts in self.counts],
        }
        for name in (
            "version", "source_digest", "inline", "failure", "source_bytes", "seconds", "memory",
            "failed_rows", "cause", "reason", "failed_for", "environment", "written_before",
            *_NAMES,
        ):  # fmt: skip
            if getattr(self, name):
                values[name] = getattr(self, name)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PartRecord:
        """The inverse of :meth:`to_dict`."""
        known = {name: value for name, value in values.items() if name in _FIELDS}
        known["files"] = tuple(FileRecord(**file) for file in values.get("files", ()))
        known["counts"] = tuple(StageCounts.from_dict(c) for c in values.get("counts", ()))
        known |= {name: tuple(values[name]) for name in _NAMES if name in values}
        return cls(**known)


def reader_of(counts: Sequence[StageCounts]) -> int | None:
    """Where a part's reader stands among its stages, if it has one."""
    return next((at for at, stage in enumerate(counts) if stage.metrics.get("is_reader")), None)


def rows_found(counts: Sequence[StageCounts]) -> int:
    """Records that a part's reader found; what stands before it counts files."""
    if not counts:
        return 0
    return counts[reader_of(counts) or 0].rows_in


def rows_met(counts: Sequence[StageCounts]) -> int:
    """Records that a part's reader found, and rows that its stages made in addition.

    A stage that loses the numbers of rows does not tell how many it made: the next is given them.
    """
    made = rows_found(counts) + sum(stage.expanded for stage in counts)
    return max([made, *(stage.rows_in for stage in counts)])


def has_failed_wholly(failure: str, failed_rows: int, counts: Sequence[StageCounts]) -> bool:
    """Whether a part failed, or every row of it did."""
    return bool(failure) or 0 < failed_rows >= rows_met(counts)


_FIELDS = frozenset(field.name for field in fields(PartRecord))


@dataclass
class Outcome:
    """What the driver gathered of a part whose tree is full; becomes a :class:`PartRecord`.

    ``lines`` are entries of quarantine that no worker has written.
    """

    part: Part
    counts: list[StageCounts]
    files: list[WrittenFile] = field(default_factory=list)
    inline: list[tuple[Path, bytes]] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0
    source_digest: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    memory: int = 0
    failed_rows: int = 0
    cause: str = ""
    first_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    lines: list[bytes] = field(default_factory=list)
