# SPDX-License-Identifier: Apache-2.0
"""FilePartitioningStage: turns paths into named groups of files and slices of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thresher import storage
from thresher.errors import PlanError
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.storage import FileInfo, Listing, printable
from thresher.tasks import EmptyTask, FileGroupTask, FileSlice

JSONL_EXTENSIONS = (".jsonl", ".json", ".ndjson", ".jl", ".jsonlines")
PARQUET_EXTENSIONS = (".parquet", ".pq")
DEFAULT_EXTENSIONS = JSONL_EXTENSIONS + PARQUET_EXTENSIONS
DEFAULT_BLOCK = 128 * 1024 * 1024
LINES = JSONL_EXTENSIONS
ROW_GROUPS = PARQUET_EXTENSIONS

DESCRIPTIONS = frozenset((
    "croissant.json", "datapackage.json", "dataset-metadata.json", "dataset_dict.json",
    "dataset_info.json", "dataset_infos.json", "ro-crate-metadata.json", "state.json",
))  # fmt: skip
"""Files that tools put beside a data set to describe it; they hold no documents."""

_SHOWN = 5

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
        part names begin with. Files and folders that begin with ``_`` or ``.`` are passed by. What
        exists is taken literally, whatever characters its name has.
    files_per_partition : int | None
        Files a partition holds. Excludes ``blocksize``.
    blocksize : int | str | None
        Bytes a partition holds, e.g. ``"64MB"``: small files are grouped and big ones split, JSONL
        between lines, Parquet between row groups. Compressed files are never split. With neither
        option each file is a partition, and files over 128 MiB are split.
    file_extensions : list[str] | None
        Endings of file names to read, by default those of JSONL (``.jsonl``, ``.json``,
        ``.ndjson``, ``.jl``, ``.jsonlines``) and Parquet (``.parquet``, ``.pq``); each also stands
        for itself compressed (``.gz``, ``.gzip``, ``.zst``, ``.zstd``, ``.bz2``, ``.xz``). Files
        that describe a data set, such as ``dataset_infos.json``, are read if they are named.
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
        self._notes: list[str] = []
        self._linked: list[str] = []
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
        _refuse_collisions((name, slices[0].path) for name, slices in groups)
        parts = []
        for index, (name, slices) in enumerate(groups[: self.limit]):
            paths = list(dict.fromkeys(piece.path for piece in slices))
            metadata = {
                "partition_index": index,
                "total_partitions": len(groups),
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

    def notes(self) -> list[str]:
        """What the last :meth:`partitions` passed by and a user may have meant to be read."""
        return list(self._notes)

    def linked(self) -> list[str]:
        """Links to folders that the last :meth:`partitions` has searched."""
        return list(self._linked)

    def files(self) -> list[SourceFile]:
        """All files, each once, in the order of the entries and of paths within an entry."""
        files: list[SourceFile] = []
        entry_of: dict[str, str] = {}
        self._notes, self._linked = [], []
        others: list[str] = []
        twice: list[tuple[str, str, str]] = []
        for prefix, entry in self.entries:
            found = storage.list_entry(entry, self.file_extensions, options=self.storage_options)
            self._linked += found.linked
            others += [_below(path, found.base) for path in found.other_endings]
            beginning = self._prefix(prefix, found)
            for info in self._data_files(entry, found):
                if info.path in entry_of:
                    twice.append((info.path, entry_of[info.path], entry))
                    continue
                entry_of[info.path] = entry
                name = storage.portable_path(beginning + _below(info.path, found.base))
                files.append(SourceFile(name, info))
        if not files:
            raise self._nothing_found(others)
        if twice:
            self._notes.append(_read_once(twice))
        _refuse_collisions((file.name, file.info.path) for file in files)
        return files

    def _data_files(self, entry: str, found: Listing) -> list[FileInfo]:
        """The files to read; notes tell of those that are passed by."""
        named = _last(entry)
        data: list[FileInfo] = []
        descriptions: list[str] = []
        for info in found.files:
            name = _last(info.path)
            if name.lower() in DESCRIPTIONS and name != named:
                descriptions.append(info.path)
            else:
                data.append(info)
        if found.other_endings and not self._has_chosen_extensions:
            endings = storage.frequent_endings(found.other_endings, _SHOWN)
            reasons = f"for its ending ({endings})", f"for their endings ({endings})"
            told = _passed_by(entry, found.base, found.other_endings, *reasons)
            self._notes.append(f"{told}; name endings in file_extensions to read them")
        if descriptions:
            reasons = "as a description of a data set", "as descriptions of a data set"
            told = _passed_by(entry, found.base, descriptions, *reasons)
            self._notes.append(f"{told}; name a file itself to read it")
        if found.special:
            reasons = "as a pipe, socket or device", "as pipes, sockets or devices"
            self._notes.append(_passed_by(entry, found.base, found.special, *reasons))
        if found.leading_back:
            self._notes.append(_not_followed(entry, found.base, found.leading_back))
        return data

    @property
    def _has_chosen_extensions(self) -> bool:
        return tuple(self.file_extensions) not in (
            DEFAULT_EXTENSIONS,
            JSONL_EXTENSIONS,
            PARQUET_EXTENSIONS,
        )

    def _prefix(self, prefix: str | None, found: Listing) -> str:
        """What the names of one entry's files begin with."""
        if prefix is not None:
            return f"{prefix}/"
        if len(self.entries) == 1:
            return ""
        folder = found.base.rpartition("://")[2]
        last = _last(folder.rpartition("/")[0] if found.is_file else folder)
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
        is_lines = path.lower().endswith(LINES)
        if is_lines and not storage.begins_compressed(path, self.storage_options):
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

    def _nothing_found(self, others: Sequence[str]) -> PlanError:
        entries = ", ".join(entry for _, entry in self.entries)
        endings = ", ".join(self.file_extensions)
        todo = "the place is empty (names that begin with _ or . are passed by); check the path"
        if others:
            shown = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
            todo = f"there are other files: {shown}; name their ending in file_extensions"
        elif self._notes:
            todo = "; ".join(self._notes)
        return PlanError(f"no file that ends in {endings} is there", entries, printable(todo))


