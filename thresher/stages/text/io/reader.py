# SPDX-License-Identifier: Apache-2.0
"""Readers: partition files, then read them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from thresher.errors import PlanError
from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.file_partitioning import (
    JSONL_EXTENSIONS,
    PARQUET_EXTENSIONS,
    FilePartitioningStage,
    FilePaths,
)
from thresher.stages.reading import ReaderStage
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.parquet import ParquetReaderStage
from thresher.tasks import DocumentBatch, EmptyTask
from thresher.tasks.type_names import TypesGiven


class FileReader(CompositeStage[EmptyTask, DocumentBatch]):
    """What readers of files have in common; see :class:`JsonlReader` for the parameters."""

    _EXTENSIONS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        file_paths: FilePaths,
        files_per_partition: int | None = None,
        blocksize: int | str | None = None,
        fields: Sequence[str] | None = None,
        read_kwargs: dict[str, Any] | None = None,
        task_type: str = "document",
        file_extensions: Sequence[str] | None = None,
        _generate_ids: bool = False,
        _assign_ids: bool = False,
        types: TypesGiven | None = None,
    ) -> None:
        self.file_paths = file_paths
        self.files_per_partition = files_per_partition
        self.blocksize = blocksize
        self.fields = list(fields) if fields is not None else None
        self.read_kwargs = dict(read_kwargs or {})
        self.task_type = task_type
        self.file_extensions = list(file_extensions or self._EXTENSIONS)
        self._generate_ids = _generate_ids
        self._assign_ids = _assign_ids
        self.types = dict(types) if isinstance(types, Mapping) else types
        if task_type != "document":
            raise PlanError(
                f"task_type={task_type!r} is not known",
                where=f"stage {self.name!r}",
                todo='leave it at "document"',
            )
        self.decompose()  # so that mistakes in the options are told here

    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        """A stage that lists and cuts the files, and one that reads them."""
        partitioning = FilePartitioningStage(
            file_paths=self.file_paths,
            files_per_partition=self.files_per_partition,
            blocksize=self.blocksize,
            file_extensions=self.file_extensions,
            storage_options=self.read_kwargs.get("storage_options"),
        )
        return [partitioning, self._reader()]

    @abstractmethod
    def _reader(self) -> ReaderStage:
        """The stage that reads what the partitioning found."""

    def get_description(self) -> str:
        """Path, partitioning and columns in one line."""
        cut = "one file a partition"
        if self.files_per_partition is not None:
            cut = f"{self.files_per_partition} files a partition"
        elif self.blocksize is not None:
            cut = f"{self.blocksize} a partition"
        columns = ", ".join(self.fields) if self.fields is not None else "all columns"
        return f"reads {columns} of {self.file_paths}, {cut}"


class JsonlReader(FileReader):
    """Reads JSONL files.

    Parameters
    ----------
    file_paths : str | list[str] | dict[str, str | list[str]]
        Folders (read recursively), files or patterns; a dict gives each entry the name that its
        part and output names begin with.
    files_per_partition : int | None
        Files a partition holds. Excludes ``blocksize``.
    blocksize : int | str | None
        Bytes a partition holds, e.g. ``"64MB"``: small files are grouped, big ones split between
        lines. With neither option each file is a partition, and files over 128 MiB are split.
    fields : list[str] | None
        Keys to read; the others are dropped. None keeps whole records.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system.
    task_type : str
        Only ``"document"``.
    file_extensions : list[str] | None
        ``.jsonl``, ``.json``, ``.ndjson``, ``.jl`` and ``.jsonlines`` by default, and the same
        compressed (``.gz``, ``.zst``, ``.bz2``, ``.xz``).
    types : dict[str, str] | None
        Types that columns have, such as ``{"score": "float64"}``: ``text``, ``int64``,
        ``float64``, ``bool``, ``json``, ``timestamp[us]``, ``list<int64>`` and the like. A record
        whose value does not fit is set aside. Other columns keep the types that their values have.
    duplicate_keys : str
        What to do about a record in which a key that is used occurs twice: ``"quarantine"`` sets
        it aside, ``"last"`` takes the last value and writes only that.
    """

    name = "jsonl_reader"
    _EXTENSIONS = JSONL_EXTENSIONS

    def __init__(
        self,
        file_paths: FilePaths,
        files_per_partition: int | None = None,
        blocksize: int | str | None = None,
        fields: Sequence[str] | None = None,
        read_kwargs: dict[str, Any] | None = None,
        task_type: str = "document",
        file_extensions: Sequence[str] | None = None,
        _generate_ids: bool = False,
        _assign_ids: bool = False,
        types: TypesGiven | None = None,
        duplicate_keys: str = "quarantine",
    ) -> None:
        self.duplicate_keys = duplicate_keys
        super().__init__(
            file_paths, files_per_partition, blocksize, fields, read_kwargs, task_type,
            file_extensions, _generate_ids, _assign_ids, types,
        )  # fmt: skip

    def _reader(self) -> ReaderStage:
        return JsonlReaderStage(
            self.fields,
            self.read_kwargs,
            self._generate_ids,
            self._assign_ids,
            types=self.types,
            duplicate_keys=self.duplicate_keys,
        )


class ParquetReader(FileReader):
    """Reads Parquet files.

    Parameters
    ----------
    file_paths : str | list[str] | dict[str, str | list[str]]
        Folders (read recursively), files or patterns; a dict gives each entry the name that its
        part and output names begin with.
    files_per_partition : int | None
        Files a partition holds. Excludes ``blocksize``.
    blocksize : int | str | None
        Bytes a partition holds, e.g. ``"64MB"``: small files are grouped, big ones split between
        row groups. With neither option each file is a partition, and files over 128 MiB are split.
    fields : list[str] | None
        Columns to read; None reads all.
    read_kwargs : dict | None
        ``storage_options`` of the fsspec file system.
    task_type : str
        Only ``"document"``.
    file_extensions : list[str] | None
        ``.parquet`` and ``.pq`` by default.
    types : dict[str, str] | None
        Types that columns are to have, such as ``{"score": "float64"}``; a row whose value does
        not fit is set aside. The types of other columns are those of the files, united without
        loss.
    """

    name = "parquet_reader"
    _EXTENSIONS = PARQUET_EXTENSIONS

    def _reader(self) -> ReaderStage:
        return ParquetReaderStage(
            self.fields,
            self.read_kwargs,
            self._generate_ids,
            self._assign_ids,
            types=self.types,
        )
