# SPDX-License-Identifier: Apache-2.0
"""FileGroupTask: files, or slices of files, to be read together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from thresher.errors import StageError
from thresher.tasks.task import Task


@dataclass(frozen=True)
class FileSlice:
    """A file or a range of it.

    Parameters
    ----------
    path : str
        Path or URL.
    start, stop : int
        Range in ``unit``; ``stop=None`` means to the end. A range of bytes owns the lines that
        begin in it.
    unit : str
        ``"bytes"`` or ``"row_groups"``.
    size : int
        Size of the file in bytes when it was listed; -1 when unknown.
    version : str
        Entity tag or modification time when it was listed.
    weight : int
        Bytes of the range, where ``unit`` is not bytes.
    """

    path: str
    start: int = 0
    stop: int | None = None
    unit: str = "bytes"
    size: int = -1
    version: str = ""
    weight: int = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of the range; 0 where the size of the file is unknown."""
        if self.unit != "bytes":
            return self.weight or max(self.size, 0)
        stop = self.size if self.stop is None else self.stop
        return max(stop - self.start, 0)


def bytes_by_path(slices: Iterable[FileSlice]) -> dict[str, int]:
    """Bytes of each file, or of the ranges of it; 0 where its size is unknown."""
    found: dict[str, int] = {}
    for piece in slices:
        found[piece.path] = found.get(piece.path, 0) + piece.n_bytes
    return found


@dataclass(frozen=True, eq=False, repr=False)
class FileGroupTask(Task[list[str]]):
    """A group of files; ``slices`` says which range of each (whole files when empty)."""

    data: list[str] = field(default_factory=list)
    reader_config: dict[str, Any] = field(default_factory=dict)
    slices: tuple[FileSlice, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.data, list):
            raise StageError(
                f"FileGroupTask.data is a {type(self.data).__name__}, not a list of paths"
            )
        if not self.slices:
            object.__setattr__(self, "slices", tuple(FileSlice(str(path)) for path in self.data))

    def evolve(self, **changes: Any) -> FileGroupTask:
        """A copy; where only the paths are replaced, those that stay keep their ranges."""
        if "data" in changes and "slices" not in changes:
            paths = [str(path) for path in changes["data"]]
            known: dict[str, list[FileSlice]] = {path: [] for path in paths}
            for piece in self.slices:
                known.get(piece.path, []).append(piece)
            slices = [piece for path in paths for piece in known[path] or [FileSlice(path)]]
            changes["slices"] = tuple(slices)
        return super().evolve(**changes)

    @property
    def num_items(self) -> int:
        """The number of files."""
        return len(self.data)

    def validate(self) -> bool:
        """Whether there is at least one file."""
        return len(self.data) > 0


class SpillTask(Task[list[str]]):
    """Tasks that wait on disk between two Segments, as files in order."""

    @property
    def num_items(self) -> int:
        """The number of files."""
        return len(self.data)
