# SPDX-License-Identifier: Apache-2.0
"""MegatronTokenizerWriter: writes the tokens of documents as Megatron's indexed datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thresher import storage
from thresher.errors import DataError
from thresher.stages.text.io.megatron.index import code_for, read_index
from thresher.stages.text.io.megatron.stream import MegatronStream
from thresher.stages.text.io.writer.token_writer import TokenWriter
from thresher.stages.text.tokenizing.loaded import ROWS_PER_CALL
from thresher.tasks import DocumentBatch, FileGroupTask


class MegatronTokenizerWriter(TokenWriter):
    """Writes the tokens of documents as pairs of ``.bin`` and ``.idx``, as Megatron-LM reads them.

    Every document is one sequence, an empty or null one of length 0. Texts are tokenized whole and
    without special tokens. Ids take 2 bytes (uint16) where all that the tokenizer has fit, 4
    (int32) otherwise, or where their number is not known.

    ``thresher merge-megatron``, or ``merge_file_prefixes``, makes one pair of all.

    Parameters
    ----------
    path : str
        Output directory.
    model_identifier : str
        A ``tokenizer.json``; a folder with one, whose ``tokenizer_config.json`` or
        ``special_tokens_map.json`` names the token for the end of a document (both are also looked
        for beside a file); or the name of a model on the Hugging Face hub, which needs the package
        ``transformers``.
    cache_dir : str | None
        Where models of the hub are kept.
    hf_token : str | None
        Access to the hub; ``HF_TOKEN`` of the environment when not given.
    text_field : str
        The column to tokenize.
    tokenization_batch_size : int
        Documents tokenized at once.
    append_eod : bool
        Whether to end every document with the tokenizer's token for that; nothing is appended,
        with a warning, where it names none.
    transformers_init_kwargs : dict | None
        Options of ``AutoTokenizer.from_pretrained``; ``eos_token`` and ``pad_token`` need no
        ``transformers``.
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
        If no tokenizer is named, or an option has a parameter of its own (also a ValueError).
    """

    name = "megatron_tokenizer_writer"
    companions = ("idx",)

    def __init__(
        self,
        path: str,
        model_identifier: str | None = None,
        cache_dir: str | None = None,
        hf_token: str | None = None,
        text_field: str = "text",
        tokenization_batch_size: int = ROWS_PER_CALL,
        append_eod: bool = False,
        transformers_init_kwargs: Mapping[str, Any] | None = None,
        mode: str = "ignore",
        allow_special_tokens: bool = False,
    ) -> None:
        super().__init__(
            path, "bin", model_identifier, cache_dir, hf_token, text_field,
            tokenization_batch_size, append_eod, transformers_init_kwargs, mode,
            allow_special_tokens=allow_special_tokens,
        )  # fmt: skip

    def stream(self, file_path: str) -> _Documents:
        """Open the new file ``file_path``, and its index, for batches that follow one another."""
        idx_path = self.companion(file_path, "idx")
        code = code_for(self.tokenizer.size)
        return _Documents(self, MegatronStream(file_path, idx_path, code, self.eod_id))

    def write_data(self, task: DocumentBatch, file_path: str) -> None:
        """Write all rows of ``task`` to the new file ``file_path``, and its index."""
        stream = self.stream(file_path)
        try:
            stream.write(task)
            stream.close()
        except BaseException:
            stream.pair.discard()
            raise

    def count_rows(self, file_path: str) -> int:
        """Sequences that the index of a closed file has, if the ids are as many as it says."""
        index = read_index(self.companion(file_path, "idx"))
        size = storage.store_for(file_path).size(file_path)
        if size != index.n_bytes:
            raise DataError(
                f"it has {size} bytes where its index has {index.n_bytes}",
                where=file_path,
                todo="see whether the disk is full",
            )
        return len(index.lengths)

    def process(self, task: DocumentBatch) -> FileGroupTask:
        """Write one task straight to ``path``; for use outside a pipeline.

        The metadata of the answer tell ``format``, ``file_prefix``, ``num_tokens``, ``token_size``
        (bytes) and ``eod_token_id`` (-1 for none).
        """
        written = super().process(task)
        bin_path = written.data[0]
        index = read_index(self.companion(bin_path, "idx"))
        told = {
            "format": "megatron",
            "file_prefix": bin_path.removesuffix(".bin"),
            "num_tokens": index.n_bytes // index.dtype.itemsize,
            "token_size": index.dtype.itemsize,
            "eod_token_id": self.tokenizer.eos_id,
        }
        files = [bin_path, self.companion(bin_path, "idx")]
        return written.evolve(data=files, _metadata={**task._metadata, **told})


class _Documents:
    """A stream of batches as one of tokens."""

    def __init__(self, writer: MegatronTokenizerWriter, pair: MegatronStream) -> None:
        self.pair = pair
        self._writer = writer

    def write(self, task: DocumentBatch) -> None:
        """Append all rows of a batch, or raise a DataError and append none."""
        self.pair.write(self._writer.tokens_of(task))

    def close(self) -> None:
        """Finish both files."""
        self.pair.close()
