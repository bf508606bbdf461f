# SPDX-License-Identifier: Apache-2.0
"""Plain text for tokenizers of ``tokenizers``: text that spells a special token stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from thresher.errors import ModelError

_BYTE = re.compile("<0x[0-9A-F]{2}>")
TODO = (
    "give a tokenizer.json, or allow special tokens in text where the stage has an option for it"
    """What users of a tokenizer can do that makes special tokens of text in any case."""
)


@dataclass(frozen=True)
class PlainTokenizer:
    """A tokenizer that makes no special tokens of text.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Has the ids of the original one.
    characters : tuple of str
        Special tokens that are also the only token of a character, and so still come of text.
    """

    tokenizer: Any
    characters: tuple[str, ...]


def plain_tokenizer(tokenizer: Any, named: Iterable[str], where: str) -> PlainTokenizer:
    """The tokenizer for plain text; ``tokenizer`` is changed if it can do that itself.

    ``encode_special_tokens`` only keeps special tokens from being cut out of the text beforehand.
    The model behind may still have them among its pieces (Unigram, WordPiece and WordLevel do, BPE
    by its merges or ``ignore_merges``); then they get names there that no text has.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Neither cuts nor pads.
    named : iterable of str
        Special tokens besides those that the tokenizer itself calls special.
    where : str
        Names the tokenizer in errors.

    Raises
    ------
    ModelError
        If the tokenizer cannot be written down and read again without changing ids.
    """
    try:
        content = json.loads(tokenizer.to_str())
    except Exception as error:  # parts in Python are refused with a bare Exception
        raise _refused(str(error), where) from error
    special = _special_tokens(content, named)
    pieces = special & _pieces(content["model"])
    characters = {token for token in pieces if _is_character(token, content["model"])}
    renamed = special - characters
    told = tuple(sorted(characters - {_unknown(content["model"])}))
    if not _must_rename(content, renamed):
        tokenizer.encode_special_tokens = True
        return PlainTokenizer(tokenizer, told)
    # Random names: nobody can write a text that has them.
    prefix = uuid4().hex
    names = {token: f"{prefix}-{i}" for i, token in enumerate(sorted(renamed))}
    _rename(content, names)
    plain = type(tokenizer).from_str(json.dumps(content))
    plain.encode_special_tokens = True
    expected = {names.get(token, token): i for token, i in tokenizer.get_vocab().items()}
    if plain.get_vocab() != expected:
        raise _refused("its ids change when it is saved and loaded", where)
    return PlainTokenizer(plain, told)


def _refused(why: str, where: str) -> ModelError:
    what = (
        f"the tokenizer cannot be kept from making special tokens of text that spells them: {why}"
    )
    return ModelError(what, where, TODO)


def _special_tokens(content: dict[str, Any], named: Iterable[str]) -> set[str]:
    """Every special token that the tokenizer has."""
    added = content["added_tokens"]
    known = _pieces(content["model"]) | {token["content"] for token in added}
    special = {token["content"] for token in added if token["special"]}
    return (special | {*named, _unknown(content["model"])}) & known - {""}


def _pieces(model: dict[str, Any]) -> set[str]:
    """What the model knows: Unigram has a list of pieces with scores, the others a mapping."""
    vocabulary = model["vocab"]
    return {piece for piece, _ in vocabulary} if _is_unigram(model) else set(vocabulary)


def _is_unigram(model: dict[str, Any]) -> bool:
    return isinstance(model["vocab"], list)


def _unknown(model: dict[str, Any]) -> str:
    """The piece for what the model does not know; ``""`` without one."""
    if not _is_unigram(model):
        return model.get("unk_token") or ""
    place = model.get("unk_id")
    return "" if place is None else str(model["vocab"][place][0])


def _is_character(piece: str, model: dict[str, Any]) -> bool:
    """Whether it is one character, or one byte: without it the model could not write that."""
    prefix, suffix = (
        model.get(name) or "" for name in ("continuing_subword_prefix", "end_of_word_suffix")
    )
    if model.get("byte_fallback") and _BYTE.fullmatch(piece):
        return True
    return len(piece.removeprefix(prefix).removesuffix(suffix)) <= 1


def _must_rename(content: dict[str, Any], special: set[str]) -> bool:
    """Whether ``encode_special_tokens`` is not enough."""
    ordinary = {token["content"] for token in content["added_tokens"] if not token["special"]}
    return bool(
        special & _reachable(content["model"])
        # Named, but not marked: they would still be cut out of the text.
        or special & ordinary
        # A special token that is found and skipped hides those that begin inside it.
        or _overlap(special, ordinary)
    )


def _reachable(model: dict[str, Any]) -> set[str]:
    """The pieces of more than one character that the model can make of characters."""
    if model["type"] != "BPE" or model.get("ignore_merges"):
        return _pieces(model)
    return {_merged(pair, model) for pair in model["merges"]}


def _merged(pair: Collection[str], model: dict[str, Any]) -> str:
    """What a merge makes of its two parts."""
    left, right = pair
    return left + right[len(model.get("continuing_subword_prefix") or "") :]


def _overlap(special: set[str], ordinary: set[str]) -> bool:
    """Whether an ordinary token can begin where a special one is spelled."""
    beginnings = {start for token in ordinary for start in _prefixes(token)}
    return any(
        token[start:] in beginnings or not ordinary.isdisjoint(_prefixes(token[start:]))
        for token in special
        for start in range(len(token))
    )


def _prefixes(text: str) -> list[str]:
    return [text[:end] for end in range(1, len(text) + 1)]


def _rename(content: dict[str, Any], names: dict[str, str]) -> None:
    """Rename tokens wherever text is looked up; ids and the post-processor stay."""
    for token in content["added_tokens"]:
        if token["content"] in names:
            token |= {"content": names[token["content"]], "normalized": False, "special": True}
    model = content["model"]
    if _is_unigram(model):
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in model["vocab"]]
        return
    model["vocab"] = {names.get(piece, piece): i for piece, i in model["vocab"].items()}
    if model.get("unk_token"):
        model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
    if "merges" in model:
        model["merges"] = [
            pair
            for pair in model["merges"]
            if names.keys().isdisjoint((*pair, _merged(pair, model)))
        ]
