# SPDX-License-Identifier: Apache-2.0
"""TokenCountFilter: keeps documents by how many tokens a tokenizer makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from thresher.errors import PlanError, ThresherError
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.tokenizing import LoadedTokenizer, TokenizerSource, VersionOfFiles
from thresher.stages.text.tokenizing.loaded import encode_with
from thresher.stages.text.tokenizing.source import check_options

_LOADED = "_loaded"


class TokenCountFilter(DocumentFilter):
    """Keep documents of ``min_tokens`` to ``max_tokens`` tokens, both included.

    Score: int64, tokens, with the special ones that the tokenizer adds to a text. Text that spells
    a special token is counted as other text is, as the writers of tokens write it.

    Null rule: a null or empty document has the special tokens only, 0 as a rule.

    Source: the tokenizer's own rules; its file is part of what decides whether work is done again.

    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> TokenCountFilter(tokenizer=words).score_document("one, two")
    3

    Parameters
    ----------
    tokenizer : object | None
        A tokenizer of ``tokenizers`` or ``transformers``, or anything else whose ``encode(text)``
        has a length. It is used as it is, also if it cuts texts short or takes special tokens from
        the text.
    hf_model_name : str | None
        In place of it: a Hugging Face ``tokenizer.json``, a folder with one, or the name of a
        model on the hub, which needs the package ``transformers``. Texts are not cut short.
    hf_token : str | None
        Access to the hub; ``HF_TOKEN`` of the environment when not given.
    min_tokens, max_tokens : float
        What is kept.
    transformers_init_kwargs : dict | None
        Options of ``AutoTokenizer.from_pretrained``.

    Raises
    ------
    PlanError
        If none or both of ``tokenizer`` and ``hf_model_name`` are given (also a ValueError).
    """

    name = "token_count"
    EXAMPLES = ()
    placement_parameters = frozenset(("hf_token",))
    version: ClassVar[Any] = VersionOfFiles("2")

    def __init__(
        self,
        tokenizer: Any = None,
        hf_model_name: str | None = None,
        hf_token: str | None = None,
        min_tokens: float = 0,
        max_tokens: float = math.inf,
        transformers_init_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if (tokenizer is None) == (not hf_model_name):
            raise PlanError(
                "give one of tokenizer and hf_model_name",
                where="TokenCountFilter",
                todo="hf_model_name='tokenizer.json' takes the path of a file",
            )
        check_options(transformers_init_kwargs, "TokenCountFilter")
        self.tokenizer = tokenizer
        self.hf_model_name = hf_model_name
        self.hf_token = hf_token
        self.min_tokens = min_tokens
        self.max_tokens = max_tokens
        self.transformers_init_kwargs = transformers_init_kwargs

    @property
    def source(self) -> TokenizerSource | None:
        """Where the tokenizer comes from; None if it was given."""
        if not self.hf_model_name:
            return None
        options = self.transformers_init_kwargs or {}
        return TokenizerSource(str(self.hf_model_name), None, self.hf_token, options)

    def plan_mistakes(self) -> list[ThresherError]:
        """A tokenizer that is not there."""
        return self.source.mistakes(type(self).__name__) if self.source is not None else []

    def model_check_or_download(self) -> None:
        """Fetch the tokenizer if it is on the hub."""
        if self.source is not None:
            self.source.load_or_fetch()

    def load_tokenizer(self) -> None:
        """Load the tokenizer.

        Raises
        ------
        ModelError
            If it cannot be had.
        """
        if self.source is not None:
            self.__dict__[_LOADED] = self.source.load_or_fetch()
        elif hasattr(self.tokenizer, "encode_batch_fast"):
            self.__dict__[_LOADED] = LoadedTokenizer(encode_with(self.tokenizer))
        else:
            self.__dict__[_LOADED] = LoadedTokenizer(
                lambda texts, special: list(map(self.tokenizer.encode, texts))
            )

    def score_document(self, text: str) -> int:
        """The number of tokens."""
        return int(self.score_column(pa.array([text], pa.large_string()))[0])

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """The numbers of tokens."""
        if _LOADED not in self.__dict__:
            self.load_tokenizer()
        loaded: LoadedTokenizer = self.__dict__[_LOADED]
        return loaded.counts(column, special=True)

    def bounds(self) -> Bounds:
        """Both ends."""
        return self.min_tokens, self.max_tokens

    def __getstate__(self) -> dict[str, Any]:
        """Without the tokenizer in memory, which every worker loads for itself."""
        return {name: value for name, value in self.__dict__.items() if name != _LOADED}
