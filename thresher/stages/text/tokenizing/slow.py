# SPDX-License-Identifier: Apache-2.0
"""Tokenizers of ``transformers`` that are written in Python, and plain text for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from typing import Any

from thresher.errors import DataError
from thresher.stages.text.tokenizing.plain import TODO

_NO_MATCH = "(?!)"


def encode_slowly(tokenizer: Any) -> Callable[[list[str], bool], list[Any]]:
    """Encode as the tokenizer does by itself, special tokens in the text included."""

    def encode(texts: list[str], special: bool) -> list[Any]:
        return _call(tokenizer, texts, add_special_tokens=special) if texts else []

    return encode


class PlainSlowTokenizer:
    """Encodes texts without making special tokens of what spells them.

    Texts are encoded as usual. Those that come out with a special token are encoded once more with
    ``split_special_tokens``. That option splits ordinary added tokens too, so they are taken out
    before. Not every tokenizer heeds it; then the spelling of a special token is cut after its
    first character, and the pieces are encoded each by itself.

    Parameters
    ----------
    tokenizer : object
        One of ``transformers``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = _added_tokens(tokenizer)
        special = {token.content: i for i, token in added.items() if token.special}
        names = list(tokenizer.all_special_tokens)
        ids = tokenizer.convert_tokens_to_ids(names)
        special |= {name: i for name, i in zip(names, ids, strict=True) if i is not None}
        self._special = {i: name for name, i in special.items()}
        self._spelling = re.compile(f"(?={_any_of(special)})", re.IGNORECASE)
        ordinary = sorted(
            ((token, i) for i, token in added.items() if i not in self._special),
            key=lambda item: -len(item[0].content),
        )
        self._ordinary = re.compile("|".join(_pattern(token) for token, _ in ordinary) or _NO_MATCH)
        self._ordinary_ids = [i for _, i in ordinary]
        self._unknown = str(getattr(tokenizer, "unk_token", None) or "")
        self._unknown_id = special.get(self._unknown, -1)
        self._is_unknown_kept = bool(self._unknown) and self._unknown_id in self._split(
            self._unknown
        )
        self.characters = tuple(
            name for name, i in special.items() if len(name) == 1 and i in self._split(name)
        )
        allowed = {self._unknown_id, *map(special.__getitem__, self.characters)}
        self._forbidden = self._special.keys() - allowed

    def __call__(self, texts: list[str], special: bool) -> list[Any]:
        """One list of ids for each text, with or without what the tokenizer adds to a text."""
        found = _call(self._tokenizer, texts) if texts else []
        for row, (text, ids) in enumerate(zip(texts, found, strict=True)):
            if self._is_suspect(text, ids):
                found[row] = self._plain(text)
        if special:
            return [self._tokenizer.build_inputs_with_special_tokens(ids) for ids in found]
        return found

    def _is_suspect(self, text: str, ids: list[int]) -> bool:
        """Whether special tokens may be made of text; that for unknown text comes by itself too."""
        is_unknown_spelled = self._unknown_id in ids and self._unknown in text
        return is_unknown_spelled or not self._forbidden.isdisjoint(ids)

    def _plain(self, text: str) -> list[int]:
        ids = list(chain.from_iterable(self._parts(text, cut=False)))
        is_unknown_kept = self._is_unknown_kept and self._unknown in text
        if self._forbidden.isdisjoint(ids) and not is_unknown_kept:
            return ids
        ids = list(chain.from_iterable(self._parts(text, cut=True)))
        if left := self._forbidden.intersection(ids):
            raise DataError(
                f"the tokenizer makes its special token {self._special[min(left)]!r} of text",
                where=str(getattr(self._tokenizer, "name_or_path", "")),
                todo=TODO,
            )
        return ids

    def _parts(self, text: str, *, cut: bool) -> Iterator[list[int]]:
        """The ids of a text, part by part, where ordinary added tokens are parts."""
        end = 0
        for match in self._ordinary.finditer(text):
            yield from self._between(text[end : match.start()], cut)
            assert match.lastindex is not None
            yield [self._ordinary_ids[match.lastindex - 1]]
            end = match.end()
        yield from self._between(text[end:], cut)

    def _between(self, text: str, cut: bool) -> Iterator[list[int]]:
        cuts = [match.start() + 1 for match in self._spelling.finditer(text)] if cut else []
        for start, end in pairwise([0, *cuts, len(text)]):
            if start < end:
                yield self._split(text[start:end])

    def _split(self, text: str) -> list[int]:
        try:
            (ids,) = _call(self._tokenizer, [text], split_special_tokens=True)
        except (TypeError, ValueError):  # some refuse the option
            (ids,) = _call(self._tokenizer, [text])
        return list(ids)


def _call(tokenizer: Any, texts: list[str], **more: bool) -> list[Any]:
    """The ids of texts, which are not cut or padded."""
    options = {"add_special_tokens": False, "truncation": False, "padding": False, **more}
    found: list[Any] = tokenizer(texts, **options)["input_ids"]
    return found


def _added_tokens(tokenizer: Any) -> dict[int, Any]:
    """The tokens added to the vocabulary, by id, as far as the tokenizer tells them."""
    try:
        added = tokenizer.added_tokens_decoder
    except (AttributeError, NotImplementedError):
        return {}
    return dict(added) if isinstance(added, dict) else {}


def _any_of(names: dict[str, int]) -> str:
    return "|".join(map(re.escape, filter(None, names))) or _NO_MATCH


def _pattern(token: Any) -> str:
    """What an added token matches: its content, as a group, and the space it takes along."""
    content = f"({re.escape(token.content)})"
    if token.single_word:
        content = f"(?<![^ ]){content}(?![^ ])"
    return (r"\s*" if token.lstrip else "") + content + (r"\s*" if token.rstrip else "")
