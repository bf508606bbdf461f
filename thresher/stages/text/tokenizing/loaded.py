# SPDX-License-Identifier: Apache-2.0
"""LoadedTokenizer: whole columns of text to token ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.stages.text.tokenizing.plain import PlainTokenizer, plain_tokenizer
from thresher.stages.text.tokenizing.slow import PlainSlowTokenizer, encode_slowly

Ids: TypeAlias = "npt.NDArray[np.int32]"

ROWS_PER_CALL = 1000
"""Texts tokenized at once, where nothing else is asked for."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of n documents.

    Parameters
    ----------
    ids : ndarray
        int32[sum of lengths]: of all documents, one after another.
    lengths : ndarray
        int64[n]: tokens of each document.
    """

    ids: Ids
    lengths: npt.NDArray[np.int64]


@dataclass(frozen=True)
class LoadedTokenizer:
    """A tokenizer in memory.

    Parameters
    ----------
    encode : function
        A list of texts, and whether to add special tokens, to one sequence of ids each.
    size : int
        All ids are below it; -1 where that is not known.
    eos_id, pad_id : int
        Ids of the special tokens for the end of a document and for padding; -1 without one.
    special_characters : tuple of str
        Special tokens that are also the only token of a character: text has them, although no
        special tokens are to be made of text.
    """

    encode: Callable[[list[str], bool], list[Any]]
    size: int = -1
    eos_id: int = -1
    pad_id: int = -1
    special_characters: tuple[str, ...] = ()

    def pieces(
        self, column: pa.Array | pa.ChunkedArray, *, rows: int = ROWS_PER_CALL, special: bool
    ) -> Iterator[list[Any]]:
        """Encode a column ``rows`` texts at a time; null counts as the empty text."""
        for start in range(0, len(column), rows):
            texts = column.slice(start, rows).to_pylist()
            yield self.encode(["" if text is None else text for text in texts], special)

    def tokens(
        self, column: pa.Array | pa.ChunkedArray, *, rows: int = ROWS_PER_CALL, special: bool
    ) -> Tokens:
        """The tokens of a column of texts."""
        lengths = [np.empty(0, np.int64)]
        ids = [np.empty(0, np.int32)]
        for encoded in self.pieces(column, rows=rows, special=special):
            piece = np.fromiter(map(len, encoded), np.int64, len(encoded))
            lengths.append(piece)
            ids.append(
                np.fromiter(chain.from_iterable(map(_ids_of, encoded)), np.int32, piece.sum())
            )
        return Tokens(np.concatenate(ids), np.concatenate(lengths))

    def counts(self, column: pa.Array | pa.ChunkedArray, *, special: bool) -> npt.NDArray[np.int64]:
        """int64[n]: how many tokens each text of a column has."""
        pieces = self.pieces(column, special=special)
        return np.fromiter(map(len, chain.from_iterable(pieces)), np.int64, len(column))

    @classmethod
    def of_tokenizers(
        cls,
        tokenizer: Any,
        eos: str = "",
        pad: str = "",
        *,
        named: Iterable[str] = (),
        allow_special_tokens: bool = False,
        where: str = "",
    ) -> LoadedTokenizer:
        """One of the package ``tokenizers``, which is changed: it no longer cuts or pads.

        Parameters
        ----------
        tokenizer : tokenizers.Tokenizer
            The tokenizer.
        eos, pad : str
            The special tokens for the end of a document and for padding; ``""`` without one.
        named : iterable of str
            Special tokens besides those that the tokenizer itself calls special.
        allow_special_tokens : bool
            Whether text that spells a special token becomes that token.
        where : str
            Names the tokenizer in errors.

        Raises
        ------
        ModelError
            If it cannot be kept from making special tokens of text.
        """
        # Files of models often say how long their inputs are; here whole documents count.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        eos_id, pad_id = (tokenizer.token_to_id(token) if token else None for token in (eos, pad))
        # Not their number: added tokens may lie beyond gaps.
        highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
        plain = (
            PlainTokenizer(tokenizer, ())
            if allow_special_tokens
            else plain_tokenizer(tokenizer, (eos, pad, *named), where)
        )
        return cls(
            encode_with(plain.tokenizer),
            highest + 1,
            _known(eos_id),
            _known(pad_id),
            plain.characters,
        )

    @classmethod
    def of_transformers(
        cls, tokenizer: Any, *, allow_special_tokens: bool = False, where: str = ""
    ) -> LoadedTokenizer:
        """One of the package ``transformers``; parameters and errors as of ``of_tokenizers``."""
        eos_id, pad_id = _known(tokenizer.eos_token_id), _known(tokenizer.pad_token_id)
        inside = getattr(tokenizer, "backend_tokenizer", None)
        if hasattr(inside, "encode_batch_fast"):
            loaded = cls.of_tokenizers(
                inside,
                named=tokenizer.all_special_tokens,
                allow_special_tokens=allow_special_tokens,
                where=where,
            )
            return replace(loaded, eos_id=eos_id, pad_id=pad_id)
        highest = max(tokenizer.get_vocab().values(), default=-2)
        if allow_special_tokens:
            return cls(encode_slowly(tokenizer), highest + 1, eos_id, pad_id)
        plain = PlainSlowTokenizer(tokenizer)
        return cls(plain, highest + 1, eos_id, pad_id, plain.characters)


def _known(found: int | None) -> int:
    """An id, or -1 for none."""
    return -1 if found is None else int(found)


def encode_with(tokenizer: Any) -> Callable[[list[str], bool], list[Any]]:
    """Encode by a tokenizer of the package ``tokenizers``; the GIL is released meanwhile."""

    def encode(texts: list[str], special: bool) -> list[Any]:
        encoded: list[Any] = tokenizer.encode_batch_fast(texts, add_special_tokens=special)
        return encoded

    return encode


def _ids_of(encoded: Any) -> list[int]:
    """The ids of one text; what ``tokenizers`` gives holds more."""
    found: list[int] = encoded if isinstance(encoded, list) else encoded.ids
    return found
