# SPDX-License-Identifier: Apache-2.0
"""JsonlWriter: writes documents as JSONL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from thresher import storage
from thresher.errors import PlanError, StorageError
from thresher.stages.text.io.decompress import CutOff, decompressed
from thresher.stages.text.io.jsonl_stream import JsonlStream
from thresher.stages.text.io.writer_options import check_writer_options
from thresher.stages.writing import BaseWriter, WriteStream
from thresher.tasks import DocumentBatch

_COMPRESSIONS = {
    "gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bz2"
}  # fmt: skip
_ENDINGS = {"gzip": ".gz", "zstd": ".zst", "bz2": ".bz2"}
_CHUNK = 1 << 20


class JsonlWriter(BaseWriter):
    """Writes JSONL.

    Records that came from JSONL are written as they were read, to the letter; what stages changed,
    added or removed is spliced into them.

    Parameters
    ----------
    path : str
        Output directory.
    file_extension : str
        Without the dot; ``.gz``, ``.zst`` or ``.bz2`` at its end compresses.
    write_kwargs : dict | None
        ``compression`` (``"gz"``, ``"zst"``, ``"bz2"``), ``ensure_ascii`` or ``force_ascii``
        (escape what is not ASCII), ``storage_options``.
    fields : list[str] | None
        Columns to write; None writes whole records.
    mode : str
        What to do about an output directory that is not empty: ``"ignore"`` leaves other files
        alone, ``"overwrite"`` removes what earlier runs wrote, ``"error"`` refuses, ``"append"``
        adds files under a new prefix.
    """

    __module__ = "thresher.stages.text.io.writer"  # its address, also in fingerprints
    name = "jsonl_writer"
    _OPTIONS: ClassVar[tuple[str, ...]] = (
        "compression", "ensure_ascii", "force_ascii", "storage_options"
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        file_extension: str = "jsonl",
        write_kwargs: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        mode: str = "ignore",
    ) -> None:
        super().__init__(path, file_extension, write_kwargs, fields, mode)
        check_writer_options(self.name, self.write_kwargs, self._OPTIONS)
        self._compression = self._compression_asked_for()

    @property
    def raw_format(self) -> str:
        """Records travel as they are, unless only some fields are asked for."""
        return "jsonl" if self.fields is None else ""

    def inputs(self) -> tuple[list[str], list[str]]:
        """The columns asked for."""
        return [], list(self.fields or [])

    def stream(self, file_path: str) -> WriteStream:
        """Open the new file ``file_path`` for batches that follow one another."""
        options = self.write_kwargs
        return JsonlStream(
            storage.open_write(file_path, options.get("storage_options")),
            file_path,
            self.fields,
            self._compression,
            ascii_only=bool(options.get("ensure_ascii") or options.get("force_ascii")),
        )

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        stream = self.stream(file_path)
        try:
            stream.write(task)
        finally:
            stream.close()

    def count_rows(self, file_path: str) -> int:
        """Line ends in a closed file."""
        options = self.write_kwargs.get("storage_options")
        if self._compression:  # a temporary does not tell it by its name
            ending = _ENDINGS[self._compression]
            try:
                return sum(data.count(b"\n") for data in decompressed(file_path, options, ending))
            except CutOff as error:
                raise StorageError(
                    f"what was written cannot be read back: {error}",
                    where=file_path,
                    todo="check the disk and its log",
                ) from error
        rows = 0
        with storage.failures("read", file_path), storage.open_read(file_path, 0, options) as file:
            while data := file.read(_CHUNK):
                rows += data.count(b"\n")
        return rows

    def _compression_asked_for(self) -> str:
        """Arrow's name of the compression; the file extension follows it."""
        asked = self.write_kwargs.get("compression")
        ending = self.file_extension.rpartition(".")[2]
        if asked is None:
            return _COMPRESSIONS.get(ending, "")
        if asked not in _COMPRESSIONS:
            raise PlanError(
                f"compression={asked!r} is not known",
                where=f"stage {self.name!r}",
                todo=f"use one of {', '.join(_COMPRESSIONS)}",
            )
        compression = _COMPRESSIONS[asked]
        if not f".{self.file_extension}".endswith(_ENDINGS[compression]):
            self.file_extension += _ENDINGS[compression]
        return compression
