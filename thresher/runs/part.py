# SPDX-License-Identifier: Apache-2.0
"""Part: the one unit of commit, retry and skip; and the record of what it made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from thresher.stats import StageCounts
from thresher.tasks import Task

OUT = "out"
SPILL = "spill"
QUARANTINE = "quarantine"

Key = tuple[int, str]
"""What identifies a part within its run: its Segment's number and its name."""

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

    @property
    def key(self) -> Key:
        """What identifies the part within its run."""
        return self.segment, self.name


@dataclass(frozen=True)
class WrittenFile:
    """A closed temporary on its way into a record.

    ``rows`` were counted from the file itself; ``path`` is the place of its task in the part's
    tree, ``temp`` its path below the port's root.
    """

    port: str
    path: Path
    temp: str
    rows: int
    bytes: int
    digest: str
    extension: str = ""


@dataclass(frozen=True)
class FileRecord:
    """A file of a committed part: where it was closed and where it is published.

    Paths are relative: to the output for ``out``, to the run directory for all other ports.
    """

    port: str
    temp: str
    final: str
    rows: int
    bytes: int
    digest: str


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
    version, source_digest : str
        Of the source: as it was listed, and of its bytes as they were read.
    lost_rows : int
        Rows that were seen of a part that is in quarantine as a whole.
    memory : int
        The most bytes that a worker took for it.
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
    lost_rows: int = 0
    memory: int = 0

    @property
    def key(self) -> Key:
        """What identifies the part within its run."""
        return self.segment, self.name

    def on_port(self, port: str) -> list[FileRecord]:
        """Its files on one port, in order."""
        return [file for file in self.files if file.port == port]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict without default values."""
        values: dict[str, Any] = {
            "segment": self.segment,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "files": [asdict(file) for file in self.files],
            "counts": [counts.to_dict() for counts in self.counts],
        }
        for name in (
            "version", "source_digest", "inline", "failure", "source_bytes", "seconds",
            "lost_rows", "memory",
        ):  # fmt: skip
            if getattr(self, name):
                values[name] = getattr(self, name)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PartRecord:
        """The inverse of :meth:`to_dict`."""
        known = dict(values)
        known["files"] = tuple(FileRecord(**file) for file in values.get("files", ()))
        known["counts"] = tuple(StageCounts.from_dict(c) for c in values.get("counts", ()))
        return cls(**known)


@dataclass
class Outcome:
    """What the driver gathered of a part whose tree is full; becomes a :class:`PartRecord`."""

    part: Part
    counts: list[StageCounts]
    files: list[WrittenFile] = field(default_factory=list)
    inline: list[tuple[Path, bytes]] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0
    source_digest: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    lost_rows: int = 0
    memory: int = 0


def output_name(part: str, index: int, extension: str) -> str:
    """Name of the ``index``-th file of a part: its own name, then ``-0001`` and so on."""
    suffix = f".{extension}" if extension else ""
    stem = part[: -len(suffix)] if suffix and part.endswith(suffix) else part
    return f"{stem}-{index:04d}{suffix}" if index else f"{stem}{suffix}"
