# SPDX-License-Identifier: Apache-2.0
"""Small tokenizers of every kind of model, each with its special tokens or without them."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from tests.tokenizer_files import save, trained

LETTERS = [*string.ascii_letters, *string.digits, *string.punctuation]
METASPACE = "▁"


@dataclass(frozen=True)
class Kind:
    """A kind of tokenizer.

    Parameters
    ----------
    build : function
        Special tokens to a tokenizer that has them, and otherwise always the same tokens.
    special : list of str
        The special tokens; the first is for the end of a document.
    decodes : bool
        Whether it gives ASCII text back.
    """

    build: Callable[[Sequence[str]], Tokenizer]
    special: list[str]
    decodes: bool = True

    def save(self, folder: Path) -> str:
        """Make a folder as models have it."""
        options = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": self.special[0]}
        return save(self.build(self.special), folder, **options)

    def plain(self) -> Tokenizer:
        """The tokenizer without special tokens."""
        return self.build([])


def _numbered(pieces: Sequence[str]) -> dict[str, int]:
    return {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}


@cache
def _trained_json() -> str:
    return trained().to_str()


def _trained() -> Tokenizer:
    return Tokenizer.from_str(_trained_json())


def byte_level(special: Sequence[str]) -> Tokenizer:
    """As GPT-2: the model has the special tokens, but cannot make them."""
    return _trained() if special else _without_added(_trained())


def byte_level_added(special: Sequence[str]) -> Tokenizer:
    """As Llama 3: special tokens beside the model, and ordinary added tokens that overlap them."""
    tokenizer = _without_added(_trained())
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=True, rstrip=True, normalized=False) for token in special]
    )
    tokenizer.add_tokens([AddedToken("im_", normalized=False), AddedToken("|>!", normalized=False)])
    return tokenizer


def _without_added(tokenizer: Tokenizer) -> Tokenizer:
    made = Tokenizer(tokenizer.model)
    made.pre_tokenizer = tokenizer.pre_tokenizer
    made.decoder = tokenizer.decoder
    return made


def named_only(special: Sequence[str]) -> Tokenizer:
    """Its special tokens are added as ordinary ones; only a file beside it says what they are."""
    tokenizer = byte_level_added([])
    tokenizer.add_tokens(list(special))
    return tokenizer


def byte_pairs(special: Sequence[str]) -> Tokenizer:
    """As conversions of SentencePiece models can be: merges lead to the special tokens."""
    merges = [("h", "e"), ("</", "s>"), ("<", "s>")] if special else [("h", "e")]
    parts = ["s>", "</"]
    pieces = [*LETTERS, METASPACE, *parts, "he", *special]
    merges = [("s", ">"), ("<", "/"), *merges]
    tokenizer = Tokenizer(models.BPE(_numbered(pieces), merges))
    return _metaspace(tokenizer, special)


def whole_words(special: Sequence[str]) -> Tokenizer:
    """Takes words that it has, without merging."""
    pieces = [*LETTERS, METASPACE, *special]
    tokenizer = Tokenizer(models.BPE(_numbered(pieces), [], ignore_merges=True))
    return _metaspace(tokenizer, special)


def unigram(special: Sequence[str]) -> Tokenizer:
    """As T5 or XLM-R: special tokens have the best score of all."""
    pieces = [("<unk>", 0.0), *((piece, -9.0) for piece in (*LETTERS, METASPACE, "he", "s>"))]
    pieces += [(token, 0.0) for token in special if token != "<unk>"]
    return _metaspace(Tokenizer(models.Unigram(pieces, unk_id=0)), special)


def _metaspace(tokenizer: Tokenizer, special: Sequence[str]) -> Tokenizer:
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_special_tokens(list(special))
    return tokenizer


def word_piece(special: Sequence[str]) -> Tokenizer:
    """As BERT, but without taking punctuation apart; text in capitals is made small."""
    pieces = ["[UNK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), *special]
    tokenizer = Tokenizer(models.WordPiece(_numbered(pieces), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return tokenizer


def lower_case(special: Sequence[str]) -> Tokenizer:
    """Its normalizer makes special tokens of other text, and they are looked for behind it."""
    tokenizer = unigram([])
    pieces = [("<unk>", 0.0), *((piece, -9.0) for piece in (*LETTERS, METASPACE))]
    pieces += [(token, 0.0) for token in special]
    tokenizer.model = models.Unigram(pieces, unk_id=0)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=True, lstrip=True, rstrip=True) for token in special]
    )
    return tokenizer


def word_level(special: Sequence[str]) -> Tokenizer:
    """Has whole words only."""
    tokenizer = Tokenizer(models.WordLevel(_numbered(["[UNK]", "a", *special]), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(special))
    return tokenizer


KINDS: dict[str, Kind] = {
    "byte_level": Kind(byte_level, ["<|endoftext|>", "<pad>", "<s>"]),
    "byte_level_added": Kind(byte_level_added, ["<|im_end|>", "<|im_start|>", "</s>"]),
    "named_only": Kind(named_only, ["<|end|>"]),
    "byte_pairs": Kind(byte_pairs, ["</s>", "<s>"]),
    "whole_words": Kind(whole_words, ["▁</s>", "</s>"]),
    "unigram": Kind(unigram, ["</s>", "<s>", "<extra_id_0>"]),
    "word_piece": Kind(word_piece, ["[SEP]", "[CLS]", "[PAD]"], decodes=False),
    "lower_case": Kind(lower_case, ["</s>", "<s>"], decodes=False),
    "word_level": Kind(word_level, ["[SEP]", "[CLS]"], decodes=False),
}


def tokens(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """The tokens that ids stand for."""
    return [tokenizer.id_to_token(int(i)) for i in ids]
