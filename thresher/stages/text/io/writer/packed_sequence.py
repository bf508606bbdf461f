# SPDX-License-Identifier: Apache-2.0
"""PackedSequenceWriter: writes the tokens of documents as sequences of one length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher import storage
from thresher.errors import PlanError
from thresher.stages.base import Columns
from thresher.stages.filtering import column_of
from thresher.stages.text.io.arrow_stream import ArrowStream
from thresher.stages.text.io.megatron.stream import with_eod
from thresher.stages.text.io.parquet_stream import Layout, ParquetStream
from thresher.stages.text.io.writer.token_writer import TokenWriter
from thresher.stages.text.io.writer_options import check_writer_options
from thresher.stages.text.packing.packer import PACKINGS, SequencePacker, schema
from thresher.stages.text.tokenizing.loaded import ROWS_PER_CALL
from thresher.tasks import ROW, DocumentBatch
from thresher.tasks.columns import from_numpy, to_numpy
from thresher.tasks.types import ColumnType

_OPTIONS = {
    "parquet": ("compression", "compression_level", "use_dictionary", "version", "storage_options"),
    "arrow": ("compression", "storage_options"),
}
_OFFSETS = "position_offsets"


class PackedSequenceWriter(TokenWriter):
    """Writes the tokens of documents packed into sequences of one length, ready to train on.

    Each row is a sequence:

    - ``input_ids``, int32[sequence_length]: tokens, filled up with the tokenizer's token for
      padding, or else with that for the end of a document, or else with 0;
    - ``n_tokens``, int32: how many of them are no padding;
    - ``cu_seqlens``, list of int32: where documents begin in the sequence, from 0, and at the end
      ``n_tokens``; attention and loss need not cross these borders;
    - ``document_ids``, list, one less: which documents they are;
    - ``position_offsets``, list of int32, as many: the token of the document that each begins
      with; 0 unless it goes on from another sequence.

    Documents are packed within an output file, in order, and what is left at its end is padded: no
    token is lost, none is written twice, and the same input gives the same bytes. An empty or null
    document without an end token is a segment of length 0.

    Parameters
    ----------
    path : str
        Output directory.
    model_identifier : str
        A ``tokenizer.json``; a folder with one, whose ``tokenizer_config.json`` or
        ``special_tokens_map.json`` names the special tokens (both are also looked for beside a
        file); or the name of a model on the Hugging Face hub, which needs the package
        ``transformers``.
    sequence_length : int
        Tokens of a sequence.
    packing : str
        ``"concatenate"`` puts document after document and cuts wherever a sequence is full: no
        padding but at the end. ``"best_fit"`` cuts only documents longer than a sequence, and
        packs the pieces as tightly as best-fit-decreasing does, some four million tokens at a time.
    file_format : str
        ``"parquet"``, or ``"arrow"``: files that can be mapped into memory.
    append_eod : bool
        Whether to end every document with the tokenizer's token for that; nothing is appended,
        with a warning, where it names none.
    text_field : str
        The column to tokenize.
    id_field : str | None
        The column with the documents' ids, written as text; the number of the row in its part
        (int64) when not given.
    cache_dir : str | None
        Where models of the hub are kept.
    hf_token : str | None
        Access to the hub; ``HF_TOKEN`` of the environment when not given.
    tokenization_batch_size : int
        Documents tokenized at once.
    transformers_init_kwargs : dict | None
        Options of ``AutoTokenizer.from_pretrained``; ``eos_token`` and ``pad_token`` need no
        ``transformers``.
    write_kwargs : dict | None
        Options of ``pyarrow.parquet.ParquetWriter`` or ``pyarrow.ipc.IpcWriteOptions``, e.g.
        ``compression`` (Parquet: ``"zstd"`` by default); ``storage_options``.
    mode : str
        What to do about an output directory that is not empty: ``"ignore"`` leaves other files
        alone, ``"overwrite"`` removes what earlier runs wrote, ``"error"`` refuses, ``"append"``
        adds files under a new prefix.
    allow_special_tokens : bool
        Whether text that spells a special token, such as ``<|endoftext|>``, becomes that token. By
        default it is tokenized as ordinary characters: special tokens are only those that the
        writer itself puts in.

    Raises
    ------
    PlanError
        If no tokenizer is named, or an option is not known (also a ValueError).
    """

    name = "packed_sequence_writer"
    _FORMATS: ClassVar[tuple[str, ...]] = tuple(_OPTIONS)

    def __init__(
        self,
        path: str,
        model_identifier: str | None = None,
        sequence_length: int = 2048,
        packing: str = "concatenate",
        file_format: str = "parquet",
        append_eod: bool = True,
        text_field: str = "text",
        id_field: str | None = None,
        cache_dir: str | None = None,
        hf_token: str | None = None,
        tokenization_batch_size: int = ROWS_PER_CALL,
        transformers_init_kwargs: Mapping[str, Any] | None = None,
        write_kwargs: dict[str, Any] | None = None,
        mode: str = "ignore",
        allow_special_tokens: bool = False,
    ) -> None:
        super().__init__(
            path, file_format, model_identifier, cache_dir, hf_token, text_field,
            tokenization_batch_size, append_eod, transformers_init_kwargs, mode, write_kwargs,
            allow_special_tokens,
        )  # fmt: skip
        where = f"stage {self.name!r}"
        for name, value, known in (
            ("packing", packing, PACKINGS), ("file_format", file_format, _OPTIONS)
        ):  # fmt: skip
            if value not in known:
                raise PlanError(
                    f"{name}={value!r} is not known", where, f"use one of {', '.join(known)}"
                )
        if sequence_length < 1:
            raise PlanError(f"sequence_length={sequence_length} is not 1 or more", where)
        check_writer_options(self.name, self.write_kwargs, _OPTIONS[file_format])
        self.sequence_length = sequence_length
        self.packing = packing
        self.file_format = file_format
        self.id_field = id_field

    def inputs(self) -> Columns:
        """The text, and the ids if they are a column."""
        return [], [self.text_field, *([self.id_field] if self.id_field else [])]

    @property
    def schema(self) -> pa.Schema:
        """The columns of its files."""
        return schema(self.sequence_length, pa.string() if self.id_field else pa.int64())

    @property
    def pad_id(self) -> int:
        """What sequences are filled up with."""
        return max(
            self.tokenizer.pad_id if self.tokenizer.pad_id >= 0 else self.tokenizer.eos_id, 0
        )

    def stream(self, file_path: str) -> _Sequences:
        """Open the new file ``file_path`` for batches that follow one another."""
        options = dict(self.write_kwargs)
        storage_options = options.pop("storage_options", None)
        if self.file_format == "arrow":
            return _Sequences(self, ArrowStream(file_path, options, storage_options))
        options = {"compression": "zstd", **options}
        columns = {field.name: ColumnType(field.type) for field in self.schema}
        layout = Layout(columns, first=tuple(columns), only=True)
        return _Sequences(self, ParquetStream(file_path, options, storage_options, layout))

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``."""
        stream = self.stream(file_path)
        try:
            stream.write(task)
            stream.close()
        except BaseException:
            storage.store_for(file_path).remove(file_path)
            raise

    def ids_of(self, task: DocumentBatch, first: int) -> pa.Array:
        """The ids of a batch whose first document is the ``first``-th."""
        if self.id_field:
            column = column_of(task, self.id_field, self.name)
            return pc.cast(column, pa.string()).combine_chunks()
        if ROW in task.data.column_names:
            return task.data.column(ROW).combine_chunks()
        return from_numpy(np.arange(first, first + task.num_items, dtype=np.int64))

    def count_rows(self, file_path: str) -> int:
        """Documents that begin in the sequences of a closed file."""
        options = self.write_kwargs.get("storage_options")
        with storage.failures("read", file_path), storage.open_arrow(file_path, options) as file:
            return sum(
                int(np.count_nonzero(to_numpy(offsets.flatten()) == 0))
                for offsets in self._offsets(file)
            )

    def _offsets(self, file: Any) -> Iterator[pa.ListArray]:
        if self.file_format == "parquet":
            for batch in pq.ParquetFile(file).iter_batches(columns=[_OFFSETS]):
                yield batch.column(0)
            return
        reader = pa.ipc.open_file(file)
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i).column(_OFFSETS)


class _Sequences:
    """A stream of batches as one of packed sequences."""

    def __init__(self, writer: PackedSequenceWriter, file: ArrowStream | ParquetStream) -> None:
        self._writer = writer
        self._file = file
        self._n_rows = 0
        self._packer = SequencePacker(writer.sequence_length, writer.packing, writer.pad_id)
        self._is_empty = True

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise an error and append none."""
        tokens = with_eod(self._writer.tokens_of(task), self._writer.eod_id)
        ids = self._writer.ids_of(task, self._n_rows)
        self._n_rows += task.num_items
        for table in self._packer.add(tokens, ids):
            self._append(table)

    def close(self) -> None:
        """Pad what is left, and finish the file."""
        for table in self._packer.finish():
            self._append(table)
        if self._is_empty:
            self._append(self._writer.schema.empty_table())
        self._file.close()

    def _append(self, table: pa.Table) -> None:
        self._is_empty = False
        self._file.write(table)
