# SPDX-License-Identifier: Apache-2.0
"""What is put in place of personal data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import xxhash

from thresher.stages.text.pii.made_up import made_up
from thresher.stages.text.pii.match import Match
from thresher.stages.text.pii.types import label

Action = Literal["redact", "replace", "mask", "hash", "annotate"]
ACTIONS: tuple[str, ...] = get_args(Action)

HashType = Literal["xxh3_64", "xxh3_128", "sha256"]
HASH_TYPES: tuple[str, ...] = get_args(HashType)

Anonymizer = Callable[[str, str], str]
"""(value, type) -> what stands in its place."""


def redact(value: str, type: str) -> str:
    """A placeholder that tells only the type: ``<EMAIL>``."""
    return f"<{label(type)}>"


def replacer(seed: int) -> Anonymizer:
    """Made-up values; equal ones for equal values, others for another seed."""
    return lambda value, type: made_up(value, type, seed)


def masker(character: str) -> Anonymizer:
    """As many of one character as the value has, so that all other offsets stay."""
    return lambda value, type: character * len(value)


def hasher(kind: str, salt: str) -> Anonymizer:
    """``<EMAIL#digest>`` with the hexadecimal digest of the salt and the value."""

    def digest(value: str, type: str) -> str:
        data = f"{salt}{value}".encode()
        if kind == "sha256":
            code = hashlib.sha256(data).hexdigest()
        elif kind == "xxh3_64":
            code = xxhash.xxh3_64_hexdigest(data)
        else:
            code = xxhash.xxh3_128_hexdigest(data)
        return f"<{label(type)}#{code}>"

    return digest


def rewritten(text: str, matches: Iterable[Match], anonymizer: Anonymizer) -> str:
    """The text with each match changed and all else as it is; matches must not overlap."""
    pieces = []
    place = 0
    for match in matches:
        pieces += [text[place : match.start], anonymizer(text[match.start : match.end], match.type)]
        place = match.end
    return "".join((*pieces, text[place:]))
