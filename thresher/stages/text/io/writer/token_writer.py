# SPDX-License-Identifier: Apache-2.0
"""TokenWriter: what writers of tokens have in common."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from thresher.errors import PlanError, ThresherError
from thresher.stages.base import TEXT, Columns, NodeInfo, WorkerMetadata
from thresher.stages.filtering import text_of
from thresher.stages.text.tokenizing import (
    LoadedTokenizer,
    TokenizerSource,
    Tokens,
    VersionOfFiles,
)
from thresher.stages.text.tokenizing.source import check_options
from thresher.stages.writing import BaseWriter
from thresher.tasks import DocumentBatch, FileGroupTask


class TokenWriter(BaseWriter):
    """Base of writers that tokenize documents; a subclass says what is made of the tokens.

    Texts are tokenized whole and without special tokens; text that spells one is tokenized as other
    text is, unless ``allow_special_tokens``. A null text counts as an empty one.
    """

    version: ClassVar[Any] = VersionOfFiles("2")
    placement_parameters = frozenset(
        ("path", "mode", "cache_dir", "hf_token", "tokenization_batch_size")
    )

    def __init__(
        self,
        path: str,
        file_extension: str,
        model_identifier: str | None,
        cache_dir: str | None,
        hf_token: str | None,
        text_field: str,
        tokenization_batch_size: int,
        append_eod: bool,
        transformers_init_kwargs: Mapping[str, Any] | None,
        mode: str,
        write_kwargs: dict[str, Any] | None = None,
        allow_special_tokens: bool = False,
    ) -> None:
        super().__init__(path, file_extension, write_kwargs, None, mode)
        where = f"stage {self.name!r}"
        if not model_identifier:
            raise PlanError(
                "model_identifier is missing", where=where, todo="give a tokenizer.json, or a model"
            )
        if tokenization_batch_size < 1:
            raise PlanError(
                f"tokenization_batch_size={tokenization_batch_size} is not 1 or more", where=where
            )
        self.model_identifier = str(model_identifier)
        self.cache_dir = cache_dir
        self.hf_token = hf_token
        self.text_field = text_field
        self.tokenization_batch_size = tokenization_batch_size
        self.append_eod = append_eod
        self.transformers_init_kwargs = check_options(transformers_init_kwargs, where)
        self.allow_special_tokens = allow_special_tokens
        self._loaded: LoadedTokenizer | None = None

    @property
    def source(self) -> TokenizerSource:
        """Where the tokenizer comes from."""
        return TokenizerSource(
            self.model_identifier,
            self.cache_dir,
            self.hf_token,
            self.transformers_init_kwargs,
            self.allow_special_tokens,
        )

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def inputs(self) -> Columns:
        """The text."""
        return [], [self.text_field]

    def plan_mistakes(self) -> list[ThresherError]:
        """A tokenizer that is not there."""
        return self.source.mistakes(type(self).__name__)

    def setup_on_node(
        self, node_info: NodeInfo | None = None, worker_metadata: WorkerMetadata | None = None
    ) -> None:
        """Fetch the tokenizer if it is on the hub.

        Raises
        ------
        ModelError
            If it cannot be had.
        """
        self.source.load_or_fetch()

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Load the tokenizer: from this machine, or else from the hub.

        Raises
        ------
        ModelError
            If it cannot be had.
        """
        self._loaded = self.source.load_or_fetch()
        if self.append_eod and self._loaded.eos_id < 0:
            warnings.warn(
                f"{type(self).__name__}: the tokenizer {self.model_identifier!r} names no token "
                "for the end of a document: append_eod=True does nothing",
                stacklevel=2,
            )

    @property
    def tokenizer(self) -> LoadedTokenizer:
        """The tokenizer, loaded if it is not yet."""
        if self._loaded is None:
            self.setup()
        assert self._loaded is not None
        return self._loaded

    @property
    def eod_id(self) -> int:
        """The id that ends documents, -1 for none."""
        return self.tokenizer.eos_id if self.append_eod else -1

    def tokens_of(self, task: DocumentBatch) -> Tokens:
        """The tokens of a batch."""
        column = text_of(task, self.text_field, self.name)
        return self.tokenizer.tokens(column, rows=self.tokenization_batch_size, special=False)

    def process(self, task: DocumentBatch) -> FileGroupTask:
        """Write one task straight to ``path``; for use outside a pipeline."""
        _ = self.tokenizer  # before there is a file
        return super().process(task)
