# SPDX-License-Identifier: Apache-2.0
"""FilePartitioningStage: turns paths into named groups of files and slices of files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thresher import storage
from thresher.errors import PlanError, StorageError
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.storage import FileInfo
from thresher.tasks import EmptyTask, FileGroupTask, FileSlice

DEFAULT_EXTENSIONS = (".jsonl", ".json", ".parquet")
DEFAULT_BLOCK = 128 * 1024 * 1024
LINES = (".jsonl", ".json", ".ndjson")
ROW_GROUPS = (".parquet",)

FilePaths = str | Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class SourceFile:
    """A file and the name it gives its part: its path below its own entry."""

    name: str
    info: FileInfo


class FilePartitioningStage(ProcessingStage[EmptyTask, FileGroupTask]):
    """Lists files and cuts them into partitions, in path order.

    Parameters
    ----------
    file_paths : str | list[str] | dict[str, str | list[str]]
        Folders (read recursively), files or patterns; a dict gives each entry the name that its
        part names begin with. Files and folders that begin with ``_`` or ``.`` are passed by.
    files_per_partition : int | None
        Files a partition holds. Excludes ``blocksize``.
    blocksize : int | str | None
        Bytes a partition holds, e.g. ``"64MB"``: small files are grouped and big ones split, JSONL
        between lines, Parquet between row groups. Compressed files are never split. With neither
        option each file is a partition, and files over 128 MiB are split.
    file_extensions : list[str] | None
        Endings of file names to read, ``.jsonl``, ``.json`` and ``.parquet`` by default; each also
        stands for itself compressed (``.jsonl.gz``, ``.zst``, ``.bz2``, ``.xz``).
    storage_options : dict | None
        Options of the fsspec file system.
    limit : int | None
        Partitions to make at most.
    """

    name = "file_partitioning"
    resources = Resources(cpus=0.5)
    is_source_stage = True

    def __init__(
        self,
        file_paths: FilePaths,
        files_per_partition: int | None = None,
        blocksize: int | str | None = None,
        file_extensions: Sequence[str] | None = None,
        storage_options: dict[str, Any] | None = None,
        limit: int | None = None,
    ) -> None:
        self.entries = entries_of(file_paths)
        self.files_per_partition = files_per_partition
        self.blocksize = None if blocksize is None else storage.parse_size(blocksize)
        self.file_extensions = list(file_extensions or DEFAULT_EXTENSIONS)
        self.storage_options = dict(storage_options or {})
        self.limit = limit
        check_partitioning(files_per_partition, blocksize)

    def num_workers(self) -> int | None:
        """One: listing is done once."""
        return 1

    def process(self, task: EmptyTask) -> list[FileGroupTask]:
        """The partitions as tasks."""
        return [partition for _, partition in self.partitions()]

    def partitions(self, split: bool = True) -> list[tuple[str, FileGroupTask]]:
        """(part name, task) of every partition, in order.

        With ``split=False`` no file is cut: for stages that read whole files by their path and
        know nothing of slices.

        Raises
        ------
        PlanError
            If no file is found, or two files would have one name.
        StorageError
            If an entry does not exist or cannot be read.
        """
        files = self.files()
        groups = self._groups(files, split)
        names = [name for name, _ in groups]
        parts = []
        for index, (name, slices) in enumerate(groups[: self.limit]):
            paths = list(dict.fromkeys(piece.path for piece in slices))
            metadata = {
                "partition_index": index,
                "total_partitions": len(names),
                "source_files": paths,
            }
            parts.append(
                (
                    name,
                    FileGroupTask(
                        dataset_name=_dataset_name(paths[0]),
                        data=paths,
                        slices=tuple(slices),
                        _metadata=metadata,
                    ),
                )
            )
        return parts

    def files(self) -> list[SourceFile]:
        """All files, each once, in the order of the entries and of paths within an entry."""
        files: list[SourceFile] = []
        entry_of: dict[str, str] = {}
        for prefix, entry in self.entries:
            base = storage.base_of(entry)
            found = storage.list_files(entry, self.file_extensions, options=self.storage_options)
            beginning = self._prefix(prefix, base, [info.path for info in found] == [base])
            for info in found:
                if info.path in entry_of:
                    warnings.warn(
                        f"{info.path} is named by {entry_of[info.path]!r} and again by {entry!r}: "
                        "it is read once",
                        stacklevel=2,
                    )
                    continue
                entry_of[info.path] = entry
                files.append(SourceFile(beginning + _below(info.path, base), info))
        if not files:
            raise self._nothing_found()
        _refuse_collisions(files)
        return files

    def _prefix(self, prefix: str | None, base: str, is_file: bool) -> str:
        """What the names of one entry's files begin with."""
        if prefix is not None:
            return f"{prefix}/"
        if len(self.entries) == 1:
            return ""
        folder = base.rpartition("/")[0] if is_file else base
        last = folder.rstrip("/").rpartition("/")[2]
        return f"{last}/" if last else ""

    def _groups(self, files: list[SourceFile], split: bool) -> list[tuple[str, list[FileSlice]]]:
        if self.files_per_partition is not None:
            step = self.files_per_partition
            return [_group(files[i : i + step]) for i in range(0, len(files), step)]
        block = self.blocksize or DEFAULT_BLOCK
        groups: list[tuple[str, list[FileSlice]]] = []
        waiting: list[SourceFile] = []
        size = 0
        for file in files:
            alone = file.info.size < 0 or file.info.size > block or self.blocksize is None
            if waiting and (alone or size + file.info.size > block):
                groups.append(_group(waiting))
                waiting, size = [], 0
            if alone:
                cut = split and file.info.size > block
                slices = self._cut(file, block) if cut else [_whole(file)]
                groups += [(_slice_name(file, s, len(slices)), [s]) for s in slices]
            else:
                waiting.append(file)
                size += file.info.size
        if waiting:
            groups.append(_group(waiting))
        return groups

    def _cut(self, file: SourceFile, block: int) -> list[FileSlice]:
        """Slices of a file larger than a block, if its format can be read from the middle."""
        path, size, version = file.info.path, file.info.size, file.info.version
        if path.lower().endswith(LINES):
            starts = range(0, size, block)
            return [
                FileSlice(path, start, min(start + block, size), "bytes", size, version)
                for start in starts
            ]
        if path.lower().endswith(ROW_GROUPS):
            ranges = row_group_ranges(path, size, block, self.storage_options)
            return [
                FileSlice(path, start, stop, "row_groups", size, version, weight)
                for start, stop, weight in ranges
            ]
        return [_whole(file)]

    def _nothing_found(self) -> PlanError:
        entries = ", ".join(entry for _, entry in self.entries)
        endings = ", ".join(self.file_extensions)
        there: list[str] = []
        for _, entry in self.entries:
            try:
                found = storage.list_files(entry, None, options=self.storage_options)
            except StorageError:
                continue
            there += [_below(info.path, storage.base_of(entry)) for info in found]
        shown = ", ".join(there[:5]) + (", ..." if len(there) > 5 else "")
        return PlanError(
            f"no file that ends in {endings} is there",
            where=entries,
            todo=f"there are other files: {shown}; name their ending in file_extensions"
            if there
            else "the place is empty (names that begin with _ or . are passed by); check the path",
        )


