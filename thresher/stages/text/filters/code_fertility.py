# SPDX-License-Identifier: Apache-2.0
"""TokenizerFertilityFilter: keeps sources that a tokenizer knows how to write."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from thresher.errors import ModelError, PlanError, ThresherError, missing_extra
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter, documents
from thresher.stages.text.model_file import ModelFile
from thresher.stages.text.tokenizing import LoadedTokenizer, VersionOfFiles

_ROWS_PER_CALL = 1000


class TokenizerFertilityFilter(DocumentFilter):
    """Keep sources of which a tokenizer's tokens are, on average, long enough.

    Score: float64, characters / tokens; -1.0 where there are no tokens. Special tokens are not
    added, and text that spells one is counted as other text is.

    Null rule: a null or empty document has no tokens and scores -1.0.

    Source: Ben Allal et al. 2023, SantaCoder (arXiv:2301.03988), section 3.

    >>> TokenizerFertilityFilter("code.model").keep_document(2.4)
    False

    Parameters
    ----------
    path_to_tokenizer : str
        A SentencePiece model, or a Hugging Face tokenizer if the name ends in ``.json``.
    min_char_to_token_ratio : float
        The lowest score that is kept.

    Raises
    ------
    PlanError
        If no tokenizer is named (also a ValueError).
    """

    name = "tokenizer_fertility"
    EXAMPLES = ()
    version: ClassVar[Any] = VersionOfFiles("2")

    def __init__(
        self, path_to_tokenizer: str | None = None, min_char_to_token_ratio: float = 2.5
    ) -> None:
        if path_to_tokenizer is None:
            raise PlanError(
                "path_to_tokenizer is not given",
                where="TokenizerFertilityFilter",
                todo="name a SentencePiece model or a tokenizer.json",
            )
        self.path_to_tokenizer = path_to_tokenizer
        self.min_char_to_token_ratio = min_char_to_token_ratio

    @property
    def source(self) -> ModelFile:
        """The tokenizer's file."""
        return ModelFile(str(self.path_to_tokenizer))

    def plan_mistakes(self) -> list[ThresherError]:
        """A file that is not there."""
        return self.source.mistakes(type(self).__name__)

    @property
    def requires(self) -> tuple[tuple[str, str], ...]:
        """(package, extra) pairs that the kind of tokenizer needs."""
        return (("tokenizers" if self._is_json else "sentencepiece", "text"),)

    @property
    def _is_json(self) -> bool:
        return str(self.path_to_tokenizer).endswith(".json")

    def model_check_or_download(self) -> None:
        """See that the file is there.

        Raises
        ------
        ModelError
            If it is not (also a FileNotFoundError).
        """
        self.source.check(type(self).__name__)

    def load_tokenizer(self) -> None:
        """Load the tokenizer.

        Raises
        ------
        ModelError
            If the file is not there or holds no tokenizer.
        """
        _ = self._counter

    @cached_property
    def _counter(self) -> Any:
        """list of texts -> list of numbers of tokens."""
        self.model_check_or_download()
        load = _hugging_face if self._is_json else _sentence_piece
        try:
            return load(self.source.path)
        except ImportError as error:
            package = str(error.name)
            raise missing_extra(type(self).__name__, package, "text") from None
        except Exception as error:
            raise ModelError(
                f"the tokenizer cannot be loaded: {error}",
                where=self.source.path,
                todo="name a SentencePiece model or a tokenizer.json",
            ) from error

    def score_document(self, text: str) -> float:
        """Characters for each token."""
        n_tokens = self._counter([text])[0]
        return len(text) / n_tokens if n_tokens else -1.0

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """Characters for each token, many documents at once."""
        found = np.full(len(column), -1.0)
        for start in range(0, len(column), _ROWS_PER_CALL):
            texts = documents(column.slice(start, _ROWS_PER_CALL))
            for row, (text, n_tokens) in enumerate(
                zip(texts, self._counter(texts), strict=True), start
            ):
                if n_tokens:
                    found[row] = len(text) / n_tokens
        return found

    def bounds(self) -> Bounds:
        """A lower end."""
        return self.min_char_to_token_ratio, None

    def __getstate__(self) -> dict[str, Any]:
        """Without the tokenizer in memory, which every worker loads for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "_counter"}


def _sentence_piece(path: str) -> Any:
    import sentencepiece

    loaded = sentencepiece.SentencePieceProcessor(model_file=path)
    return lambda texts: [len(ids) for ids in loaded.encode(texts, num_threads=1)]


def _hugging_face(path: str) -> Any:
    from tokenizers import Tokenizer

    loaded = LoadedTokenizer.of_tokenizers(Tokenizer.from_file(path), where=path)
    return lambda texts: list(map(len, loaded.encode(texts, False)))