def entries_of(file_paths: FilePaths) -> list[tuple[str | None, str]]:
    """(prefix or None, entry) pairs of any accepted form of ``file_paths``."""
    if isinstance(file_paths, str | os.PathLike):
        return [(None, _checked_path(file_paths))]
    if isinstance(file_paths, Mapping):
        pairs: list[tuple[str | None, str]] = []
        for prefix, paths in file_paths.items():
            pairs += [(_checked_prefix(prefix), entry) for _, entry in entries_of(paths)]
        entries = pairs
    elif isinstance(file_paths, Sequence):
        if not all(isinstance(path, str | os.PathLike) for path in file_paths):
            raise _not_paths(file_paths)
        entries = [(None, _checked_path(path)) for path in file_paths]
    else:
        raise _not_paths(file_paths)
    if not entries:
        raise PlanError("file_paths is empty", todo="name a folder, a file or a pattern")
    return entries


def _checked_path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str) or "\0" in text:
        raise PlanError(f"file_paths has {text!r}, which is no path", todo="name it as text")
    return text


def _checked_prefix(prefix: object) -> str:
    """A name of an entry; it must not lead out of the output, which it becomes a folder of."""
    text = str(prefix).removesuffix("/")
    if "\0" in text or any(part.strip() in ("", ".", "..") for part in text.split("/")):
        raise PlanError(
            f"file_paths has an entry that is named {prefix!r}; names become folders of the output",
            todo="use a name such as 'web' or 'web/de': not empty, without .. and no / in front",
        )
    return text


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
    return _last(path) if path == base else path.removeprefix(base).lstrip("/")


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _dataset_name(path: str) -> str:
    return printable(path.rpartition("/")[0].rpartition("/")[2].lower())


def _passed_by(entry: str, base: str, paths: Sequence[str], one: str, several: str) -> str:
    """How many files are passed by, and the reason, as it is told of one and of several."""
    n = len(paths)
    counted = f"1 file is passed by {one}" if n == 1 else f"{n} files are passed by {several}"
    return printable(f"{entry}: {counted}, e.g. {_last(base)}/{_below(paths[0], base)}")


def _not_followed(entry: str, base: str, links: Sequence[str]) -> str:
    """What is told of links that lead to a folder that they lie in."""
    n = len(links)
    one = "1 link is not followed, as it leads back to a folder that it lies in"
    several = f"{n} links are not followed, as they lead back to folders that they lie in"
    told = f"{one if n == 1 else several}, e.g. {_last(base)}/{_below(links[0], base)}"
    return printable(f"{entry}: {told}; name what is to be read of it as an input")


def _read_once(twice: Sequence[tuple[str, str, str]]) -> str:
    """What is told of files that two entries name."""
    path, first, again = map(printable, twice[0])
    by = f"{path} by {first} and again by {again}" if first != again else f"{path} by {first} twice"
    if len(twice) == 1:
        return f"a file is named twice and read once: {by}"
    return f"{len(twice)} files are named twice and read once, e.g. {by}"


def _refuse_collisions(named: Iterable[tuple[str, str]]) -> None:
    """Refuse two files, or groups of files, of one name; they are told by their paths."""
    first: dict[str, str] = {}
    for name, path in named:
        if name in first:
            raise PlanError(
                f"two files would both be named {name!r} in the output",
                where=printable(f"{first[name]} and {path}"),
                todo="name the roots: file_paths={'one': 'path/of/one', 'other': 'path/of/other'}; "
                "if they lie in one folder, rename one of them",
            )
        first[name] = path


def _not_paths(file_paths: object) -> PlanError:
    return PlanError(
        f"file_paths is {file_paths!r}",
        todo="give a path, a list of paths, or a dict of name to path",
    )