def entries_of(file_paths: FilePaths) -> list[tuple[str | None, str]]:
    """(prefix or None, entry) pairs of any accepted form of ``file_paths``."""
    if isinstance(file_paths, str | os.PathLike):
        return [(None, os.fspath(file_paths))]
    if isinstance(file_paths, Mapping):
        pairs: list[tuple[str | None, str]] = []
        for prefix, paths in file_paths.items():
            pairs += [(str(prefix).strip("/"), entry) for _, entry in entries_of(paths)]
        entries = pairs
    elif isinstance(file_paths, Sequence):
        if not all(isinstance(path, str | os.PathLike) for path in file_paths):
            raise _not_paths(file_paths)
        entries = [(None, os.fspath(path)) for path in file_paths]
    else:
        raise _not_paths(file_paths)
    if not entries:
        raise PlanError("file_paths is empty", todo="name a folder, a file or a pattern")
    return entries


def check_partitioning(files_per_partition: int | None, blocksize: int | str | None) -> None:
    """Refuse options that contradict one another."""
    if files_per_partition is not None and blocksize is not None:
        raise PlanError(
            "files_per_partition and blocksize are both given",
            todo="give one of them: a number of files, or a number of bytes",
        )
    if files_per_partition is not None and files_per_partition < 1:
        raise PlanError(
            f"files_per_partition={files_per_partition} is not a number of files",
            todo="give 1 or more",
        )


def row_group_ranges(
    path: str, size: int, block: int, options: dict[str, Any]
) -> list[tuple[int, int, int]]:
    """[start, stop) ranges of row groups of about ``block`` bytes of the file, and their bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with storage.open_arrow(path, options) as source:
            footer = pq.read_metadata(source)
    except pa.ArrowInvalid as error:
        raise PlanError(
            f"not a Parquet file: {error}", where=path, todo="mend, replace or remove the file"
        ) from error
    sizes = [footer.row_group(i).total_byte_size for i in range(footer.num_row_groups)]
    # The footer tells uncompressed bytes cheaply; blocks are counted in bytes of the file.
    scale = size / max(1, sum(sizes))
    ranges: list[tuple[int, int, int]] = []
    start, filled = 0, 0.0
    for i, n_bytes in enumerate(sizes):
        if i > start and filled + n_bytes * scale > block:
            ranges.append((start, i, int(filled)))
            start, filled = i, 0.0
        filled += n_bytes * scale
    ranges.append((start, len(sizes), int(filled)))
    return ranges


def _whole(file: SourceFile) -> FileSlice:
    is_parquet = file.info.path.lower().endswith(ROW_GROUPS)
    unit = "row_groups" if is_parquet else "bytes"
    return FileSlice(file.info.path, 0, None, unit, file.info.size, file.info.version)


def _group(files: list[SourceFile]) -> tuple[str, list[FileSlice]]:
    name = files[0].name + (f"+{len(files) - 1}" if len(files) > 1 else "")
    return name, [_whole(file) for file in files]


def _slice_name(file: SourceFile, piece: FileSlice, n_slices: int) -> str:
    return file.name if n_slices == 1 else f"{file.name}@{piece.start:010d}"


def _below(path: str, base: str) -> str:
    """A file's path below its entry; its own name if it is the entry."""
    if path == base:
        return path.rstrip("/").rpartition("/")[2]
    if path.startswith(base):
        return path[len(base) :].lstrip("/")
    # A URL's file system may spell the base differently, e.g. without the host's port.
    return path.partition("://")[2].lstrip("/") or path


def _dataset_name(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2].lower()


def _refuse_collisions(files: list[SourceFile]) -> None:
    first: dict[str, SourceFile] = {}
    for file in files:
        other = first.setdefault(file.name, file)
        if other is not file:
            raise PlanError(
                f"two files would both be named {file.name!r} in the output",
                where=f"{other.info.path} and {file.info.path}",
                todo="name the roots: file_paths={'one': 'path/of/one', 'other': 'path/of/other'}",
            )


def _not_paths(file_paths: object) -> PlanError:
    return PlanError(
        f"file_paths is {file_paths!r}",
        todo="give a path, a list of paths, or a dict of name to path",
    )
